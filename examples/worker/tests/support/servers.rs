//! The programs that the worker's tests talk to. Where one is missing a test fails under `CI` and is
//! skipped elsewhere.
#![allow(dead_code, reason = "each of the test programs uses a part of it")]

use std::{
    env,
    fs::{self, File},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use tempfile::TempDir;
use tokio::{
    net::TcpStream,
    time::{Instant, sleep, timeout},
};

/// Long enough for a slow machine, short enough that a hang is told from slowness.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A Temporal dev server, and nginx in front of it as its mTLS frontend.
pub(crate) struct Servers {
    pub(crate) address: SocketAddr,
    pub(crate) nginx: Process,
    _temporal: Process,
}

impl Servers {
    /// Both, with their files in `folder`: `client_ca.pem` is whom nginx lets in, and `server.pem` and
    /// `server.key` are its own. `None` where one is not installed.
    pub(crate) async fn start(folder: &Path, server_name: &str, namespace: &str) -> Option<Self> {
        if let Some(missing) = ["temporal", "nginx"].into_iter().find(|name| !on_path(name)) {
            return skipped(&format!("`{missing}` is not on PATH"));
        }
        let (temporal, upstream) = temporal_server(folder, namespace).await;
        let address = free_address();
        let conf = nginx_conf(address, server_name, upstream);
        fs::write(folder.join("nginx.conf"), conf).expect("a file");
        let nginx = nginx(folder, address).await;
        Some(Self { address, nginx, _temporal: temporal })
    }
}

/// A Temporal dev server, and where it listens. A frontend has to be started after it, because it also
/// takes free ports of its own choice.
pub(crate) async fn temporal_server(folder: &Path, namespace: &str) -> (Process, SocketAddr) {
    let address = free_address();
    let temporal = Process::start(
        folder,
        Command::new("temporal")
            .args(["server", "start-dev", "--headless"])
            .args(["--ip", &address.ip().to_string()])
            .args(["--port", &address.port().to_string()])
            .args(["--namespace", namespace])
            .args(["--disable-config-file", "--disable-config-env"]),
    );
    (temporal.listening_on(address).await, address)
}

/// nginx with the `nginx.conf` of this folder.
pub(crate) async fn nginx(folder: &Path, address: SocketAddr) -> Process {
    Process::start(folder, &mut nginx_command(folder)).listening_on(address).await
}

pub(crate) fn nginx_command(folder: &Path) -> Command {
    let mut command = Command::new("nginx");
    // Before it has read its configuration, nginx would complain into a system folder.
    command.args(["-e", "stderr", "-c", "nginx.conf", "-p"]).arg(folder);
    command
}

/// All of nginx's files are in its own folder, and it is one process, so that to kill it is to end it.
fn nginx_conf(listen: SocketAddr, server_name: &str, upstream: SocketAddr) -> String {
    format!(
        r#"
daemon off;
master_process off;
pid nginx.pid;
error_log stderr info;
events {{ }}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    server {{
        listen {listen} ssl http2;
        server_name {server_name};
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_certificate server.pem;
        ssl_certificate_key server.key;
        ssl_client_certificate client_ca.pem;
        ssl_verify_client on;
        location = /tls {{
            return 200 "$ssl_protocol $ssl_client_verify";
        }}
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

/// The stand-in for AWS that this crate's own tests talk to, in a process of its own.
pub(crate) struct AwsStandIn {
    pub(crate) endpoint_url: String,
    _process: Process,
    _folder: TempDir,
}

impl AwsStandIn {
    /// `None` where it is not built.
    pub(crate) async fn start() -> Option<Self> {
        // Beside the folder of the test's own program.
        let own = env::current_exe().expect("a path");
        let built = own.parent().and_then(Path::parent).expect("a target folder");
        let program = built.join("examples").join("aws-stand-in");
        if !program.is_file() {
            return skipped(
                "the stand-in for AWS is not built: cargo build --example aws-stand-in --features aws",
            );
        }
        let folder = tempfile::tempdir().expect("a folder");
        let process = Process::start(folder.path(), &mut Command::new(program));
        let deadline = Instant::now() + PATIENCE;
        loop {
            let said = process.output();
            // Whole lines only.
            let line = said.lines().filter(|_| said.ends_with('\n'));
            let url = line.filter_map(|line| line.rsplit_once("AWS_ENDPOINT_URL=")).next();
            if let Some((_, url)) = url {
                let endpoint_url = url.to_owned();
                return Some(Self { endpoint_url, _process: process, _folder: folder });
            }
            assert!(Instant::now() < deadline, "the stand-in for AWS does not start:\n{said}");
            sleep(Duration::from_millis(50)).await;
        }
    }
}

/// Only a developer's machine is forgiven.
pub(crate) fn skipped<T>(reason: &str) -> Option<T> {
    if env::var_os("CI").is_some_and(|ci| !ci.is_empty()) {
        panic!("{reason}");
    }
    println!("skipped: {reason}");
    None
}

/// A child process that writes its output to a file, and ends with the test.
pub(crate) struct Process {
    name: String,
    child: Child,
    output: PathBuf,
    folder: PathBuf,
}

impl Process {
    pub(crate) fn start(folder: &Path, command: &mut Command) -> Self {
        let program = Path::new(command.get_program()).file_name().expect("a program's name");
        let name = program.to_string_lossy().into_owned();
        let output = folder.join(format!("{name}.out"));
        let file = File::create(&output).expect("a file");
        let child = command
            .stdin(Stdio::null())
            .stderr(file.try_clone().expect("a second handle"))
            .stdout(file)
            .spawn()
            .unwrap_or_else(|error| panic!("{name} does not start: {error}"));
        Self { name, child, output, folder: folder.to_owned() }
    }

    pub(crate) async fn listening_on(mut self, address: SocketAddr) -> Self {
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(address).await.is_err() {
            let ended = self.child.try_wait().expect("a child");
            if ended.is_some() || Instant::now() > deadline {
                let state = ended.map_or("still runs".into(), |status| status.to_string());
                let Self { name, .. } = &self;
                panic!("{name} ({state}) does not listen on {address}:\n{}", self.output());
            }
            sleep(Duration::from_millis(50)).await;
        }
        self
    }

    pub(crate) fn output(&self) -> String {
        fs::read_to_string(&self.output).expect("a readable file")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // nginx is asked, because one that is killed would leave a child of its own behind.
        let is_asked = self.name == "nginx"
            && nginx_command(&self.folder)
                .args(["-s", "stop"])
                .stderr(Stdio::null())
                .status()
                .is_ok_and(|status| status.success());
        if is_asked {
            let _ = self.child.wait();
            return;
        }
        // Both fail only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn on_path(program: &str) -> bool {
    env::var_os("PATH")
        .is_some_and(|path| env::split_paths(&path).any(|folder| folder.join(program).is_file()))
}

/// Free when asked, which is the most that can be known before the server itself binds it.
pub(crate) fn free_address() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .expect("a free port")
}

pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.expect("an end in time")
}
