//! Revocation lists for tests, made with rcgen, and by hand where rcgen would not make them; and two
//! judges of them.

use std::process::Command;
use std::time::Duration;

use base64ct::{Base64, Encoding};
use private_ca::verify::{
    ListError, Revocation, RevocationList, Verification, VerifiedChain, Verifier, VerifyError,
};
use private_ca::{Certificate, Timestamp};
use rcgen::{
    CertificateRevocationListParams, CrlDistributionPoint, CrlIssuingDistributionPoint, CrlScope,
    KeyIdMethod, RevocationReason, RevokedCertParams, SerialNumber, SigningKey, date_time_ymd,
};
use rustls_pki_types::{CertificateDer, UnixTime};
use webpki::{
    ALL_VERIFICATION_ALGS, BorrowedCertRevocationList, CertRevocationList, EndEntityCert,
    ExpirationPolicy, KeyUsage, OwnedCertRevocationList, RevocationCheckDepth,
    RevocationOptionsBuilder, UnknownStatusPolicy, anchor_from_trusted_cert,
};

use super::chains::{self, Authority, tlv};
use super::{Agrees, Differs, Judge, Purpose, Trial};

/// Object identifiers of extensions, as DER.
pub(super) const CRL_NUMBER: &[u8] = &[6, 3, 0x55, 0x1d, 20];
pub(super) const REASON_CODE: &[u8] = &[6, 3, 0x55, 0x1d, 21];
pub(super) const DELTA_INDICATOR: &[u8] = &[6, 3, 0x55, 0x1d, 27];
pub(super) const SCOPE: &[u8] = &[6, 3, 0x55, 0x1d, 28];
pub(super) const CERTIFICATE_ISSUER: &[u8] = &[6, 3, 0x55, 0x1d, 29];
pub(super) const AUTHORITY_KEY: &[u8] = &[6, 3, 0x55, 0x1d, 35];
pub(super) const FRESHEST: &[u8] = &[6, 3, 0x55, 0x1d, 46];
pub(super) const UNKNOWN: &[u8] = &[6, 3, 0x2a, 3, 4];

/// Whether a path, tried or the only one, holds a certificate that a list revokes.
pub(super) fn is_revoked(error: &VerifyError) -> bool {
    match error {
        VerifyError::Revoked { .. } => true,
        VerifyError::NoPath { candidates, .. } => {
            candidates.iter().any(|other| is_revoked(&other.error))
        }
        _ => false,
    }
}

pub(super) fn extension(id: &[u8], critical: bool, contents: &[u8]) -> Vec<u8> {
    let critical: &[u8] = if critical { &[1, 1, 0xff] } else { &[] };
    tlv(0x30, &[id, critical, &tlv(4, contents)].concat())
}

/// What rcgen writes: a list of 20 February to 20 March, number 1.
pub(super) fn params() -> CertificateRevocationListParams {
    CertificateRevocationListParams {
        this_update: date_time_ymd(2027, 2, 20),
        next_update: date_time_ymd(2027, 3, 20),
        crl_number: SerialNumber::from(1_u64),
        issuing_distribution_point: None,
        revoked_certs: Vec::new(),
        key_identifier_method: KeyIdMethod::Sha256,
    }
}

pub(super) fn signed(
    params: &CertificateRevocationListParams,
    authority: &Authority,
) -> RevocationList {
    let list = params.signed_by(&authority.issuer()).unwrap();
    RevocationList::from_der(list.der()).unwrap()
}

/// The authority's list, of nothing but these.
pub(super) fn list(
    authority: &Authority,
    revoked: &[(&Certificate, RevocationReason)],
) -> RevocationList {
    let revoked_certs = revoked
        .iter()
        .map(|(certificate, reason)| RevokedCertParams {
            serial_number: SerialNumber::from_slice(certificate.serial_number().as_bytes()),
            revocation_time: date_time_ymd(2027, 2, 10),
            reason_code: Some(*reason),
            invalidity_date: None,
        })
        .collect();
    signed(&CertificateRevocationListParams { revoked_certs, ..params() }, authority)
}

