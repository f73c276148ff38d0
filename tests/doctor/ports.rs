//! Ports that speak something else than TLS, or nothing.

use std::net::SocketAddr;
use std::time::Duration;

use private_ca::connect::Stage;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::pki::Pki;
use super::{assert_fails, doctor};

struct Port {
    address: SocketAddr,
    accepting: JoinHandle<()>,
}

impl Drop for Port {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Does the same with everybody who connects.
async fn port<F: Future<Output = ()> + Send + 'static>(
    serve: impl Fn(TcpStream) -> F + Send + 'static,
) -> Port {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let accepting = tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(serve(stream));
        }
    });
    Port { address, accepting }
}

/// Reads what comes, answers, and closes when the other side does.
async fn say(mut stream: TcpStream, answer: &[u8]) {
    let mut buffer = [0; 2048];
    let _ = stream.read(&mut buffer).await;
    let _ = stream.write_all(answer).await;
    let _ = stream.shutdown().await;
    while matches!(stream.read(&mut buffer).await, Ok(1..)) {}
}

async fn fails(port: &Port, id: &str) -> String {
    let pki = Pki::new();
    let doctor = doctor(&pki, Some(&pki.client()), port.address);
    let diagnosis = doctor.with_patience(Duration::from_millis(700)).examine().await;
    assert_fails(&diagnosis, Stage::Tls, id)
}

#[tokio::test]
async fn nobody_listens() {
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let pki = Pki::new();
    let diagnosis = doctor(&pki, Some(&pki.client()), address).examine().await;
    let line = assert_fails(&diagnosis, Stage::Tcp, "tcp-refused");
    assert!(line.contains(&address.to_string()), "{line}");
}

#[tokio::test]
async fn a_silent_port() {
    let port = port(|stream| async move {
        std::future::pending::<()>().await;
        drop(stream);
    })
    .await;
    assert!(fails(&port, "tls-silent").await.contains("0.7 seconds"));
}

#[tokio::test]
async fn a_port_that_hangs_up_at_once_or_after_the_first_message() {
    let at_once = port(|stream| async move { drop(stream) }).await;
    fails(&at_once, "tls-closed").await;
    let later = port(|stream| say(stream, b"")).await;
    fails(&later, "tls-closed").await;
}

#[tokio::test]
async fn a_port_that_resets() {
    let port = port(|stream| async move {
        // What lies unread when a socket is closed makes it a reset.
        stream.readable().await.unwrap();
        stream.set_zero_linger().unwrap();
    })
    .await;
    assert!(fails(&port, "tls-closed").await.contains("reset"));
}

#[tokio::test]
async fn a_web_server_without_tls() {
    let port = port(|stream| say(stream, b"HTTP/1.1 400 Bad Request\r\nServer: web\r\n\r\n")).await;
    assert!(fails(&port, "plaintext-http").await.contains("HTTP/1.1 400 Bad Request"));
}

#[tokio::test]
async fn a_grpc_server_without_tls() {
    // An empty SETTINGS frame, the first thing that a server of HTTP/2 says.
    let port = port(|stream| say(stream, &[0, 0, 0, 4, 0, 0, 0, 0, 0])).await;
    fails(&port, "plaintext-http2").await;
}

#[tokio::test]
async fn a_server_of_something_else() {
    let port = port(|mut stream| async move {
        stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n").await.unwrap();
        say(stream, b"").await;
    })
    .await;
    assert!(fails(&port, "not-tls").await.contains("SSH-2.0-OpenSSH_9.2"));
}
