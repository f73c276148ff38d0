//! The Temporal SDK's own options, with an identity that changes under the worker.

use std::path::PathBuf;
use std::sync::Arc;

use temporalio_client::{ConnectionOptions, TlsOptions, Url};

use super::WorkerConfiguration;
use crate::certificate::{CertificateChain, CertificateError};
use crate::file::{self, FileError};
use crate::identity::RotatingIdentity;

/// Why there are no connection options.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectionOptionsError {
    /// The address is none.
    #[error(
        "\"{address}\" is not the address of a frontend ({reason}): write host:port, as in hello.a1b2c.tmprl.cloud:7233"
    )]
    Address {
        /// What is configured.
        address: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The file of the server's CA cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file of the server's CA holds no certificates.
    #[error("{} is to hold the CA of the server's certificate: {source}", path.display())]
    ServerCa {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: CertificateError,
    },
    /// The options connect without TLS, which presents no identity.
    #[error(
        "the connection is configured without TLS, under which no certificate is presented: configure TLS for {target}"
    )]
    NoTls {
        /// Where it would connect to.
        target: String,
    },
    /// The options name a proxy.
    #[error(
        "the SDK presents no identity that changes through an HTTP CONNECT proxy: leave the proxy out, or restart the worker for each new certificate"
    )]
    Proxy,
}

impl WorkerConfiguration {
    /// Options with which temporalio-client connects to this configuration's address and presents
    /// whichever identity is the present one. The configuration's own client files are not read: give
    /// them to an [`IdentityWatch`](crate::identity::IdentityWatch). The server's CA is read now.
    ///
    /// ```no_run
    /// # async fn example(identity: private_ca::Identity) -> Result<(), Box<dyn std::error::Error>> {
    /// use std::sync::Arc;
    /// use private_ca::identity::RotatingIdentity;
    /// use private_ca::temporal::worker::WorkerConfiguration;
    ///
    /// let configuration = WorkerConfiguration::new(
    ///     "hello.a1b2c.tmprl.cloud:7233",
    ///     "hello.a1b2c",
    ///     "/etc/worker/certificate.txt",
    ///     "/etc/worker/private_key_nopass.txt",
    /// );
    /// let rotating = Arc::new(RotatingIdentity::new(identity)?);
    /// let options = configuration.connection_options(rotating)?;
    /// let connection = temporalio_client::Connection::connect(options).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// See [`present_rotating`] for what they differ in from the SDK's defaults, and for when a new
    /// identity shows.
    ///
    /// # Errors
    /// [`ConnectionOptionsError`] for an address that is none, and for a file of the server's CA that
    /// cannot be read or holds no certificate.
    pub fn connection_options(
        &self,
        identity: Arc<RotatingIdentity>,
    ) -> Result<ConnectionOptions, ConnectionOptionsError> {
        let target = self.target()?;
        let server_ca = match &self.server_ca_cert_path {
            None => None,
            Some(path) => {
                let contents = file::read(path)?;
                // The SDK skips what it cannot parse, and speaks of it at the first connection.
                CertificateChain::from_pem_or_der(&contents)
                    .map_err(|source| ConnectionOptionsError::ServerCa {
                        path: path.clone(),
                        source,
                    })
                    .map(|chain| Some(chain.to_pem().into_bytes()))?
            }
        };
        let tls = TlsOptions::builder()
            .maybe_server_root_ca_cert(server_ca)
            .maybe_domain(self.server_name.clone())
            .build();
        let mut options = ConnectionOptions::new(target).tls_options(tls).build();
        present_rotating(&mut options, identity)?;
        Ok(options)
    }

    /// The address as a URL. Temporal's addresses are host and port; a scheme is accepted if it is
    /// that of TLS.
    fn target(&self) -> Result<Url, ConnectionOptionsError> {
        // What stands before an @ may be a password, so it is not repeated.
        let shown = self.address.rsplit('@').next().unwrap_or_default();
        let wrong =
            |reason: String| ConnectionOptionsError::Address { address: shown.to_owned(), reason };
        let text = match self.address.contains("://") {
            true => self.address.clone(),
            false => format!("https://{}", self.address),
        };
        let url = Url::parse(&text).map_err(|error| wrong(error.to_string()))?;
        if url.scheme() != "https" {
            return Err(wrong(format!("\"{}\" is not TLS", url.scheme())));
        }
        let more = !matches!(url.path(), "" | "/")
            || url.query().is_some()
            || url.fragment().is_some()
            || !url.username().is_empty()
            || url.password().is_some();
        if more {
            return Err(wrong("it has more than a host and a port".to_owned()));
        }
        Ok(url)
    }
}