/// One partition's list, as AWS Private CA writes it.
pub(super) fn partition(
    authority: &Authority,
    uri: &str,
    scope: Option<CrlScope>,
) -> RevocationList {
    let issuing_distribution_point = Some(CrlIssuingDistributionPoint {
        distribution_point: CrlDistributionPoint { uris: vec![uri.to_owned()] },
        scope,
    });
    signed(&CertificateRevocationListParams { issuing_distribution_point, ..params() }, authority)
}

/// A list put together field by field.
#[derive(Clone)]
pub(super) struct ByHand {
    pub(super) is_version_2: bool,
    pub(super) inside: &'static [u8],
    pub(super) this_update: &'static str,
    pub(super) next_update: Option<&'static str>,
    pub(super) number: Option<u8>,
    pub(super) number_is_critical: bool,
    /// `BaseCRLNumber`.
    pub(super) base: Option<u8>,
    /// Contents of the `IssuingDistributionPoint`.
    pub(super) scope: Option<Vec<u8>>,
    pub(super) names_key: bool,
    pub(super) entries: Vec<Vec<u8>>,
    pub(super) extensions: Vec<Vec<u8>>,
}

/// The same list as rcgen writes.
pub(super) fn by_hand() -> ByHand {
    ByHand {
        is_version_2: true,
        inside: chains::ECDSA_SHA256,
        this_update: "2027-02-20T00:00:00Z",
        next_update: Some("2027-03-20T00:00:00Z"),
        number: Some(1),
        number_is_critical: false,
        base: None,
        scope: None,
        names_key: true,
        entries: Vec::new(),
        extensions: Vec::new(),
    }
}

/// A complete list that says where its delta lists are: OpenSSL takes those of no other.
pub(super) fn complete() -> ByHand {
    let points = tlv(0x30, &tlv(0x30, &point("http://acm-pca.example/crl/delta.crl")));
    ByHand { extensions: vec![extension(FRESHEST, false, &points)], ..by_hand() }
}

/// A delta list that was made after [`complete`] and for it.
pub(super) fn delta() -> ByHand {
    ByHand {
        this_update: "2027-02-27T00:00:00Z",
        next_update: Some("2027-03-06T00:00:00Z"),
        number: Some(2),
        base: Some(1),
        ..by_hand()
    }
}

fn utc_time(moment: &str) -> Vec<u8> {
    let digits: String = moment.chars().filter(char::is_ascii_digit).skip(2).collect();
    tlv(0x17, format!("{digits}Z").as_bytes())
}

/// An entry of 10 February.
pub(super) fn entry(certificate: &Certificate, extensions: &[Vec<u8>]) -> Vec<u8> {
    let mut fields =
        [tlv(2, certificate.serial_number().as_bytes()), utc_time("2027-02-10T00:00:00Z")].concat();
    if !extensions.is_empty() {
        fields.extend(tlv(0x30, &extensions.concat()));
    }
    tlv(0x30, &fields)
}

pub(super) fn reason(code: u8) -> Vec<u8> {
    extension(REASON_CODE, false, &[0x0a, 1, code])
}

/// `DistributionPointName` under its tag, of one URI.
pub(super) fn point(uri: &str) -> Vec<u8> {
    tlv(0xa0, &tlv(0xa0, &tlv(0x86, uri.as_bytes())))
}

impl ByHand {
    pub(super) fn signed_by(&self, authority: &Authority) -> RevocationList {
        self.signed(authority.certificate.subject_der(), authority)
    }

    /// In another issuer's name.
    pub(super) fn signed(&self, issuer_der: &[u8], signer: &Authority) -> RevocationList {
        RevocationList::from_der(&self.der(issuer_der, signer)).unwrap()
    }

