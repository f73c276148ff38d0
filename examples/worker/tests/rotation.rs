//! A worker that changes its certificate, and its CA, while workflows run one after another.
//!
//! Needs `temporal` and `nginx` on `PATH`. Where one is missing the tests fail under `CI` and are
//! skipped elsewhere.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says so when it is skipped"
)]

#[path = "support/servers.rs"]
mod servers;

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use private_ca::{
    Certificate, CertificateAuthority, CertificatePurpose, CertificateRequest, Identity,
    IssueRequest, KeyAlgorithm, LocalCa, LocalCaOptions, RequestedValidity, SubjectAlternativeName,
    Timestamp,
    file::Existing,
    identity::{IdentityFiles, IdentityWatch, Renewal, RenewalSchedule, RotatingIdentity},
    temporal::worker::WorkerConfiguration,
};
use private_ca_worker::{Hello, TASK_QUEUE, worker};
use servers::{
    PATIENCE, Process, free_address, nginx, nginx_command, on_path, skipped, temporal_server,
    within,
};
use tempfile::TempDir;
use temporalio_client::{
    Client, ClientOptions, Connection, WorkflowGetResultOptions, WorkflowStartOptions,
};
use tokio::time::{Instant, sleep, timeout};

/// Not the address that clients dial, as with Temporal Cloud's regional endpoints.
const SERVER_NAME: &str = "hello.temporal.test";
const NAMESPACE: &str = "hello";

const REQUESTS_TO_A_CONNECTION: usize = 10;

