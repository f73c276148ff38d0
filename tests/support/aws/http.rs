//! HTTP/1.1 by hand, because faults need the socket itself.

use std::io;
use std::sync::{Arc, Mutex};

use private_ca::Timestamp;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::faults::{Cut, Fault};
use super::wire::{AwsError, random_uuid};
use super::{Call, State, route53};

pub struct Request {
    pub method: String,
    /// With its query.
    pub target: String,
    headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    fn header(&self, name: &str) -> Option<&str> {
        let header = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        header.map(|(_, value)| value.as_str())
    }
}

struct Response {
    status: u16,
    content_type: &'static str,
    body: String,
    clock_ahead_seconds: i64,
}

/// Serves until its task is aborted, and its connections with it.
pub async fn serve(listener: TcpListener, state: Arc<Mutex<State>>) {
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let state = Arc::clone(&state);
        connections.spawn(async move {
            // A client that hangs up is no concern of the server.
            let _ = converse(stream, &state).await;
        });
    }
}

async fn converse(stream: TcpStream, state: &Mutex<State>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    while let Some(request) = read(&mut stream).await? {
        let (call, fault) = {
            let mut state = state.lock().unwrap();
            let call = name(&request);
            state.calls.push(call.clone());
            let fault = state.due_fault(&call);
            (call, fault)
        };
        if let Some(Fault::Delay(time)) = &fault {
            tokio::time::sleep(*time).await;
        }
        let mut response = respond(state, &request, &call, fault.as_ref());
        if matches!(fault, Some(Fault::WithoutEnd)) {
            response.body.pop();
        }
        let head = response.head();
        let body = response.body.as_bytes();
        let sent = match fault {
            Some(Fault::CutConnection(cut) | Fault::CutAfterDoing(cut)) => match cut {
                Cut::BeforeResponse => Vec::new(),
                Cut::AfterHeaders => head.into_bytes(),
                Cut::InBody => [head.as_bytes(), &body[..body.len() / 2]].concat(),
            },
            _ => {
                stream.write_all(&[head.as_bytes(), body].concat()).await?;
                continue;
            }
        };
        stream.write_all(&sent).await?;
        return stream.shutdown().await;
    }
    Ok(())
}

async fn read(stream: &mut BufReader<TcpStream>) -> io::Result<Option<Request>> {
    let mut line = String::new();
    if stream.read_line(&mut line).await? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace().map(str::to_owned);
    let (Some(method), Some(target)) = (words.next(), words.next()) else { return Ok(None) };
    let mut request = Request { method, target, headers: Vec::new(), body: Vec::new() };
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        match line.trim_end().split_once(':') {
            Some((name, value)) => {
                request.headers.push((name.to_owned(), value.trim().to_owned()));
            }
            None => break,
        }
    }
    let length = request.header("Content-Length").and_then(|length| length.parse().ok());
    request.body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut request.body).await?;
    Ok(Some(request))
}

/// The SDK names the operation of a JSON service in a header.
fn name(request: &Request) -> Call {
    let target = request.header("X-Amz-Target").unwrap_or_default();
    let service = match target.split_once('.') {
        Some(("ACMPrivateCA", operation)) => Some(("acm-pca", operation)),
        Some(("CertificateManager", operation)) => Some(("acm", operation)),
        _ => None,
    };
    match service {
        Some((service, operation)) => Call {
            service,
            operation: operation.to_owned(),
            body: serde_json::from_slice(&request.body).unwrap_or(Value::Null),
        },
        None => Call {
            service: "route53",
            operation: route53::operation(&request.method, &request.target).to_owned(),
            body: Value::String(String::from_utf8_lossy(&request.body).into_owned()),
        },
    }
}

fn respond(
    state: &Mutex<State>,
    request: &Request,
    call: &Call,
    fault: Option<&Fault>,
) -> Response {
    let mut state = state.lock().unwrap();
    let mut clock_ahead_seconds = state.behaviour.clock_ahead_seconds;
    if let Some(Fault::ClockSkew { ahead_seconds, .. }) = fault {
        clock_ahead_seconds = *ahead_seconds;
    }
    let early = match fault {
        // What it would have said does not matter, but it has to have a middle.
        Some(Fault::CutConnection(_)) => Some(Ok(json!({"Nothing": "was done"}))),
        Some(fault) => fault.refusal().map(Err),
        None => check_signature_time(request, clock_ahead_seconds)
            .or_else(|| state.check_policy(call))
            .map(Err),
    };
    let response =
        |status, content_type, body| Response { status, content_type, body, clock_ahead_seconds };
    if call.service == "route53" {
        let answer = match early {
            Some(early) => early.map(|_| "<Nothing>was done</Nothing>".to_owned()),
            None => state.route53(
                &call.operation,
                &request.target,
                &String::from_utf8_lossy(&request.body),
            ),
        };
        return match answer {
            Ok(xml) => response(200, "text/xml", xml),
            Err(error) => response(error.status, "text/xml", route53::error(&error)),
        };
    }
    let answer = early.unwrap_or_else(|| match call.service {
        "acm-pca" => state.private_ca(&call.operation, &call.body),
        _ => state.acm(&call.operation, &call.body),
    });
    match answer {
        Ok(body) => response(200, "application/x-amz-json-1.1", body.to_string()),
        Err(error) => {
            let body = json!({"__type": error.code, "message": error.message});
            response(error.status, "application/x-amz-json-1.1", body.to_string())
        }
    }
}

/// IAM User Guide, "Troubleshoot Signature Version 4": a signature is good for five minutes.
fn check_signature_time(request: &Request, clock_ahead_seconds: i64) -> Option<AwsError> {
    let date = request.header("X-Amz-Date")?;
    // 20270301T100000Z
    let parts =
        (date.get(..4)?, date.get(4..6)?, date.get(6..11)?, date.get(11..13)?, date.get(13..)?);
    let date = format!("{}-{}-{}:{}:{}", parts.0, parts.1, parts.2, parts.3, parts.4);
    let signed: Timestamp = date.parse().ok()?;
    let here = Timestamp::now().unix_seconds() + clock_ahead_seconds;
    let age = here - signed.unix_seconds();
    if age.abs() <= 300 {
        return None;
    }
    let state = if age > 0 { "expired" } else { "not yet current" };
    Some(AwsError::new(403, "InvalidSignatureException", format!("Signature {state}: {date}")))
}

impl Response {
    fn head(&self) -> String {
        let reason = if self.status == 200 { "OK" } else { "Error" };
        let now = Timestamp::now().unix_seconds() + self.clock_ahead_seconds;
        format!(
            "HTTP/1.1 {} {reason}\r\nContent-Type: {}\r\nContent-Length: {}\r\nDate: {}\r\nx-amzn-RequestId: {}\r\n\r\n",
            self.status,
            self.content_type,
            self.body.len(),
            http_date(Timestamp::from_unix_seconds(now)),
            random_uuid(),
        )
    }
}

/// RFC 9110 section 5.6.7: `Sun, 06 Nov 1994 08:49:37 GMT`.
fn http_date(moment: Timestamp) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let day = usize::try_from(moment.unix_seconds() / 86_400).unwrap() % 7;
    let text = moment.to_string();
    let month: usize = text[5..7].parse().unwrap();
    format!(
        "{}, {} {} {} {} GMT",
        DAYS[day],
        &text[8..10],
        MONTHS[month - 1],
        &text[..4],
        &text[11..19]
    )
}