    pub(super) fn der(&self, issuer_der: &[u8], signer: &Authority) -> Vec<u8> {
        let mut tbs = if self.is_version_2 { vec![2, 1, 1] } else { Vec::new() };
        tbs.extend_from_slice(self.inside);
        tbs.extend_from_slice(issuer_der);
        tbs.extend(utc_time(self.this_update));
        tbs.extend(self.next_update.map(utc_time).unwrap_or_default());
        if !self.entries.is_empty() {
            tbs.extend(tlv(0x30, &self.entries.concat()));
        }
        let mut extensions = self.extensions.concat();
        if self.names_key {
            let key = signer.certificate.subject_key_identifier().unwrap();
            extensions.extend(extension(AUTHORITY_KEY, false, &tlv(0x30, &tlv(0x80, key))));
        }
        if let Some(number) = self.number {
            extensions.extend(extension(CRL_NUMBER, self.number_is_critical, &[2, 1, number]));
        }
        if let Some(base) = self.base {
            extensions.extend(extension(DELTA_INDICATOR, true, &[2, 1, base]));
        }
        if let Some(scope) = &self.scope {
            extensions.extend(extension(SCOPE, true, &tlv(0x30, scope)));
        }
        if self.is_version_2 && !extensions.is_empty() {
            tbs.extend(tlv(0xa0, &tlv(0x30, &extensions)));
        }
        let tbs = tlv(0x30, &tbs);
        let signature = [&[0], signer.key.sign(&tbs).unwrap().as_slice()].concat();
        tlv(0x30, &[tbs, chains::ECDSA_SHA256.to_vec(), tlv(3, &signature)].concat())
    }
}

/// How revocation is checked, for us and for the judges.
#[derive(Clone, Copy, Default)]
struct Habits {
    leaf_alone: bool,
    accepts_unknown: bool,
    accepts_expired: bool,
}

/// A chain and its verification with revocation lists.
#[derive(Clone)]
pub(super) struct Inquiry {
    pub(super) trial: Trial,
    lists: Vec<RevocationList>,
    habits: Habits,
}

pub(super) fn inquiry(trial: Trial, lists: &[RevocationList]) -> Inquiry {
    Inquiry { trial, lists: lists.to_vec(), habits: Habits::default() }
}

impl Inquiry {
    pub(super) fn of_leaf_alone(self) -> Self {
        Self { habits: Habits { leaf_alone: true, ..self.habits }, ..self }
    }

    pub(super) fn accept_unknown(self) -> Self {
        Self { habits: Habits { accepts_unknown: true, ..self.habits }, ..self }
    }

    pub(super) fn accept_expired_lists(self) -> Self {
        Self { habits: Habits { accepts_expired: true, ..self.habits }, ..self }
    }

    pub(super) fn judges(self, openssl: Judge, webpki: Judge) -> Self {
        Self { trial: self.trial.judges(openssl, webpki), ..self }
    }

    pub(super) fn at(self, moment: &str) -> Self {
        Self { trial: self.trial.at(moment.parse().unwrap()), ..self }
    }

    fn revocation(&self) -> Revocation {
        let mut revocation = Revocation::new(self.lists.iter().cloned());
        if self.habits.leaf_alone {
            revocation = revocation.of_leaf_alone();
        }
        if self.habits.accepts_unknown {
            revocation = revocation.accept_unknown();
        }
        if self.habits.accepts_expired {
            revocation = revocation.accept_expired_lists();
        }
        revocation
    }

    pub(super) fn verify(&self) -> Result<VerifiedChain, VerifyError> {
        let verification = Verification::new(self.trial.policy.clone())
            .at(self.trial.at)
            .revocation(self.revocation());
        let verifier = Verifier::new(self.trial.anchors.iter().cloned()).unwrap();
        verifier.verify(&self.trial.leaf, &self.trial.intermediates, &verification)
    }

    #[track_caller]
    fn ask_judges(&self, accepted: bool) {
        let expected = |judge| match judge {
            Agrees => accepted,
            Differs => !accepted,
        };
        let webpki = self.webpki();
        let openssl = self.openssl();
        let openssl_is_right =
            openssl.as_ref().is_none_or(|verdict| verdict.is_ok() == expected(self.trial.openssl));
        assert!(
            webpki.is_ok() == expected(self.trial.webpki) && openssl_is_right,
            "webpki: {webpki:?}, openssl: {openssl:?}"
        );
    }

    #[track_caller]
    pub(super) fn accepted(self) -> VerifiedChain {
        let chain = self.verify().unwrap_or_else(|error| panic!("refused: {error}"));
        self.ask_judges(true);
        chain
    }

    /// The innermost reason.
    #[track_caller]
    pub(super) fn refused(self) -> VerifyError {
        let error = self.verify().expect_err("accepted");
        self.ask_judges(false);
        error.cause().clone()
    }

    /// The reason why the one list that could count does not.
    #[track_caller]
    pub(super) fn list_refused(self) -> ListError {
        match self.refused() {
            VerifyError::RevocationUnknown { lists, .. } => match lists.as_slice() {
                [rejected] => rejected.error.clone(),
                lists => panic!("{lists:?}"),
            },
            other => panic!("{other}"),
        }
    }

