//! What comes back from a call: a gRPC server's answer, or another's.

use std::fmt::Write as _;
use std::pin::Pin;

use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::{HeaderMap, Response};
use tokio::time::Sleep;

use super::told;
use crate::connect::doctor::{Cause, strangers};

/// How much of a gRPC server's answer is read.
const MOST: usize = 1 << 20;

/// How much of another's page: its title, and what a person wants to see of it.
const START_OF_PAGE: usize = 1 << 10;

/// How much of a message is shown: as much as a person reads.
const LONGEST_MESSAGE: usize = 500;

/// An answer of a gRPC server.
pub(super) struct Answer {
    pub(super) status: u32,
    pub(super) message: String,
    /// The protobuf of the response.
    pub(super) body: Vec<u8>,
}

impl Answer {
    /// From the headers that the status is in, if it is.
    fn of(headers: &HeaderMap, body: &[u8]) -> Option<Self> {
        let status = headers.get("grpc-status")?.to_str().ok()?.parse().ok()?;
        let message = headers.get("grpc-message").map(|value| percent_decoded(value.as_bytes()));
        let message: String = message.unwrap_or_default().chars().take(LONGEST_MESSAGE).collect();
        // Before the message is a byte and its length.
        let body = body.get(5..).unwrap_or_default().to_vec();
        Some(Self { status, message: strangers::line(&message), body })
    }
}

/// Reads an answer until its end or a deadline. Who answers is judged by the head; of what is no gRPC
/// server's, whatever becomes of the rest says nothing.
pub(super) async fn read(
    call: &'static str,
    response: Response<Incoming>,
    mut deadline: Pin<&mut Sleep>,
) -> Result<Answer, Cause> {
    let (head, mut incoming) = response.into_parts();
    // All there is, where there is no message (gRPC over HTTP/2, "Trailers-Only").
    if let Some(answer) = Answer::of(&head.headers, &[]) {
        return Ok(answer);
    }
    let kind = head.headers.get("content-type").map_or(&[][..], |kind| kind.as_bytes());
    let is_grpc = head.status.is_success() && kind.starts_with(b"application/grpc");
    let most = if is_grpc { MOST } else { START_OF_PAGE };
    let (mut body, mut trailers) = (Vec::new(), HeaderMap::new());
    let end = loop {
        let frame = tokio::select! {
            biased;
            () = deadline.as_mut() => break Err("the answer does not end in time".to_owned()),
            frame = incoming.frame() => frame,
        };
        match frame {
            None => break Ok(()),
            Some(Err(error)) => break Err(strangers::name(told(&error))),
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => {
                    let room = most.saturating_sub(body.len());
                    body.extend(data.iter().take(room));
                    if data.len() > room {
                        break Err(format!("the answer is longer than {most} bytes"));
                    }
                }
                Err(frame) => trailers = frame.into_trailers().unwrap_or_default(),
            },
        }
    };
    match (Answer::of(&trailers, &body), end) {
        (Some(answer), _) => Ok(answer),
        (None, _) if !is_grpc => Err(not_grpc(head.status.as_u16(), &head.headers, &body)),
        (None, Err(reason)) => Err(Cause::CallBroken { call, reason }),
        (None, Ok(())) => {
            let reason = "the answer ends without a status of gRPC, as if somebody in between had dropped its trailers";
            Err(Cause::CallBroken { call, reason: reason.to_owned() })
        }
    }
}

/// Who answered instead of a gRPC server.
fn not_grpc(http_status: u16, headers: &HeaderMap, body: &[u8]) -> Cause {
    let text = String::from_utf8_lossy(body);
    let server = headers.get("server").map(|value| String::from_utf8_lossy(value.as_bytes()));
    let is_nginx = server.as_ref().is_some_and(|server| server.starts_with("nginx"));
    match http_status {
        // nginx's own status 496 and 495, which it answers as 400 with these titles.
        400 if is_nginx && text.contains("No required SSL certificate was sent") => {
            Cause::NginxNoCertificate
        }
        400 if is_nginx && text.contains("The SSL certificate error") => Cause::NginxBadCertificate,
        502..=504 => Cause::BackendDown { http_status },
        _ => {
            let mut said = server
                .map_or_else(String::new, |server| format!(" from {}", strangers::name(server)));
            let start: String = text.trim().chars().take(120).collect();
            if !start.is_empty() {
                let _ = write!(said, ", beginning with \"{}\"", start.escape_debug());
            }
            Cause::NotGrpc { http_status, server: said }
        }
    }
}

/// Undoes the encoding of `grpc-message` (gRPC over HTTP/2, "Responses"); what is no encoding stays.
fn percent_decoded(text: &[u8]) -> String {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, after)) = rest.split_first() {
        let hexadecimal = (first == b'%').then(|| after.get(..2)).flatten();
        let byte = hexadecimal
            .filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match byte {
            Some(byte) => {
                decoded.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                decoded.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::percent_decoded;

    #[test]
    fn messages_are_decoded_and_what_is_no_encoding_stays() {
        for (text, expected) in [
            ("Request%20unauthorized.", "Request unauthorized."),
            ("100%", "100%"),
            ("%zz%4", "%zz%4"),
            ("caf%C3%A9", "café"),
            ("%+1", "%+1"),
            ("", ""),
        ] {
            assert_eq!(percent_decoded(text.as_bytes()), expected);
        }
    }
}