/// Has options, from wherever they come, present whichever identity is the present one, in place of
/// a fixed certificate and key.
///
/// It takes two things away from the options: the fixed client certificate, and load balancing by
/// DNS, with which temporalio-client 1.1 refuses an identity that changes. A name is then resolved
/// anew at each connection, and one of its addresses is used at a time. It also writes an `https`
/// target as `http`: that client refuses the other one as soon as the TLS is its own. The connection
/// is under TLS all the same, and its requests say so.
///
/// A new identity shows from the next full handshake on, which may be late. The SDK keeps its
/// connection for as long as the server does; and temporalio-client 1.1 resumes TLS sessions on the
/// next ones, with no option against it. To a server that gives out session tickets and accepts them,
/// as nginx does by default until it is reloaded, a resumed session is one under the certificate that
/// it began with (RFC 8446 section 2.2). Switch tickets off on a frontend of your own
/// (`ssl_session_tickets off`). Elsewhere, before the old certificate or its CA goes, connect anew
/// with options made anew (`Connection::connect`) or restart the worker: a new connection has no
/// session to resume.
///
/// # Errors
/// [`ConnectionOptionsError::NoTls`] and [`ConnectionOptionsError::Proxy`]; the options are as they
/// were.
pub fn present_rotating(
    options: &mut ConnectionOptions,
    identity: Arc<RotatingIdentity>,
) -> Result<(), ConnectionOptionsError> {
    if options.http_connect_proxy.is_some() {
        return Err(ConnectionOptionsError::Proxy);
    }
    let Some(tls) = &mut options.tls_options else {
        let target = options.target.host_str().unwrap_or_default().to_owned();
        return Err(ConnectionOptionsError::NoTls { target });
    };
    if options.target.scheme() == "https" {
        let wrong = |reason: &str| ConnectionOptionsError::Address {
            address: options.target.host_str().unwrap_or_default().to_owned(),
            reason: reason.to_owned(),
        };
        let host = options.target.host_str().unwrap_or_default();
        let port = options.target.port().map(|port| format!(":{port}")).unwrap_or_default();
        let origin = format!("https://{host}{port}").parse();
        let origin = origin.map_err(|_| wrong("no request can be sent to it"))?;
        // The TLS is the SDK's and not tonic's, and tonic without TLS takes no https target. The scheme
        // would change the default port too.
        let mut target = options.target.clone();
        let port = target.port_or_known_default();
        target
            .set_scheme("http")
            .and_then(|()| target.set_port(port))
            .map_err(|()| wrong("it has no port"))?;
        options.target = target;
        // Requests still say https, as servers expect under TLS; where a name is set, the SDK does it.
        if tls.domain.is_none() && options.override_origin.is_none() {
            options.override_origin = Some(origin);
        }
    }
    tls.client_tls_options = None;
    tls.client_cert_resolver = Some(identity);
    options.dns_load_balancing = None;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::Identity;
    use crate::{KeyAlgorithm, PrivateKey};
    use std::path::Path;

    fn rotating() -> Arc<RotatingIdentity> {
        let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
        let pair = rcgen::KeyPair::try_from(key.expose_pkcs8_der()).unwrap();
        let mut params = rcgen::CertificateParams::default();
        params.distinguished_name.push(rcgen::DnType::CommonName, "worker");
        let own = params.self_signed(&pair).unwrap();
        let leaf = crate::Certificate::from_der(own.der()).unwrap();
        Arc::new(RotatingIdentity::new(Identity::new(vec![leaf], key).unwrap()).unwrap())
    }

    fn configuration(address: &str) -> WorkerConfiguration {
        WorkerConfiguration::new(address, "hello", "none.pem", "none.key")
    }

    #[test]
    fn the_options_are_those_under_which_the_sdk_takes_a_resolver() {
        let mut configuration = configuration("hello.a1b2c.tmprl.cloud:7233");
        configuration.server_name = Some("other.example".into());
        let options = configuration.connection_options(rotating()).unwrap();
        assert_eq!(options.target.as_str(), "http://hello.a1b2c.tmprl.cloud:7233/");
        assert!(options.override_origin.is_none(), "the SDK takes the name that is set");
        assert!(options.dns_load_balancing.is_none());
        let tls = options.tls_options.unwrap();
        assert!(tls.client_cert_resolver.is_some());
        assert!(tls.client_tls_options.is_none());
        assert!(tls.server_root_ca_cert.is_none());
        assert_eq!(tls.domain.as_deref(), Some("other.example"));
    }

    #[test]
    fn requests_say_https_and_the_port_stays() {
        for (address, target, origin) in [
            ("a.example:7233", "http://a.example:7233/", "https://a.example:7233/"),
            ("a.example", "http://a.example:443/", "https://a.example/"),
            ("a.example:80", "http://a.example/", "https://a.example:80/"),
        ] {
            let options = configuration(address).connection_options(rotating()).unwrap();
            assert_eq!(options.target.as_str(), target);
            assert_eq!(options.override_origin.unwrap().to_string(), origin);
        }
    }

    #[test]
    fn an_address_is_a_host_and_a_port() {
        for good in ["localhost:7233", "127.0.0.1:7233", "[::1]:7233", "https://a.example:7233"] {
            configuration(good).connection_options(rotating()).unwrap();
        }
        for bad in [
            "",
            ":7233",
            "http://a:7233",
            "a:99999",
            "a:7233/x",
            "a b:1",
            "u:secret@a:1",
            "u:secret@a:x",
        ] {
            let error = configuration(bad).connection_options(rotating()).unwrap_err();
            assert!(matches!(error, ConnectionOptionsError::Address { .. }), "{bad}: {error}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }

    #[test]
    fn a_server_ca_that_is_none_is_told_before_the_first_connection() {
        let folder = tempfile::tempdir().unwrap();
        let mut configuration = configuration("localhost:7233");
        let path = folder.path().join("ca.pem");
        configuration.server_ca_cert_path = Some(path.clone());
        let error = configuration.connection_options(rotating()).unwrap_err();
        assert!(matches!(error, ConnectionOptionsError::File(_)), "{error}");
        std::fs::write(&path, "no certificate").unwrap();
        let error = configuration.connection_options(rotating()).unwrap_err();
        let ConnectionOptionsError::ServerCa { path: named, .. } = error else { panic!("{error}") };
        assert_eq!(named, Path::new(&path));
    }

    #[test]
    fn options_that_could_not_present_it_are_refused_and_left_alone() {
        let target: Url = "http://localhost:7233".parse().unwrap();
        let mut plain = ConnectionOptions::new(target).build();
        let error = present_rotating(&mut plain, rotating()).unwrap_err();
        assert!(matches!(error, ConnectionOptionsError::NoTls { .. }), "{error}");
        assert!(plain.dns_load_balancing.is_some());
    }
}