    fn webpki(&self) -> Result<(), String> {
        let lists = self
            .lists
            .iter()
            .map(|list| {
                let list = BorrowedCertRevocationList::from_der(list.as_der())?;
                list.to_owned().map(|list: OwnedCertRevocationList| CertRevocationList::from(list))
            })
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| format!("list: {error:?}"))?;
        let lists: Vec<_> = lists.iter().collect();
        let options = RevocationOptionsBuilder::new(&lists)
            .map_err(|_| "no lists".to_owned())?
            .with_depth(match self.habits.leaf_alone {
                true => RevocationCheckDepth::EndEntity,
                false => RevocationCheckDepth::Chain,
            })
            .with_status_policy(match self.habits.accepts_unknown {
                true => UnknownStatusPolicy::Allow,
                false => UnknownStatusPolicy::Deny,
            })
            .with_expiration_policy(match self.habits.accepts_expired {
                true => ExpirationPolicy::Ignore,
                false => ExpirationPolicy::Enforce,
            })
            .build();
        fn ders(certificates: &[Certificate]) -> Vec<CertificateDer<'_>> {
            certificates.iter().map(|certificate| certificate.as_der().into()).collect()
        }
        let anchors = ders(&self.trial.anchors);
        let anchors: Vec<_> =
            anchors.iter().map(|anchor| anchor_from_trusted_cert(anchor).unwrap()).collect();
        let leaf: CertificateDer<'_> = self.trial.leaf.as_der().into();
        let seconds = u64::try_from(self.trial.at.unix_seconds()).unwrap();
        EndEntityCert::try_from(&leaf)
            .and_then(|leaf| {
                leaf.verify_for_usage(
                    ALL_VERIFICATION_ALGS,
                    &anchors,
                    &ders(&self.trial.intermediates),
                    UnixTime::since_unix_epoch(Duration::from_secs(seconds)),
                    KeyUsage::client_auth(),
                    Some(options),
                    None,
                )
                .map(drop)
            })
            .map_err(|error| format!("{error:?}"))
    }

    /// `openssl verify`, which cannot be told to accept what is unknown or expired; `None` if there
    /// is no openssl.
    fn openssl(&self) -> Option<Result<(), String>> {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: String| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let pem = |certificates: &[Certificate]| -> String {
            certificates.iter().map(Certificate::to_pem).collect()
        };
        let mut command = Command::new("openssl");
        command.args(["verify", "-x509_strict", "-no-CApath", "-no-CAstore"]);
        command.args(["-extended_crl", "-use_deltas"]);
        command.arg(if self.habits.leaf_alone { "-crl_check" } else { "-crl_check_all" });
        command.arg("-CAfile").arg(file("anchors.pem", pem(&self.trial.anchors)));
        if !self.trial.intermediates.is_empty() {
            command.arg("-untrusted");
            command.arg(file("intermediates.pem", pem(&self.trial.intermediates)));
        }
        if !self.lists.is_empty() {
            command.arg("-CRLfile").arg(file("lists.pem", self.lists.iter().map(to_pem).collect()));
        }
        if self.trial.policy.purpose() == Purpose::Client {
            command.args(["-purpose", "sslclient"]);
        }
        command.args(["-attime", &self.trial.at.unix_seconds().to_string()]);
        let leaf = file("leaf.pem", self.trial.leaf.to_pem());
        let output = match command.arg(leaf).output() {
            Ok(output) => output,
            Err(error) if std::env::var_os("CI").is_some() => {
                panic!("the openssl command is needed: {error}")
            }
            Err(error) => {
                println!("skipped: the openssl command does not start: {error}");
                return None;
            }
        };
        Some(match output.status.success() {
            true => Ok(()),
            false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        })
    }
}

pub(super) fn to_pem(list: &RevocationList) -> String {
    let base64 = Base64::encode_string(list.as_der());
    let lines: Vec<_> =
        base64.as_bytes().chunks(64).map(|line| str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN X509 CRL-----\n{}\n-----END X509 CRL-----\n", lines.join("\n"))
}

pub(super) fn moment(text: &str) -> Timestamp {
    text.parse().unwrap()
}
