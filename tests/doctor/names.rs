//! DNS, answered by a server of our own.

use std::net::SocketAddr;
use std::time::Duration;

use hickory_resolver::proto::op::{Message, ResponseCode};
use hickory_resolver::proto::rr::rdata::{A, CNAME};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use private_ca::connect::{Doctor, Stage};
use tokio::net::UdpSocket;
use tokio::task::JoinHandle;

use super::{assert_fails, seen};

struct NameServer {
    address: SocketAddr,
    answering: JoinHandle<()>,
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.answering.abort();
    }
}

/// Answers with a code and, for questions of type A, with these records.
async fn name_server(code: ResponseCode, records: Vec<Record>) -> NameServer {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let answering = tokio::spawn(async move {
        let mut buffer = [0; 2048];
        loop {
            let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
            let question = Message::from_vec(&buffer[..length]).unwrap();
            let mut answer = Message::response(question.metadata.id, question.metadata.op_code);
            answer.metadata.response_code = code;
            answer.metadata.recursion_desired = true;
            answer.metadata.recursion_available = true;
            let is_of_a = question.queries[0].query_type() == RecordType::A;
            answer.add_query(question.queries[0].clone());
            answer.add_answers(records.iter().filter(|_| is_of_a).cloned());
            socket.send_to(&answer.to_vec().unwrap(), from).await.unwrap();
        }
    });
    NameServer { address, answering }
}

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn doctor(host: &str, server: &NameServer) -> Doctor {
    Doctor::new(host, 1).with_resolver(server.address).with_patience(Duration::from_millis(500))
}

const HOST: &str = "hello.a1b2c.tmprl.cloud";

#[tokio::test]
async fn a_name_that_does_not_exist_is_told_from_one_without_an_address() {
    let server = name_server(ResponseCode::NXDomain, vec![]).await;
    let line = assert_fails(&doctor(HOST, &server).examine().await, Stage::Dns, "no-such-name");
    assert!(line.contains(HOST), "{line}");
    let server = name_server(ResponseCode::NoError, vec![]).await;
    assert_fails(&doctor(HOST, &server).examine().await, Stage::Dns, "no-address");
    // An alias that leads to nothing.
    let alias = Record::from_rdata(
        name("hello.a1b2c.tmprl.cloud."),
        60,
        RData::CNAME(CNAME(name("gone.example."))),
    );
    let server = name_server(ResponseCode::NoError, vec![alias]).await;
    assert_fails(&doctor(HOST, &server).examine().await, Stage::Dns, "no-address");
}

#[tokio::test]
async fn a_server_that_refuses_or_is_silent_is_told_apart_from_the_name() {
    let server = name_server(ResponseCode::ServFail, vec![]).await;
    assert_fails(&doctor(HOST, &server).examine().await, Stage::Dns, "resolver-fails");
    let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let doctor = Doctor::new(HOST, 1)
        .with_resolver(silent.local_addr().unwrap())
        .with_patience(Duration::from_millis(200));
    let line = assert_fails(&doctor.examine().await, Stage::Dns, "resolver-fails");
    assert!(line.contains(HOST), "{line}");
}

#[tokio::test]
async fn aliases_and_addresses_are_shown_in_order() {
    let records = vec![
        Record::from_rdata(
            name("hello.a1b2c.tmprl.cloud."),
            60,
            RData::CNAME(CNAME(name("front.eu.example."))),
        ),
        Record::from_rdata(
            name("front.eu.example."),
            60,
            RData::CNAME(CNAME(name("balancer.example."))),
        ),
        Record::from_rdata(name("balancer.example."), 60, RData::A(A::new(127, 0, 0, 1))),
    ];
    let server = name_server(ResponseCode::NoError, records).await;
    let diagnosis = doctor(HOST, &server).examine().await;
    // The name is found; on the way there nobody listens.
    assert_fails(&diagnosis, Stage::Tcp, "tcp-refused");
    assert_eq!(seen(&diagnosis, "alias"), ["front.eu.example.", "balancer.example."]);
    assert_eq!(seen(&diagnosis, "address"), [format!("{HOST}:1").as_str(), "127.0.0.1"]);
}

#[tokio::test]
async fn addresses_and_names_of_this_machine_need_no_server() {
    let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    for host in ["127.0.0.1", "localhost"] {
        let doctor = Doctor::new(host, 1).with_resolver(silent.local_addr().unwrap());
        let diagnosis = doctor.with_patience(Duration::from_millis(500)).examine().await;
        assert_fails(&diagnosis, Stage::Tcp, "tcp-refused");
    }
}
