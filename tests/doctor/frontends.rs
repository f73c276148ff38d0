//! Servers that nobody here wrote: Go's TLS, OpenSSL's, nginx, and a real Temporal server behind it.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use private_ca::connect::{Diagnosis, Doctor, Stage};

use super::go::GoFrontend;
use super::openssl::Bench;
use super::pki::{self, Pair, Pki, issue};
use super::{assert_connects, assert_fails, doctor, seen, warned};

fn examine(doctor: &Doctor) -> Diagnosis {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(doctor.examine())
}

#[test]
fn gos_refusals_are_told_apart() {
    let Some(mut go) = GoFrontend::start() else { return };
    let pki = Pki::new();
    let server = pki.server();
    let stranger = issue(&pki::authority("Strangers"), &[], |_| {});
    let issuing = pki.clients.intermediate_with("Issuing", pki::current);
    let without_intermediate = issue(&issuing, &[], |_| {});
    let for_servers = issue(&pki.clients, &[], |params| {
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
    });
    let anchors = [pki.clients.certificate.clone()];
    for version in [12, 13] {
        for (client, id) in [
            (None, "certificate-required"),
            (Some(&stranger), "client-ca-unknown"),
            (Some(&without_intermediate), "client-ca-unknown"),
            (Some(&for_servers), "client-refused"),
        ] {
            let mut diagnosis = None;
            go.serve(&anchors, (&server.pem, &server.key), version, |address| {
                diagnosis = Some(examine(&doctor(&pki, client, address)));
            });
            let diagnosis = diagnosis.unwrap();
            let Some((stage, cause)) = diagnosis.failure() else { panic!("{id}: connects") };
            assert_eq!(
                (stage, cause.id()),
                (Stage::Tls, id),
                "TLS 1.{}: {diagnosis}",
                version - 10
            );
        }
    }
}

#[test]
fn openssl_in_one_version_alone_and_without_http2() {
    let Some(bench) = Bench::new() else { return };
    let pki = Pki::new();
    let server = pki.server();
    bench.write("server.pem", &server.pem);
    bench.write("server.key", &server.key);
    for (option, version) in [("-tls1_2", "TLS 1.2"), ("-tls1_3", "TLS 1.3")] {
        let mut running = bench.start(&format!(
            "s_server -accept 127.0.0.1:0 -cert server.pem -key server.key -www {option}"
        ));
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, running.port()));
        let client = pki.client();
        let doctor = doctor(&pki, Some(&client), address).with_patience(Duration::from_secs(2));
        let diagnosis = examine(&doctor);
        // It is a web server: TLS is good, asks for no certificate, and speaks no HTTP/2.
        assert_eq!(seen(&diagnosis, "version"), [version]);
        assert_eq!(warned(&diagnosis), ["no-certificate-asked"]);
        assert_fails(&diagnosis, Stage::Grpc, "no-http2");
    }
    let mut old = bench.start(
        "s_server -accept 127.0.0.1:0 -cert server.pem -key server.key -www -tls1_1 -cipher DEFAULT@SECLEVEL=0",
    );
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, old.port()));
    assert_fails(&examine(&doctor(&pki, None, address)), Stage::Tls, "tls-version");
}

/// A child process that writes into a file, and ends with the test.
struct Process(Child);

