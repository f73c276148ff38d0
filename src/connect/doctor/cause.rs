//! Why a worker does not connect.

use std::borrow::Cow;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use crate::certificate::{DistinguishedName, Timestamp};
use crate::connect::Alert;
use crate::identity::IdentityError;

macro_rules! causes {
    ($(
        $(#[doc = $doc:literal])+
        #[error($($error:tt)+)]
        $name:ident $({ $($(#[doc = $field_doc:literal])+ $(#[$attribute:ident])? $field:ident: $type:ty,)+ })?
            = $id:literal, $mend:expr;
    )+) => {
        /// Why a worker does not connect, or what is odd about its connection.
        #[derive(Debug, thiserror::Error)]
        #[non_exhaustive]
        pub enum Cause {
            $(
                $(#[doc = $doc])+
                #[error($($error)+)]
                $name $({ $($(#[doc = $field_doc])+ $(#[$attribute])? $field: $type,)+ })?,
            )+
        }

        impl Cause {
            /// A name for scripts, in lower case with hyphens.
            #[must_use]
            pub fn id(&self) -> &'static str {
                match self { $(Self::$name { .. } => $id,)+ }
            }

            /// What to do about it, in the imperative.
            #[must_use]
            #[allow(unused_variables, reason = "few mends depend on what was found")]
            pub fn mend(&self) -> Cow<'static, str> {
                match self { $(Self::$name { $($($field,)+)? } => Cow::from($mend),)+ }
            }
        }
    };
}

causes! {
    /// Certificate and key are no identity.
    #[error("{source}")]
    Identity {
        /// What is wrong with them.
        #[source]
        source: Box<IdentityError>,
    } = "identity", "give the certificate and the key of one request, both current, the key decrypted or with its passphrase";
    /// The key is encrypted, and there is no passphrase.
    #[error("the private key is encrypted, and no SDK decrypts it")]
    KeyEncrypted = "key-encrypted", "decrypt it with private-ca key decrypt, and give the worker the result";
    /// The key is another certificate's.
    #[error("{source}")]
    KeyMismatch {
        /// What is wrong with them.
        #[source]
        source: Box<IdentityError>,
    } = "key-mismatch", "give the key that was made with this certificate's request";
    /// The client's certificate has ended.
    #[error("the client's certificate {subject} expired at {not_after}")]
    ClientExpired {
        /// Its subject.
        subject: DistinguishedName,
        /// Its end.
        not_after: Timestamp,
    } = "client-expired", "issue a new one";
    /// The client's certificate is not valid yet.
    #[error("the client's certificate {subject} is not valid before {not_before}")]
    ClientNotYetValid {
        /// Its subject.
        subject: DistinguishedName,
        /// Its start.
        not_before: Timestamp,
    } = "client-not-yet-valid", "set the clock, or wait";
    /// A CA's certificate is presented as the client's.
    #[error("the certificate {subject} is a CA's, and a worker presents one that a CA issued for it")]
    ClientIsCa {
        /// Its subject.
        subject: DistinguishedName,
    } = "client-is-ca", "issue a certificate for the worker with private-ca issue";
    /// The file has the chain in another order than TLS wants it.
    #[error("the certificates are in the wrong order: the worker's own comes first, then each issuer")]
    ChainReversed = "chain-reversed", "put the worker's own certificate first in the file; an SDK sends it as it is";
    /// The client's certificate breaks a rule of Temporal Cloud.
    #[error("{broken}")]
    Requirement {
        /// The rule, what was found, and how to mend it.
        broken: Box<crate::temporal::requirements::Finding>,
    } = "requirement", broken.mend.clone();
    /// The client's CA is given as the server's.
    #[error("the CA that is to vouch for the server is the client's own, {subject}")]
    ServerCaIsClientCa {
        /// Its subject.
        subject: DistinguishedName,
    } = "server-ca-is-client-ca", "give the CA of the server's own certificate; on Temporal Cloud leave it out, because that certificate leads to a public root";
    /// The namespace's name lacks the account.
    #[error("the namespace {namespace} has no account in its name, and on Temporal Cloud it is called like hello.a1b2c")]
    NamespaceWithoutAccount {
        /// The namespace.
        namespace: String,
    } = "namespace-without-account", "write the namespace with its account, as the web UI shows it";
    /// The namespace is another than the endpoint's.
    #[error("the endpoint is that of the namespace {of_endpoint}, and the namespace is {namespace}")]
    NamespaceOfAnotherEndpoint {
        /// The namespace.
        namespace: String,
        /// What the host's name says.
        of_endpoint: String,
    } = "namespace-of-another-endpoint", "take the endpoint of the namespace";
    /// An endpoint for many namespaces, without the name to expect.
    #[error("{host} serves many namespaces, and its certificate does not bear this name")]
    ServerNameNeeded {
        /// The host.
        host: String,
    } = "server-name-needed", "give the namespace's own host as the server's name: hello.a1b2c.tmprl.cloud";
    /// A host that is no name.
    #[error("\"{host}\" is no host: it is a name or an IP address, without a scheme or a path")]
    HostInvalid {
        /// The host.
        host: String,
    } = "host-invalid", "write the address like hello.a1b2c.tmprl.cloud:7233";
    /// The system has no roots.
    #[error("the system has no root certificates: {reason}")]
    NoSystemRoots {
        /// Why.
        reason: String,
    } = "no-system-roots", "install them (Debian: ca-certificates), or give the server's CA";

    /// The name does not exist.
    #[error("the name {host} does not exist")]
    NoSuchName {
        /// The host.
        host: String,
    } = "no-such-name", "look for a slip in namespace or account; a private name needs the network's own DNS server";
    /// The name exists and has no address.
    #[error("the name {host} exists and has no address")]
    NoAddress {
        /// The host.
        host: String,
    } = "no-address", "add the missing A or AAAA record; a CNAME may lead to nothing";
    /// Nobody answers for names.
    #[error("the DNS server gives no answer for {host}: {reason}")]
    ResolverFails {
        /// The host.
        host: String,
        /// What became of the question.
        reason: String,
    } = "resolver-fails", "look at /etc/resolv.conf, at the network and its firewall";

    /// Nobody listens.
    #[error("{address} refuses connections: nobody listens there")]
    TcpRefused {
        /// The address.
        address: SocketAddr,
        /// What the operating system says.
        source: io::Error,
    } = "tcp-refused", "check the port (Temporal's is 7233), and that the frontend runs";
    /// The address cannot be reached.
    #[error("{address} cannot be reached: {source}")]
    TcpUnreachable {
        /// The address.
        address: SocketAddr,
        /// What the operating system says.
        source: io::Error,
    } = "tcp-unreachable", "look at the network, its routes and its firewall";
    /// Nothing comes back.
    #[error("{address} did not answer within {} seconds", .waited.as_secs_f32())]
    TcpSilent {
        /// The address.
        address: SocketAddr,
        /// How long was waited.
        waited: Duration,
    } = "tcp-silent", "look for a firewall that drops connections to this port";

    /// The port speaks HTTP/2 without TLS.
    #[error("the port speaks HTTP/2 without TLS, as a development server does")]
    PlaintextHttp2 = "plaintext-http2", "connect without TLS, or put TLS in front of it";
    /// The port speaks HTTP without TLS.
    #[error("the port speaks HTTP without TLS: \"{start}\"")]
    PlaintextHttp {
        /// How its answer begins.
        start: String,
    } = "plaintext-http", "check the port: this is a web server or a proxy";
    /// The port speaks something else.
    #[error("the port does not speak TLS: {reason}")]
    NotTls {
        /// What was received.
        reason: String,
    } = "not-tls", "check host and port";
    /// The server says nothing in the handshake.
    #[error("the server accepts connections and says nothing for {} seconds", .waited.as_secs_f32())]
    TlsSilent {
        /// How long was waited.
        waited: Duration,
    } = "tls-silent", "look for an overloaded server, or a firewall that lets connections in and their data not";
    /// The server closes the connection in the handshake.
    #[error("the server closes the connection in the handshake without a word: {source}")]
    TlsClosed {
        /// What the operating system says.
        source: io::Error,
    } = "tls-closed", "check host and port; a load balancer without a healthy server behind it does this too";
    /// Both sides have no version of TLS in common.
    #[error("the server speaks neither TLS 1.2 nor TLS 1.3: it says {alert}")]
    TlsVersion {
        /// The alert.
        alert: Alert,
    } = "tls-version", "update the server";
    /// The server's certificate has ended.
    #[error("the server's certificate has ended{presented}")]
    ServerExpired {
        /// Whose certificate it is.
        presented: String,
    } = "server-expired", "renew the server's certificate; if it is current, set this machine's clock";
    /// The server's certificate is not valid yet.
    #[error("the server's certificate is not valid yet{presented}")]
    ServerNotYetValid {
        /// Whose certificate it is.
        presented: String,
    } = "server-not-yet-valid", "set this machine's clock";
    /// The server's certificate is for another name.
    #[error("the server's certificate is for another name than {expected}{presented}")]
    ServerName {
        /// The name that was expected.
        expected: String,
        /// Whose certificate it is, and for which names.
        presented: String,
    } = "server-name", "connect by a name of the certificate, or give one as the server's name";
    /// The server's certificate leads to no trusted root.
    #[error("the server's certificate leads to no root that is trusted{presented}")]
    ServerCaUnknown {
        /// Whose certificate it is, and whose signature it bears.
        presented: String,
    } = "server-ca-unknown", "give the CA of a private frontend as the server's CA; if a proxy of the company opens TLS connections, have this host excepted";
    /// The server's certificate is refused for another reason.
    #[error("the server's certificate is refused: {reason}{presented}")]
    ServerCertificate {
        /// Why.
        reason: String,
        /// Whose certificate it is.
        presented: String,
    } = "server-certificate", "have the server's certificate issued anew";
    /// The server asks for no certificate.
    #[error("the server asks for no certificate, so it does not know who connects")]
    NoCertificateAsked = "no-certificate-asked", "check that this is the mTLS endpoint; a proxy that ends TLS in between asks for none";
    /// The server wants a certificate.
    #[error("the server wants a client certificate and got none: it says {alert}")]
    CertificateRequired {
        /// The alert.
        alert: Alert,
    } = "certificate-required", "give the worker its certificate and key";
    /// The server does not trust the client's CA.
    #[error("the server does not trust the CA of the client's certificate: it says {alert}{named}")]
    ClientCaUnknown {
        /// The alert.
        alert: Alert,
        /// Which CAs it named, and whom the chain ends at.
        named: String,
    } = "client-ca-unknown", "put the CA into the namespace's bundle; if an intermediate CA issued the certificate, present the intermediate's too";
    /// The server holds the client's certificate for ended.
    #[error("to the server the client's certificate, or one above it, has ended or is not valid yet: it says {alert}")]
    ClientExpiredToServer {
        /// The alert.
        alert: Alert,
    } = "client-expired-to-server", "look at the validity of the intermediate and of the CA in the bundle, and at both clocks";
    /// The client's key makes no signature that the server takes.
    #[error("the server takes no signature of the client's key, so the client's certificate was not presented{}", said(alert.as_ref()))]
    ClientKeyNotTaken {
        /// The alert, if it refuses the connection for it.
        alert: Option<Alert>,
    } = "client-key-not-taken", "issue a certificate for a key of another kind: RSA, or ECDSA on P-256";
    /// The server refuses the client's certificate.
    #[error("the server refuses the client's certificate: it says {alert}{named}")]
    ClientRefused {
        /// The alert.
        alert: Alert,
        /// Which CAs it named, and whom the chain ends at.
        named: String,
    } = "client-refused", "compare with private-ca temporal check: CA, purpose and key usage of the certificate";
    /// Client and server have no parameters of TLS in common.
    #[error("the server finds nothing in common with this client, before any certificate of the client's is asked for: it says {alert}")]
    NothingInCommon {
        /// The alert.
        alert: Alert,
    } = "nothing-in-common", "let the server offer ECDHE with AES-GCM or ChaCha20-Poly1305 on X25519, P-256 or P-384, and a certificate with an RSA or ECDSA key; the client's certificate has no part in this";
    /// The server does not serve the name.
    #[error("the server does not serve the name {name}: it says {alert}")]
    NameNotServed {
        /// The name that was asked for.
        name: String,
        /// The alert.
        alert: Alert,
    } = "name-not-served", "look for a slip in the host; where it is not the namespace's own, give that one as the server's name";
    /// The server refuses with another alert.
    #[error("the server refuses the connection: it says {alert}")]
    Alert {
        /// The alert.
        alert: Alert,
    } = "alert", "look into the server's log";
    /// The server closes the connection after the handshake.
    #[error("the server closes the connection after the handshake without a word{}: {source}{named}", if *asked { "" } else { ", and had asked for no certificate" })]
    ClosedAfterHandshake {
        /// What the operating system says.
        source: io::Error,
        /// Whether it had asked for a client certificate.
        asked: bool,
        /// Which CAs it named, and whom the chain ends at.
        named: String,
    } = "closed-after-handshake", match asked {
        true => "check the client's certificate with private-ca temporal check: many servers refuse without an alert",
        false => "check host and port: the server may speak no HTTP/2, or a proxy have no server behind it; the client's certificate has no part in this",
    };
    /// The TLS library refuses to begin.
    #[error("the connection cannot be begun: {reason}")]
    TlsConfiguration {
        /// Why.
        reason: String,
    } = "tls-configuration", "check the client's certificate and the server's CA";

    /// The server does not speak HTTP/2.
    #[error("the server does not speak HTTP/2: {reason}")]
    NoHttp2 {
        /// What came instead.
        reason: String,
    } = "no-http2", "check the port: gRPC needs HTTP/2; a proxy in between that ends TLS has to offer it (nginx: http2 on)";
    /// The server gives no answer to a call.
    #[error("the server gives no answer to a call for {} seconds", .waited.as_secs_f32())]
    GrpcSilent {
        /// How long was waited.
        waited: Duration,
    } = "grpc-silent", "look for an overloaded server, or a proxy whose server is not there";
    /// A call is begun and not answered to its end.
    #[error("the call {call} breaks off: {reason}")]
    CallBroken {
        /// The method.
        call: &'static str,
        /// What became of it.
        reason: String,
    } = "call-broken", "look into the server's log, and for a proxy in between that does not pass gRPC on whole";
    /// nginx has not got a client certificate.
    #[error("nginx, in front of the server, got no client certificate")]
    NginxNoCertificate = "nginx-no-certificate", "give the worker its certificate and key";
    /// nginx does not take the client certificate.
    #[error("nginx, in front of the server, does not take the client's certificate")]
    NginxBadCertificate = "nginx-bad-certificate", "look at ssl_client_certificate in nginx's configuration, and at the certificate's validity; nginx answers a missing intermediate so too";
    /// The frontend's proxy has no server behind it.
    #[error("a proxy answers with HTTP {http_status}: the server behind it is not there")]
    BackendDown {
        /// The status.
        http_status: u16,
    } = "backend-down", "start the server, or correct the proxy's configuration";
    /// What answers is no gRPC server.
    #[error("what answers is no gRPC server: HTTP {http_status}{server}")]
    NotGrpc {
        /// The status.
        http_status: u16,
        /// What it says of itself, and how its answer begins.
        server: String,
    } = "not-grpc", "look for a proxy in between, and check host and port";
    /// The client may not.
    #[error("the server knows the client's CA and does not let this client in: PERMISSION_DENIED, \"{message}\"")]
    PermissionDenied {
        /// What the server says.
        message: String,
    } = "permission-denied", "compare the certificate with the namespace's filters: private-ca temporal check --filters; and check that the namespace has this CA";
    /// The client may not, and no certificate was asked for.
    #[error("the server asked for no client certificate, so it knows of none, and does not let this client in: PERMISSION_DENIED, \"{message}\"")]
    DeniedUnasked {
        /// What the server says.
        message: String,
    } = "denied-unasked", "if a proxy in between ends TLS, have it pass TLS through, so that the frontend sees the certificate; if the namespace takes API keys, give the worker a key instead";
    /// The client may not, and showed no certificate.
    #[error("the server asked for a client certificate, got none, and does not let this client in: PERMISSION_DENIED, \"{message}\"")]
    DeniedUnanswered {
        /// What the server says.
        message: String,
    } = "denied-unanswered", "give the worker its certificate and key; if the namespace takes API keys, a key instead";
    /// The client's certificate is no sign-in.
    #[error("the server takes no certificate for a sign-in: UNAUTHENTICATED, \"{message}\"")]
    Unauthenticated {
        /// What the server says.
        message: String,
    } = "unauthenticated", "see whether mTLS is switched on for the namespace; with API keys alone, the worker needs one instead of a certificate";
    /// The namespace is not there.
    #[error("there is no namespace {namespace} on this server: \"{message}\"")]
    NamespaceNotFound {
        /// The namespace.
        namespace: String,
        /// What the server says.
        message: String,
    } = "namespace-not-found", "check the namespace's name; on a server of your own, create it";
    /// A call fails for another reason.
    #[error("the call {call} fails: {status}, \"{message}\"")]
    Grpc {
        /// The method.
        call: &'static str,
        /// The status, by its name.
        status: String,
        /// What the server says.
        message: String,
    } = "grpc", match status.as_str() {
        "UNIMPLEMENTED" => "check host and port: this is a gRPC server, and not Temporal's",
        "UNAVAILABLE" => "see whether the server behind the frontend runs, and can be reached from it",
        "RESOURCE_EXHAUSTED" => "wait, or have the namespace's limits raised",
        _ => "look into the server's log",
    };
}

fn said(alert: Option<&Alert>) -> String {
    alert.map_or_else(String::new, |alert| format!(": it says {alert}"))
}
