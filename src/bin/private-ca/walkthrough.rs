//! The whole journey in one command, offline: what a team does in web consoles and with `openssl`,
//! step by step, each with the command that does it alone.

use std::path::{Path, PathBuf};

use private_ca::connect::{
    ConnectError, Connection, Doctor, Frontend, Probe, Stage, TlsVersion, system_roots,
};
use private_ca::file::{self, Existing, Secrecy};
use private_ca::managed::{
    CERTIFICATE_CHAIN_FILE, CERTIFICATE_FILE, ManagedCertificates as _, PRIVATE_KEY_FILE,
};
use private_ca::temporal::bundle::CaBundle;
use private_ca::temporal::requirements::Submission;
use private_ca::temporal::worker::WorkerConfiguration;
use private_ca::verify::{Purpose, Verification, Verifier};
use private_ca::{
    CertificateChain, EncryptedPrivateKey, Identity, KeyAlgorithm, LocalCa, LocalCaOptions,
    LocalManaged, ManagedRequest, Passphrase,
};
use zeroize::Zeroizing;

use crate::arguments::WalkthroughArguments;
use crate::output::{self, Answer, Story};
use crate::{Failure, OrFail as _};

const DOMAIN_NAME: &str = "worker.acme.internal";
const PASSPHRASE_FILE: &str = "passphrase.txt";

pub(crate) async fn run(arguments: &WalkthroughArguments) -> Result<Answer, Failure> {
    let dir = arguments.dir.as_path();
    if dir.read_dir().is_ok_and(|mut entries| entries.next().is_some()) {
        let message = format!(
            "{} is not empty, and the walkthrough writes into a new folder: name another one with --dir",
            dir.display()
        );
        return Err(message).or_no();
    }
    file::create_secret_folder(dir).or_unasked()?;
    let mut story = Story::default();

    let ca = create_ca(dir, &mut story)?;
    let client_anchors = ca.chain().clone();
    let passphrase = export(dir, ca, &mut story).await?;
    let identity = decrypt(dir, &passphrase, &mut story)?;
    verify(dir, &client_anchors, &identity, &mut story)?;
    check(dir, &client_anchors, &identity, &mut story)?;
    connect(&client_anchors, &identity, &mut story).await?;
    configure(dir, &mut story)?;
    Ok(story.end(dir))
}

fn create_ca(dir: &Path, story: &mut Story) -> Result<LocalCa, Failure> {
    let subject = "O=Acme,CN=Acme Root";
    let path = dir.join("ca");
    let options = LocalCaOptions::new(subject.parse().or_no()?);
    let ca = LocalCa::create_root(&path, options).or_no()?;
    story.step(
        "A private root CA (RSA 2048)",
        &format!(
            "private-ca ca create --dir {} --subject \"{subject}\"",
            output::shell_path(&path)
        ),
        &[format!("valid until {}", ca.own_certificate().validity().not_after)],
    );
    Ok(ca)
}

/// Requests a certificate as one does of ACM, and exports it under a passphrase.
async fn export(dir: &Path, ca: LocalCa, story: &mut Story) -> Result<Passphrase, Failure> {
    let passphrase = new_passphrase()?;
    let passphrase_path = dir.join(PASSPHRASE_FILE);
    let mut line = Zeroizing::new(passphrase.expose().to_vec());
    line.push(b'\n');
    file::write(&passphrase_path, line, Secrecy::Secret, Existing::Keep).or_unasked()?;

    let managed = LocalManaged::new(ca.into());
    let id = managed.request(ManagedRequest::new(DOMAIN_NAME)).await.or_no()?;
    let exported = managed.export(id, passphrase.clone()).await.or_no()?;
    exported.write_to(dir, Existing::Keep).or_unasked()?;
    let word = |name: &str| output::shell_path(&dir.join(name));
    story.step(
        "A client certificate, exported as ACM does: its key is under a passphrase",
        &format!(
            "private-ca export --ca {} --dns {DOMAIN_NAME} --passphrase-file {} --out {}",
            word("ca"),
            word(PASSPHRASE_FILE),
            output::shell_path(dir)
        ),
        &[
            format!("{CERTIFICATE_FILE:22} {}", exported.certificate.subject()),
            format!("{CERTIFICATE_CHAIN_FILE:22} {}", output::subjects(&exported.chain)),
            format!("{PRIVATE_KEY_FILE:22} {}", exported.private_key.scheme()),
        ],
    );
    Ok(passphrase)
}

