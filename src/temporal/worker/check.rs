//! What an SDK would only find out at the first connection, or never say so.

use std::net::{IpAddr, Ipv6Addr};
use std::path::Path;

use super::{ConfigurationProblem, KeyForm, Sdk, WorkerConfiguration};
use crate::certificate::{Certificate, CertificateChain, Timestamp};
use crate::file;
use crate::identity::Identity;
use crate::key::{KeyError, PrivateKey};
use crate::temporal::is_cloud_host;
use crate::temporal::requirements::NOTICE_DAYS;
use crate::{pem, verify};

impl WorkerConfiguration {
    /// Reads the files and names everything for which a worker of this SDK would not connect, and,
    /// as [`Severity::Warning`](crate::temporal::requirements::Severity::Warning), what had better be changed. Empty if nothing is known to be wrong.
    ///
    /// A frontend of one's own may be issued by the CA of its workers; so a server's CA that is
    /// also the client's is a problem at Temporal Cloud's addresses only.
    #[must_use]
    pub fn check(&self, sdk: Sdk) -> Vec<ConfigurationProblem> {
        self.check_at(sdk, Timestamp::now())
    }

    /// Like [`WorkerConfiguration::check`], at another moment than now.
    #[must_use]
    pub fn check_at(&self, sdk: Sdk, moment: Timestamp) -> Vec<ConfigurationProblem> {
        let mut problems = Vec::new();
        self.check_names(&mut problems);
        self.check_paths(sdk, &mut problems);
        let certificates = certificates(&self.client_cert_path, sdk, &mut problems);
        let key = self.key(sdk, &mut problems);
        if let Some(leaf) = certificates.first()
            && leaf.is_ca()
            && certificates.len() == 1
        {
            problems.push(ConfigurationProblem::ClientIsCa { path: self.client_cert_path.clone() });
        }
        self.check_end(certificates.first(), moment, &mut problems);
        if let (Some(key), Some(first)) = (key, certificates.first()) {
            let leads = first.public_key_der() == key.public_key_der();
            match Identity::new_at(certificates.clone(), key, moment) {
                Ok(_) if leads => {}
                Ok(_) => problems
                    .push(ConfigurationProblem::Order { path: self.client_cert_path.clone() }),
                Err(error) => problems.push(error.into()),
            }
        }
        if let Some(path) = &self.server_ca_cert_path {
            let anchors = self::certificates(path, sdk, &mut problems);
            let issued_ours = |ca: &Certificate| {
                certificates.iter().any(|ours| ca == ours || verify::issued(ca, ours))
            };
            if self.is_cloud() && anchors.iter().any(issued_ours) {
                problems.push(ConfigurationProblem::ServerCaIsClientCa { path: path.clone() });
            }
        }
        problems
    }

    fn check_names(&self, problems: &mut Vec<ConfigurationProblem>) {
        let address = self.address.clone();
        let (host, port) = self.address.rsplit_once(':').unwrap_or((&self.address, ""));
        let is_ipv6 = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .is_some_and(|host| host.parse::<Ipv6Addr>().is_ok());
        let is_host = !host.is_empty()
            && !host.contains(|letter: char| {
                letter.is_whitespace() || letter.is_control() || "/@?#\\\"'".contains(letter)
            })
            && (is_ipv6 || !host.contains(':'))
            // `[::1]` without a port has a colon of its own.
            && (is_ipv6 || !host.starts_with('['));
        let lacks_port = port.is_empty() && is_host
            || self.address.starts_with('[') && self.address.ends_with(']');
        if lacks_port {
            problems.push(ConfigurationProblem::Port { address });
        } else if !is_host || !is_port(port) {
            problems.push(ConfigurationProblem::Address { address });
        } else {
            self.check_server_name(host, problems);
            self.check_namespace(host, problems);
        }
    }

    /// Temporal Cloud's certificate is for `NAME.ACCOUNT.tmprl.cloud`, whichever way the
    /// connection takes (Temporal Cloud, "Connectivity": regional endpoints, PrivateLink).
    fn check_server_name(&self, host: &str, problems: &mut Vec<ConfigurationProblem>) {
        if self.server_name.as_ref().is_some_and(|name| !name.is_empty()) {
            return;
        }
        let name = host.trim_end_matches('.').to_ascii_lowercase();
        let address = name.trim_start_matches('[').trim_end_matches(']');
        // A server of one's own, which one's own CA vouches for, may have its address in its
        // certificate.
        let is_address = self.server_ca_cert_path.is_none() && address.parse::<IpAddr>().is_ok();
        let is_private = name.ends_with(".vpce.amazonaws.com")
            || name.ends_with(".vpce.amazonaws.com.cn")
            || name.ends_with(".vpce.api.amazonwebservices.com.cn");
        if is_address || is_private || name.ends_with(".api.temporal.io") {
            let namespace =
                if self.namespace.contains('.') { &self.namespace } else { "hello.a1b2c" };
            problems.push(ConfigurationProblem::ServerName {
                address: self.address.clone(),
                example: format!("{namespace}.tmprl.cloud"),
            });
        }
    }