impl Process {
    fn start(command: &mut Command, folder: &Path, address: SocketAddr) -> Self {
        let log = folder.join(format!("{}.log", address.port()));
        let file = File::create(&log).unwrap();
        let child = command.stdin(Stdio::null()).stdout(file.try_clone().unwrap()).stderr(file);
        let mut process = Self(child.spawn().unwrap());
        let start = Instant::now();
        while std::net::TcpStream::connect(address).is_err() {
            let ended = process.0.try_wait().unwrap();
            assert!(
                ended.is_none() && start.elapsed() < Duration::from_secs(60),
                "{ended:?}: {}",
                std::fs::read_to_string(&log).unwrap()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        process
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_address() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap()
}

/// Whether a program is here, which on a build server it has to be.
fn is_here(program: &str, ask: &str) -> bool {
    let asked = Command::new(program).arg(ask).stdout(Stdio::null()).stderr(Stdio::null()).status();
    if asked.is_ok_and(|status| status.success()) {
        return true;
    }
    assert!(std::env::var_os("CI").is_none(), "{program} is needed");
    println!("skipped: no {program}");
    false
}

/// nginx, which asks for client certificates and passes gRPC on.
fn nginx(folder: &Path, pki: &Pki, server: &Pair, upstream: SocketAddr) -> (Process, SocketAddr) {
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    write("server.pem", &server.pem);
    write("server.key", &server.key);
    write("clients.pem", &pki.clients.certificate.to_pem());
    let address = free_address();
    write(
        "nginx.conf",
        &format!(
            "daemon off; master_process off; pid nginx.pid; error_log stderr; events {{}}
            http {{
                access_log off; client_body_temp_path a; proxy_temp_path b; fastcgi_temp_path c;
                uwsgi_temp_path d; scgi_temp_path e;
                server {{
                    listen {address} ssl http2;
                    ssl_certificate server.pem; ssl_certificate_key server.key;
                    ssl_client_certificate clients.pem; ssl_verify_client on;
                    location / {{ grpc_pass grpc://{upstream}; }}
                }}
            }}"
        ),
    );
    let mut command = Command::new("nginx");
    command.args(["-e", "stderr", "-c", "nginx.conf", "-p"]).arg(folder);
    (Process::start(&mut command, folder, address), address)
}

#[test]
fn nginx_refuses_by_a_page_and_the_doctor_reads_it() {
    if !is_here("nginx", "-v") {
        return;
    }
    let pki = Pki::new();
    let folder = tempfile::tempdir().unwrap();
    // Nobody is behind it.
    let (_nginx, address) = nginx(folder.path(), &pki, &pki.server(), free_address());
    let fails = |client: Option<&Pair>, id: &str| {
        assert_fails(&examine(&doctor(&pki, client, address)), Stage::Grpc, id)
    };
    fails(None, "nginx-no-certificate");
    fails(Some(&issue(&pki::authority("Strangers"), &[], |_| {})), "nginx-bad-certificate");
    let issuing = pki.clients.intermediate_with("Issuing", pki::current);
    fails(Some(&issue(&issuing, &[], |_| {})), "nginx-bad-certificate");
    fails(Some(&pki.client()), "backend-down");
}

#[test]
fn a_real_temporal_server_is_recognised_with_tls_and_without() {
    if !is_here("nginx", "-v") || !is_here("temporal", "--version") {
        return;
    }
    let pki = Pki::new();
    let folder = tempfile::tempdir().unwrap();
    let upstream = free_address();
    let mut command = Command::new("temporal");
    command
        .args(["server", "start-dev", "--headless", "--ip", "127.0.0.1"])
        .args(["--port", &upstream.port().to_string(), "--namespace", "hello"])
        .args(["--disable-config-file", "--disable-config-env"]);
    let _temporal = Process::start(&mut command, folder.path(), upstream);
    let client = pki.client();

    // As it is, it speaks gRPC without TLS.
    assert_fails(&examine(&doctor(&pki, Some(&client), upstream)), Stage::Tls, "plaintext-http2");

    let (_nginx, address) = nginx(folder.path(), &pki, &pki.server(), upstream);
    let start = Instant::now();
    let connected = loop {
        let diagnosis = examine(&doctor(&pki, Some(&client), address).with_namespace("hello"));
        // It listens before it serves, and the namespace is there a little later.
        if diagnosis.failure().is_none() || start.elapsed() > Duration::from_secs(30) {
            break diagnosis;
        }
        std::thread::sleep(Duration::from_millis(200));
    };
    assert_connects(&connected);
    let version = &seen(&connected, "Temporal server")[0];
    assert!(version.starts_with("1."), "{version}");
    let absent = examine(&doctor(&pki, Some(&client), address).with_namespace("absent"));
    let line = assert_fails(&absent, Stage::Grpc, "namespace-not-found");
    assert!(line.contains("there is no namespace absent"), "{line}");
}