/// 160 random bits, in characters that ACM allows.
fn new_passphrase() -> Result<Passphrase, Failure> {
    const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut random = Zeroizing::new([0_u8; 32]);
    getrandom::fill(random.as_mut_slice()).map_err(|error| error.to_string()).or_unasked()?;
    let letters = random.iter().filter_map(|byte| LETTERS.get(usize::from(byte % 32)).copied());
    Ok(Passphrase::new(letters.collect::<Box<[u8]>>()))
}

/// From here on the files are read back, as a user's own would be.
fn decrypt(dir: &Path, passphrase: &Passphrase, story: &mut Story) -> Result<Identity, Failure> {
    let read = |name: &str| file::read(dir.join(name)).or_unasked();
    let encrypted = EncryptedPrivateKey::from_pem_or_der(&read(PRIVATE_KEY_FILE)?).or_no()?;
    let key = encrypted.decrypt(passphrase).or_no()?;
    let found = format!("{}, and it is the one that the certificate is for", key.algorithm());
    let mut certificates = Vec::new();
    for name in [CERTIFICATE_FILE, CERTIFICATE_CHAIN_FILE] {
        let chain = CertificateChain::from_pem_or_der(&read(name)?).or_no()?;
        certificates.extend_from_slice(chain.certificates());
    }
    let identity = Identity::new(certificates, key).or_no()?;
    let path = dir.join(private_ca::managed::PLAIN_KEY_FILE);
    let pem = identity.private_key().to_pkcs8_pem();
    file::write(&path, pem.as_bytes(), Secrecy::Secret, Existing::Keep).or_unasked()?;
    let word = |name: &str| output::shell_path(&dir.join(name));
    story.step(
        "The passphrase taken off the key, because the Temporal SDKs take none",
        &format!(
            "private-ca key decrypt {} --passphrase-file {} --out {}",
            word(PRIVATE_KEY_FILE),
            word(PASSPHRASE_FILE),
            output::shell_path(&path)
        ),
        &[found],
    );
    Ok(identity)
}

fn verify(
    dir: &Path,
    anchors: &CertificateChain,
    identity: &Identity,
    story: &mut Story,
) -> Result<(), Failure> {
    let verifier = Verifier::new(anchors.certificates().iter().cloned()).or_no()?;
    let verified = verifier
        .verify(identity.certificate(), identity.above(), &Verification::new(Purpose::Client))
        .or_no()?;
    let word = |name: &str| output::shell_path(&dir.join(name));
    story.step(
        "The chain verified, before anyone else judges it",
        &format!(
            "private-ca verify --anchors {} {}",
            word(CERTIFICATE_CHAIN_FILE),
            word(CERTIFICATE_FILE)
        ),
        &[output::path_tree(&verified)],
    );
    Ok(())
}

/// What is given to a namespace is the CA's chain.
fn check(
    dir: &Path,
    chain: &CertificateChain,
    identity: &Identity,
    story: &mut Story,
) -> Result<(), Failure> {
    let bundle = CaBundle::from_pem(chain.to_pem().as_bytes()).or_no()?;
    let presented = CertificateChain::new(identity.presented().cloned().collect()).or_no()?;
    let mut submission =
        Submission::new(bundle).presenting(&presented).with_key(identity.private_key());
    if let Ok(roots) = system_roots() {
        submission = submission.with_system_cas(roots.certificates().to_vec());
    }
    let word = |name: &str| output::shell_path(&dir.join(name));
    story.step(
        "What Temporal Cloud will say of them, before the upload",
        &format!(
            "private-ca temporal check --bundle {} --cert {} --key {}",
            word(CERTIFICATE_CHAIN_FILE),
            word(CERTIFICATE_FILE),
            word(private_ca::managed::PLAIN_KEY_FILE)
        ),
        &[submission.examine().prediction().to_string()],
    );
    Ok(())
}