    fn check_namespace(&self, host: &str, problems: &mut Vec<ConfigurationProblem>) {
        if !self.is_cloud() {
            return;
        }
        if !self.namespace.contains('.') {
            let namespace = self.namespace.clone();
            problems.push(ConfigurationProblem::ShortNamespace { namespace });
            return;
        }
        let own = self.namespace.to_ascii_lowercase();
        let names = [Some(host), self.server_name.as_deref()];
        let other = names.into_iter().flatten().find_map(|name| {
            let name = name.trim_end_matches('.').to_ascii_lowercase();
            let endpoint = name.strip_suffix(".tmprl.cloud")?;
            // The Cloud Ops API and endpoints of another make have no account.
            (endpoint.split('.').count() == 2 && endpoint != own).then(|| endpoint.to_owned())
        });
        if let Some(endpoint) = other {
            let namespace = self.namespace.clone();
            problems.push(ConfigurationProblem::OtherNamespace { endpoint, namespace });
        }
    }

    /// Whether the address is Temporal Cloud's, or what is behind it by the name that it is to have.
    fn is_cloud(&self) -> bool {
        let host = self.address.rsplit_once(':').map_or(&*self.address, |(host, _)| host);
        is_cloud_host(host) || self.server_name.as_deref().is_some_and(is_cloud_host)
    }

    fn check_paths(&self, sdk: Sdk, problems: &mut Vec<ConfigurationProblem>) {
        let paths = [&self.client_cert_path, &self.client_key_path];
        for path in paths.into_iter().chain(&self.server_ca_cert_path) {
            if path.is_relative() {
                problems.push(ConfigurationProblem::RelativePath { path: path.clone(), sdk });
            }
        }
        // A group may be the worker's, as it is where secrets are mounted; everyone never is.
        #[cfg(unix)]
        if let Ok(metadata) = self.client_key_path.metadata() {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = metadata.permissions().mode() & 0o7777;
            if mode & 0o004 != 0 {
                let path = self.client_key_path.clone();
                problems.push(ConfigurationProblem::KeyReadable { path, mode });
            }
        }
    }

    /// That it has ended already is for [`Identity`] to say, if there is a key.
    fn check_end(
        &self,
        leaf: Option<&Certificate>,
        moment: Timestamp,
        problems: &mut Vec<ConfigurationProblem>,
    ) {
        let [notice, ..] = NOTICE_DAYS;
        let Some(not_after) = leaf.map(|leaf| leaf.validity().not_after) else { return };
        if not_after >= moment && not_after.since(moment).as_secs() <= notice * 86_400 {
            let path = self.client_cert_path.clone();
            problems.push(ConfigurationProblem::EndsSoon { path, not_after });
        }
    }

    fn key(&self, sdk: Sdk, problems: &mut Vec<ConfigurationProblem>) -> Option<PrivateKey> {
        let path = self.client_key_path.clone();
        let contents = match file::read(&path) {
            Ok(contents) => contents,
            Err(error) => {
                problems.push(error.into());
                return None;
            }
        };
        if !pem::is_pem(&contents) {
            problems.push(ConfigurationProblem::NotPem { path, sdk });
            return None;
        }
        match PrivateKey::from_pem_or_der(&contents) {
            Ok(key) => {
                let blocks = pem::blocks(&contents).unwrap_or_default();
                let forms = blocks.iter().filter_map(KeyForm::of_block);
                if let Some(form) = forms.into_iter().find(|form| !sdk.reads(*form)) {
                    problems.push(ConfigurationProblem::KeyForm { path, form, sdk });
                }
                Some(key)
            }
            Err(KeyError::Encrypted) => {
                problems.push(ConfigurationProblem::EncryptedKey { path, sdk });
                None
            }
            Err(source) => {
                problems.push(ConfigurationProblem::Key { path, source });
                None
            }
        }
    }
}

fn certificates(
    path: &Path,
    sdk: Sdk,
    problems: &mut Vec<ConfigurationProblem>,
) -> Vec<Certificate> {
    let contents = match file::read(path) {
        Ok(contents) => contents,
        Err(error) => {
            problems.push(error.into());
            return Vec::new();
        }
    };
    let path = path.to_owned();
    if !pem::is_pem(&contents) {
        problems.push(ConfigurationProblem::NotPem { path, sdk });
        return Vec::new();
    }
    if pem::blocks(&contents).is_ok_and(|blocks| blocks.iter().any(pem::Block::is_private_key)) {
        problems.push(ConfigurationProblem::KeyBesideCertificates { path });
        return Vec::new();
    }
    match CertificateChain::from_pem_or_der(&contents) {
        Ok(chain) => chain.certificates().to_vec(),
        Err(source) => {
            problems.push(ConfigurationProblem::Certificates { path, source });
            Vec::new()
        }
    }
}

/// Digits alone: a number's own parser takes a sign too.
fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok_and(|port| port > 0)
}
