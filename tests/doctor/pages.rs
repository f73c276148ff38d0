//! Answers that are no gRPC, or are no longer: whoever answers is judged by the head, and not waited for.

use std::time::{Duration, Instant};

use private_ca::connect::{Diagnosis, Stage};
use rustls::DEFAULT_VERSIONS;

use super::pki::Pki;
use super::stand_in::{PAGE, Rest, Service, StandIn, tls};
use super::{assert_fails, doctor};

const RESTS: [Rest; 5] = [Rest::Ends, Rest::IsLong, Rest::Breaks, Rest::Drips, Rest::Stalls];

async fn examined(service: Service, agrees: bool) -> Diagnosis {
    let pki = Pki::new();
    let mut config = tls(&pki.server(), Some(&pki.client_cas()), DEFAULT_VERSIONS);
    if !agrees {
        config.alpn_protocols.clear();
    }
    let frontend = StandIn::start(config, service).await;
    let start = Instant::now();
    let doctor = doctor(&pki, Some(&pki.client()), frontend.address);
    let diagnosis = doctor.with_patience(Duration::from_millis(600)).examine().await;
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
    diagnosis
}

#[tokio::test]
async fn a_page_is_told_by_its_head_whatever_its_body_does() {
    for rest in RESTS {
        // Also where the handshake agreed on nothing.
        for (status, agrees) in [(200, true), (200, false), (403, true), (407, false)] {
            let diagnosis = examined(Service::Odd(status, "text/html", rest), agrees).await;
            let line = assert_fails(&diagnosis, Stage::Grpc, "not-grpc");
            assert!(line.contains(&format!("HTTP {status} from stand-in")), "{rest:?}: {line}");
            let begins = format!(", beginning with \"{PAGE}");
            assert_eq!(line.contains(&begins), rest != Rest::Stalls, "{rest:?}: {line}");
            assert!(line.len() < 300, "{line}");
        }
        let diagnosis = examined(Service::Odd(503, "text/html", rest), true).await;
        let line = assert_fails(&diagnosis, Stage::Grpc, "backend-down");
        assert!(line.contains("HTTP 503"), "{line}");
    }
}

#[tokio::test]
async fn an_error_of_http_is_none_of_grpc_whatever_type_it_claims() {
    let diagnosis = examined(Service::Odd(404, "application/grpc", Rest::Stalls), true).await;
    let line = assert_fails(&diagnosis, Stage::Grpc, "not-grpc");
    assert!(line.contains("HTTP 404"), "{line}");
}

#[tokio::test]
async fn an_answer_of_grpc_that_breaks_off_is_not_called_another_protocol() {
    for (rest, reason) in [
        (Rest::Ends, "without a status of gRPC"),
        (Rest::IsLong, "longer than 1048576 bytes"),
        (Rest::Breaks, "stream error"),
        (Rest::Drips, "does not end in time"),
        (Rest::Stalls, "does not end in time"),
    ] {
        let diagnosis = examined(Service::Odd(200, "application/grpc+proto", rest), true).await;
        let line = assert_fails(&diagnosis, Stage::Grpc, "call-broken");
        assert!(line.contains("the call GetSystemInfo breaks off: "), "{rest:?}: {line}");
        assert!(line.contains(reason), "{rest:?}: {line}");
    }
}

#[tokio::test]
async fn a_server_that_resets_the_call_speaks_http2_if_it_agreed_to() {
    assert_fails(&examined(Service::Resets, true).await, Stage::Grpc, "call-broken");
    assert_fails(&examined(Service::Resets, false).await, Stage::Grpc, "no-http2");
}