async fn connect(
    client_anchors: &CertificateChain,
    identity: &Identity,
    story: &mut Story,
) -> Result<(), Failure> {
    // The frontend's certificate comes from a CA of its own, as Temporal Cloud's does: what a
    // client is trusted by and what it trusts are two things.
    let servers = in_memory_ca("CN=Frontend Root")?;
    let server_anchors = servers.chain().clone();
    let server = managed_identity(servers, "localhost").await?;
    let frontend = Frontend::start(&server, client_anchors).await.or_unasked()?;
    let probe = Probe::new("localhost", frontend.address().port(), server_anchors.clone());
    // The frontend listens on IPv4 alone, wherever the name leads.
    let probe = probe.with_server_name("localhost").with_address(frontend.address());

    let mut findings = Vec::new();
    for version in [TlsVersion::Tls12, TlsVersion::Tls13] {
        let ours = probe.clone().with_identity(identity.clone()).with_version(version);
        let Connection { cipher_suite, greeting, .. } = ours.connect().await.or_no()?;
        let greeting = String::from_utf8_lossy(&greeting).trim_end().to_owned();
        findings.push(format!("{version}: let in, {cipher_suite}; it says \"{greeting}\""));
    }
    let stranger = managed_identity(in_memory_ca("CN=Another Root")?, DOMAIN_NAME).await?;
    let doctor = Doctor::new(frontend.address().ip().to_string(), frontend.address().port())
        .with_server_name("localhost")
        .with_server_cas(server_anchors)
        .with_client(
            stranger.certificate().to_pem().as_bytes(),
            stranger.private_key().to_pkcs8_pem().as_bytes(),
            None,
        );
    let diagnosis = doctor.examine().await;
    let Some((Stage::Tls, cause)) = diagnosis.failure() else {
        return Err(format!("the frontend did not refuse a stranger: {diagnosis}")).or_no();
    };
    findings.push(format!("a stranger of the same name, to the doctor: {diagnosis}"));
    findings.push(format!("  to mend it: {}", cause.mend()));
    match probe.connect().await {
        Err(refusal @ ConnectError::Refused { .. }) => {
            findings.push(format!("no certificate: {refusal}"));
        }
        Err(error) => return Err(error).or_unasked(),
        Ok(_) => return Err("the frontend let in a client without a certificate").or_no(),
    }
    story.step("A TLS frontend on loopback that trusts only that chain", "", &findings);
    Ok(())
}

fn in_memory_ca(subject: &str) -> Result<LocalCa, Failure> {
    let options =
        LocalCaOptions::new(subject.parse().or_no()?).with_key_algorithm(KeyAlgorithm::EcdsaP256);
    LocalCa::in_memory_root(options).or_no()
}

async fn managed_identity(ca: LocalCa, domain_name: &str) -> Result<Identity, Failure> {
    let managed = LocalManaged::new(ca.into());
    let request = ManagedRequest::new(domain_name).with_key_algorithm(KeyAlgorithm::EcdsaP256);
    let id = managed.request(request).await.or_no()?;
    let passphrase = new_passphrase()?;
    let exported = managed.export(id, passphrase.clone()).await.or_no()?;
    Identity::from_exported(exported, &passphrase).or_no()
}

fn configure(dir: &Path, story: &mut Story) -> Result<(), Failure> {
    // The SDKs open relative paths against the working directory, wherever that is.
    let dir = std::path::absolute(dir).or_unasked()?;
    let path = |name: &str| -> PathBuf { dir.join(name) };
    let configuration = WorkerConfiguration::new(
        "your-namespace.a1b2c.tmprl.cloud:7233",
        "your-namespace.a1b2c",
        path(CERTIFICATE_FILE),
        path(private_ca::managed::PLAIN_KEY_FILE),
    );
    let toml = path("temporal.toml");
    let text = configuration.temporal_toml("default");
    file::write(&toml, text, Secrecy::Public, Existing::Keep).or_unasked()?;
    let mut findings = vec![format!("{} (name it in TEMPORAL_CONFIG_FILE), or", toml.display())];
    let export = |(name, value): (&str, String)| format!("export {name}={}", output::shell(&value));
    findings.extend(configuration.environment().into_iter().map(export));
    findings.push("and for Temporal's samples".to_owned());
    findings.extend(configuration.samples_environment().into_iter().map(export));
    story.step("The worker's configuration; fill in your namespace", "", &findings);
    Ok(())
}