/// Enough to tell that work goes on.
const SOME_WORKFLOWS: usize = 5;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_workflow_fails_while_the_files_are_replaced_and_the_ca_is_rotated() {
    let Some(stage) = Stage::start(RequestedValidity::days(1), "on").await else {
        return;
    };
    let watch = IdentityWatch::new([&stage.files.presented], &stage.files.private_key);
    let watching = watch.watch(stage.rotating.clone(), Duration::from_millis(50), |report| {
        // Two files cannot be replaced in one step, so a pair that does not fit may be seen.
        if let Err(error) = report {
            println!("{error}");
        }
    });
    stage
        .rotate(watching, async || {
            let next = issue(&stage.b, CertificatePurpose::Client, RequestedValidity::days(1), &[]);
            let folder = stage.files.presented.parent().expect("a folder");
            next.await.write_to(folder, Existing::Replace).expect("files");
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_workflow_fails_while_the_next_ca_renews_the_identity_by_itself() {
    // Certificates begin an hour before they are issued, so this one is past 2/3 of its validity.
    let soon = RequestedValidity::until(Timestamp::now().plus(Duration::from_secs(600)));
    let Some(stage) = Stage::start(soon, "on").await else {
        return;
    };
    let may_begin = tokio::sync::Notify::new();
    let renewed = AtomicUsize::new(0);
    let renewing = async {
        may_begin.notified().await;
        let ca: Arc<dyn CertificateAuthority> = stage.b.clone();
        Renewal::issued_by(ca, RequestedValidity::days(1))
            .with_schedule(
                RenewalSchedule::new().with_retries(Duration::ZERO, Duration::from_secs(1)),
            )
            .run(stage.rotating.clone(), |report| {
                report.outcome.expect("a renewal");
                renewed.fetch_add(1, Ordering::Relaxed);
            })
            .await;
    };
    stage.rotate(renewing, async || may_begin.notify_one()).await;
    assert_eq!(renewed.load(Ordering::Relaxed), 1, "the next is due in hours");
}

/// What `connection_options` says of when a new identity shows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_identity_shows_at_the_next_connection_that_resumes_no_session() {
    for (tickets, shows_by_itself) in [("off", true), ("on", false)] {
        let Some(stage) = Stage::start(RequestedValidity::days(1), tickets).await else {
            return;
        };
        let client = within(stage.connect(stage.rotating.clone())).await.expect("A is accepted");
        let started = AtomicUsize::new(0);
        let several_connections = async || {
            for _ in 0..3 * REQUESTS_TO_A_CONNECTION {
                let number = started.fetch_add(1, Ordering::Relaxed);
                let options = WorkflowStartOptions::new(TASK_QUEUE, format!("{number}")).build();
                let start = client.start_workflow(Hello::run, String::new(), options);
                within(start).await.expect("a start");
            }
        };
        several_connections().await;
        let validity = RequestedValidity::days(1);
        let next = issue(&stage.a, CertificatePurpose::Client, validity, &[]).await;
        let shown = hexadecimal(&next.certificate().fingerprint_sha1());
        stage.rotating.replace(next).expect("a key that rustls takes");
        several_connections().await;
        let log = stage.frontend.requests();
        assert_eq!(log.contains(&shown), shows_by_itself, "tickets {tickets}:\n{log}");
        // A connection of its own has no session to resume.
        within(stage.connect(stage.rotating.clone())).await.expect("it is accepted");
        until("the new identity", || stage.frontend.requests().contains(&shown)).await;
    }
}

/// A worker's surroundings: the old CA and the new one, and a frontend that accepts the old.
struct Stage {
    a: Arc<LocalCa>,
    b: Arc<LocalCa>,
    first: Identity,
    files: IdentityFiles,
    rotating: Arc<RotatingIdentity>,
    server_ca: PathBuf,
    // Fields are dropped in this order: nothing writes into the folder when it goes.
    frontend: Frontend,
    _folder: TempDir,
}

impl Stage {
    /// `tickets` is nginx's `ssl_session_tickets`, which is on by default. `None` where a server is not
    /// installed.
    async fn start(of_first: RequestedValidity, tickets: &str) -> Option<Self> {
        if let Some(missing) = ["temporal", "nginx"].into_iter().find(|name| !on_path(name)) {
            return skipped(&format!("`{missing}` is not on PATH"));
        }
        let folder = tempfile::tempdir().expect("a folder");
        let (a, b) = (authority("CN=Root A"), authority("CN=Root B"));
        let first = issue(&a, CertificatePurpose::Client, of_first, &[]).await;
        let files = first.write_to(folder.path().join("worker"), Existing::Keep).expect("files");
        let rotating = RotatingIdentity::new(first.clone()).expect("a key that rustls takes");

        let servers = authority("CN=Frontend Root");
        let name = SubjectAlternativeName::dns(SERVER_NAME).expect("a DNS name");
        let validity = RequestedValidity::days(1);
        let own = issue(&servers, CertificatePurpose::Server, validity, &[name]).await;
        let server_ca = folder.path().join("server_ca.pem");
        fs::write(&server_ca, servers.chain().to_pem()).expect("a file");
        let frontend = Frontend::start(folder.path(), &own, &[&a], tickets).await;
        let rotating = Arc::new(rotating);
        Some(Self { a, b, first, files, rotating, server_ca, frontend, _folder: folder })
    }

    /// What the SDK connects with, by this crate's own options.
    async fn connect(&self, identity: Arc<RotatingIdentity>) -> Result<Client, String> {
        let IdentityFiles { presented, private_key, .. } = &self.files;
        let address = self.frontend.address.to_string();
        let mut configuration =
            WorkerConfiguration::new(address, NAMESPACE, presented, private_key);
        configuration.server_ca_cert_path = Some(self.server_ca.clone());
        configuration.server_name = Some(SERVER_NAME.to_owned());
        let options = configuration.connection_options(identity).expect("options");
        let connection = Connection::connect(options).await.map_err(|error| error.to_string())?;
        let options = ClientOptions::new(NAMESPACE).build();
        Client::new(connection, options).map_err(|error| error.to_string())
    }

    /// The frontend accepts A, then both, then B alone; in between `replace` has the worker's identity
    /// replaced by one of B. `keeping` runs all the while, as do the workflows.
    async fn rotate(&self, keeping: impl Future<Output = ()>, replace: impl AsyncFnOnce()) {
        let client = within(self.connect(self.rotating.clone())).await.expect("A is accepted");
        let mut worker = worker(client.clone()).expect("a worker");
        let shut_down = worker.shutdown_handle();
        let mut working = pin!(worker.run());
        let completed = AtomicUsize::new(0);
        let traffic = async {
            for number in 0.. {
                if let Err(error) = greet(&client, number).await {
                    panic!("workflow {number}: {error}\n{}", self.frontend.requests());
                }
                completed.fetch_add(1, Ordering::Relaxed);
            }
        };
        let work_goes_on = async || {
            let enough = completed.load(Ordering::Relaxed) + SOME_WORKFLOWS;
            until("workflows complete", || completed.load(Ordering::Relaxed) >= enough).await;
        };
        let log = Mutex::new(String::new());
        let steps = async {
            work_goes_on().await;
            self.frontend.accept(&[&self.a, &self.b]).await;
            work_goes_on().await;

            replace().await;
            let first = self.first.certificate();
            until("another identity", || self.rotating.certificate() != *first).await;
            work_goes_on().await;

            // The new identity is shown before the old CA goes.
            let both = self.frontend.accept(&[&self.a, &self.b]).await;
            work_goes_on().await;
            let next = self.rotating.certificate();
            self.frontend.presented_only(&both, &next);

            let b_alone = self.frontend.accept(&[&self.b]).await;
            work_goes_on().await;
            self.frontend.presented_only(&b_alone, &next);
            *log.lock().expect("a log") = self.frontend.requests();
        };
        tokio::select! {
            ended = &mut working => panic!("the worker has ended: {ended:?}"),
            () = traffic => panic!("there are numbers left"),
            () = keeping => panic!("nothing keeps the identity up to date any more"),
            () = steps => {}
        }
        shut_down();
        within(working).await.expect("the worker shuts down");

        // The controls: there were requests under A, and A is refused now.
        let log = log.into_inner().expect("a log");
        let of_first = hexadecimal(&self.first.certificate().fingerprint_sha1());
        assert!(log.contains(&of_first), "{log}");
        let first = Arc::new(RotatingIdentity::new(self.first.clone()).expect("a key"));
        let refused = within(self.connect(first)).await.expect_err("A is refused");
        assert!(refused.contains("400 Bad Request"), "{refused}");
    }
}

/// One workflow from its start to its result.
async fn greet(client: &Client, number: usize) -> Result<(), Box<dyn std::error::Error>> {
    let options = WorkflowStartOptions::new(TASK_QUEUE, format!("hello-{number}")).build();
    let workflow = client.start_workflow(Hello::run, number.to_string(), options).await?;
    let greeting =
        timeout(PATIENCE, workflow.get_result(WorkflowGetResultOptions::default())).await??;
    assert_eq!(greeting, format!("Hello, {number}!"));
    Ok(())
}

fn authority(name: &str) -> Arc<LocalCa> {
    let options = LocalCaOptions::new(name.parse().expect("a name"))
        .with_key_algorithm(KeyAlgorithm::EcdsaP256);
    Arc::new(LocalCa::in_memory_root(options).expect("a CA"))
}

async fn issue(
    ca: &LocalCa,
    purpose: CertificatePurpose,
    validity: RequestedValidity,
    names: &[SubjectAlternativeName],
) -> Identity {
    let key = LocalCa::generate_key(KeyAlgorithm::EcdsaP256).expect("a key");
    let subject = "CN=worker".parse().expect("a name");
    let request = CertificateRequest::new(&key, subject, names).expect("a request");
    let issued = ca.issue(IssueRequest::new(request, purpose, validity)).await;
    let issued = issued.expect("a certificate");
    let above = issued.chain.certificates().iter().cloned();
    let certificates = std::iter::once(issued.certificate).chain(above).collect();
    Identity::new(certificates, key).expect("an identity")
}

/// A Temporal dev server, and nginx in front of it, whose accepted CAs change.
struct Frontend {
    address: SocketAddr,
    folder: PathBuf,
    nginx: Process,
    _temporal: Process,
}

impl Frontend {
    async fn start(folder: &Path, own: &Identity, accepted: &[&LocalCa], tickets: &str) -> Self {
        let (temporal, upstream) = temporal_server(folder, NAMESPACE).await;
        let address = free_address();
        let write = |name: &str, text: &str| fs::write(folder.join(name), text).expect("a file");
        write("server.pem", &own.certificate().to_pem());
        write("server.key", &own.private_key().to_pkcs8_pem());
        write("client_ca.pem", &bundle(accepted));
        write("requests.log", "");
        write("nginx.conf", &nginx_conf(address, upstream, tickets));
        let nginx = nginx(folder, address).await;
        Self { address, folder: folder.to_owned(), nginx, _temporal: temporal }
    }

    /// Reloads nginx with this bundle, and waits until the processes that accepted another are gone,
    /// their connections with them. Gives the id of the process that has come.
    async fn accept(&self, authorities: &[&Arc<LocalCa>]) -> String {
        let authorities: Vec<&LocalCa> = authorities.iter().map(|ca| &***ca).collect();
        fs::write(self.folder.join("client_ca.pem"), bundle(&authorities)).expect("a file");
        let before = self.processes();
        let reload = nginx_command(&self.folder).args(["-s", "reload"]).output();
        let reload = reload.expect("nginx starts");
        assert!(reload.status.success(), "{reload:?}");
        until("nginx's next process", || self.processes().len() > before.len()).await;
        let old = before.last().expect("a process");
        until("the end of the last one", || {
            self.nginx.output().contains(&format!("process {old} exited with code 0"))
        })
        .await;
        self.processes().last().expect("a process").clone()
    }

    /// The worker processes that nginx has started, in their order.
    fn processes(&self) -> Vec<String> {
        let output = self.nginx.output();
        let started = output.lines().filter_map(|line| line.rsplit_once("start worker process "));
        started.map(|(_, id)| id.to_owned()).collect()
    }

    /// A line for each request that has ended: the process, the client certificate's SHA-1
    /// fingerprint, what nginx thinks of it, whether the session was resumed, status and path.
    fn requests(&self) -> String {
        fs::read_to_string(self.folder.join("requests.log")).expect("a log")
    }

    /// The process has served workflows, under this certificate and no other.
    fn presented_only(&self, process: &str, certificate: &Certificate) {
        let log = self.requests();
        let of_process = format!("{process} ");
        let lines: Vec<_> = log.lines().filter(|line| line.starts_with(&of_process)).collect();
        let expected =
            format!("{of_process}{} SUCCESS ", hexadecimal(&certificate.fingerprint_sha1()));
        assert!(lines.iter().all(|line| line.starts_with(&expected)), "{expected}\n{log}");
        for call in ["StartWorkflowExecution", "RespondWorkflowTaskCompleted"] {
            let calls = lines.iter().filter(|line| line.contains(call)).count();
            assert!(calls >= SOME_WORKFLOWS - 1, "{calls} times {call}\n{log}");
        }
    }
}

fn bundle(authorities: &[&LocalCa]) -> String {
    authorities.iter().map(|ca| ca.chain().to_pem()).collect()
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// All of nginx's files are in its own folder. A reload starts another process, and gives the old one
/// a second to end its requests, which long polls do not.
fn nginx_conf(listen: SocketAddr, upstream: SocketAddr, tickets: &str) -> String {
    format!(
        r#"
daemon off;
user root root; # for whoever starts it as root: the folder is its own; ignored for others
worker_processes 1;
worker_shutdown_timeout 1s;
pid nginx.pid;
error_log stderr notice;
events {{ }}
http {{
    log_format certificates '$pid $ssl_client_fingerprint $ssl_client_verify $ssl_session_reused $status $uri';
    access_log requests.log certificates;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    server {{
        listen {listen} ssl http2;
        server_name {SERVER_NAME};
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_certificate server.pem;
        ssl_certificate_key server.key;
        ssl_client_certificate client_ca.pem;
        ssl_verify_client on;
        ssl_session_tickets {tickets};
        # Each connection ends soon, so that there are many.
        keepalive_requests {REQUESTS_TO_A_CONNECTION};
        location / {{
            grpc_pass grpc://{upstream};
            # A worker's poll for tasks is held open for a minute, nginx's own limit.
            grpc_read_timeout 5m;
        }}
    }}
}}
"#
    )
}

async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        sleep(Duration::from_millis(20)).await;
    }
}
