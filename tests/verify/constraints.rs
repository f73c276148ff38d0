//! Name constraints, put to names of every form.

use private_ca::Certificate;
use private_ca::verify::{
    AnchorError, ConstraintBreach, Policy, Purpose, Rule, TrustAnchor, Verification, Verifier,
    VerifyError as E,
};
use rcgen::CertificateParams;

use super::chains::{self, Authority, tlv};
use super::go::Go;
use super::judges::{self, Case};
use super::{Agrees, Differs, Judge};

/// `GeneralName`s and the bases of constraints.
fn dns(name: &str) -> Vec<u8> {
    tlv(0x82, name.as_bytes())
}

fn email(address: &str) -> Vec<u8> {
    tlv(0x81, address.as_bytes())
}

fn uri(uri: &str) -> Vec<u8> {
    tlv(0x86, uri.as_bytes())
}

fn ip(octets: &[u8]) -> Vec<u8> {
    tlv(0x87, octets)
}

/// A directory name of common names.
fn directory(parts: &[&str]) -> Vec<u8> {
    tlv(0xa4, &name(parts))
}

fn name(parts: &[&str]) -> Vec<u8> {
    let part = |text: &&str| {
        let attribute = [&[6, 3, 0x55, 4, 3][..], &tlv(0x0c, text.as_bytes())].concat();
        tlv(0x31, &tlv(0x30, &attribute))
    };
    tlv(0x30, &parts.iter().map(part).collect::<Vec<_>>().concat())
}

/// An otherName of type 1.2.3.4.
fn other(text: &str) -> Vec<u8> {
    tlv(0xa0, &[&[6, 3, 0x2a, 3, 4][..], &tlv(0xa0, &tlv(0x0c, text.as_bytes()))].concat())
}

/// `NameConstraints`.
fn constraints(permitted: &[Vec<u8>], excluded: &[Vec<u8>]) -> Vec<u8> {
    let subtrees = |tag, bases: &[Vec<u8>]| match bases {
        [] => Vec::new(),
        bases => tlv(tag, &bases.iter().map(|base| tlv(0x30, base)).collect::<Vec<_>>().concat()),
    };
    tlv(0x30, &[subtrees(0xa0, permitted), subtrees(0xa1, excluded)].concat())
}

fn constrained(der: Vec<u8>) -> impl FnOnce(&mut CertificateParams) {
    move |params| chains::extension(&[2, 5, 29, 30], true, &der)(params)
}

fn permitted(base: Vec<u8>) -> Vec<u8> {
    constraints(&[base], &[])
}

fn excluded(base: Vec<u8>) -> Vec<u8> {
    constraints(&[], &[base])
}

/// With these names and no others.
fn named(names: &[Vec<u8>]) -> impl FnOnce(&mut CertificateParams) + use<> {
    let names = tlv(0x30, &names.concat());
    move |params| {
        params.subject_alt_names.clear();
        chains::extension(&[2, 5, 29, 17], false, &names)(params);
    }
}

/// One chain with what three judges say of it: OpenSSL, webpki and Go.
struct Trial {
    anchor: Certificate,
    intermediates: Vec<Certificate>,
    leaf: Certificate,
    policy: Policy,
    judges: [Judge; 3],
}

/// A constrained intermediate and a leaf of one name below it.
fn trial(constraints: Vec<u8>, name: Vec<u8>) -> Trial {
    trial_with(constraints, named(&[name]))
}

fn trial_with(constraints: Vec<u8>, leaf: impl FnOnce(&mut CertificateParams)) -> Trial {
    let root = Authority::root("Root");
    let issuing = root.intermediate_with("Issuing", constrained(constraints));
    of(&root, vec![issuing.certificate.clone()], issuing.leaf_with(leaf))
}

/// Without the rule by which constrained names of these forms are refused, whatever they are: as
/// OpenSSL and Go see them. rustls-webpki compares none, and refuses them all.
fn of_other_form(constraints: Vec<u8>, name: Vec<u8>) -> Trial {
    trial(constraints, name).without(Rule::DnsAndIpConstraintsOnly)
}

fn of(root: &Authority, intermediates: Vec<Certificate>, leaf: Certificate) -> Trial {
    Trial {
        anchor: root.certificate.clone(),
        intermediates,
        leaf,
        policy: Policy::tls_client(),
        judges: [Agrees; 3],
    }
}

impl Trial {
    fn with(self, rule: Rule) -> Self {
        Self { policy: self.policy.with(rule), ..self }
    }

    fn without(self, rule: Rule) -> Self {
        Self { policy: self.policy.without(rule), ..self }
    }

    fn judges(self, openssl: Judge, webpki: Judge, go: Judge) -> Self {
        Self { judges: [openssl, webpki, go], ..self }
    }

    fn verify(&self) -> Result<(), E> {
        let verification = Verification::new(self.policy.clone()).at(chains::now());
        let verifier = Verifier::new([self.anchor.clone()]).unwrap();
        verifier.verify(&self.leaf, &self.intermediates, &verification).map(drop)
    }

    #[track_caller]
    fn ask_judges(&self, accepted: bool) {
        let case = Case {
            anchors: std::slice::from_ref(&self.anchor),
            intermediates: &self.intermediates,
            leaf: &self.leaf,
            purpose: Purpose::Client,
            at: chains::now(),
            name: None,
        };
        let verdicts = [
            judges::openssl(&case),
            Some(judges::webpki(&case)),
            Go::start().map(|mut go| go.judge(&case)),
        ];
        for (verdict, judge) in verdicts.iter().zip(self.judges) {
            let expected = match judge {
                Agrees => accepted,
                Differs => !accepted,
            };
            let is_right = verdict.as_ref().is_none_or(|verdict| verdict.is_ok() == expected);
            assert!(is_right, "accepted: {accepted}; openssl, webpki, Go: {verdicts:?}");
        }
    }

    #[track_caller]
    fn accepted(self) {
        if let Err(error) = self.verify() {
            panic!("refused: {error}");
        }
        self.ask_judges(true);
    }

    #[track_caller]
    fn refused(self) -> E {
        let error = self.verify().expect_err("accepted");
        self.ask_judges(false);
        error.cause().clone()
    }

    #[track_caller]
    fn not_permitted(self) {
        match self.refused() {
            E::NameConstraint { breach: ConstraintBreach::NotPermitted { .. }, .. } => {}
            other => panic!("{other}"),
        }
    }

    #[track_caller]
    fn excluded(self) {
        match self.refused() {
            E::NameConstraint { breach: ConstraintBreach::Excluded { .. }, .. } => {}
            other => panic!("{other}"),
        }
    }

    #[track_caller]
    fn unprocessed(self) {
        match self.refused() {
            E::NameConstraint { breach: ConstraintBreach::Unprocessed { .. }, .. } => {}
            other => panic!("{other}"),
        }
    }

    #[track_caller]
    fn malformed(self) {
        match self.refused() {
            E::MalformedNameConstraint { .. } => {}
            other => panic!("{other}"),
        }
    }
}

#[test]
fn dns_names_are_within_the_names_that_they_end_with() {
    for name in ["acme.internal", "worker.acme.internal", "a.b.ACME.internal"] {
        trial(permitted(dns("acme.internal")), dns(name)).accepted();
        trial(excluded(dns("acme.internal")), dns(name)).excluded();
    }
    for name in ["xacme.internal", "internal", "acme.internal.example"] {
        trial(permitted(dns("acme.internal")), dns(name)).not_permitted();
        trial(excluded(dns("acme.internal")), dns(name)).accepted();
    }
}

#[test]
fn a_refusal_names_the_name_the_issuer_and_the_constraint() {
    let error = trial(permitted(dns("acme.internal")), dns("evil.example")).refused();
    assert_eq!(
        error.to_string(),
        "the certificate CN=worker is for DNS:evil.example, which its issuer CN=Issuing may not vouch for: it permits DNS:acme.internal only"
    );
    let error = trial(excluded(ip(&[10, 0, 0, 0, 255, 0, 0, 0])), ip(&[10, 1, 2, 3])).refused();
    assert_eq!(
        error.to_string(),
        "the certificate CN=worker is for IP:10.1.2.3, which its issuer CN=Issuing may not vouch for: it excludes IP:10.0.0.0/8"
    );
}

#[test]
fn wildcards_have_to_be_permitted_whole_and_are_excluded_in_part() {
    for base in ["acme.internal", ".acme.internal"] {
        trial(permitted(dns(base)), dns("*.acme.internal")).accepted();
        trial(excluded(dns(base)), dns("*.acme.internal")).excluded();
    }
    trial(permitted(dns("a.acme.internal")), dns("*.acme.internal")).not_permitted();
    // OpenSSL takes the asterisk for a letter.
    trial(excluded(dns("a.acme.internal")), dns("*.acme.internal"))
        .judges(Differs, Agrees, Agrees)
        .excluded();
    for deeper in ["b.a.acme.internal", ".b.a.acme.internal"] {
        trial(excluded(dns(deeper)), dns("*.acme.internal"))
            .without(Rule::WildcardsOverlapExcluded)
            .accepted();
    }
}

#[test]
fn wildcards_are_excluded_by_domains_below_them_by_a_rule() {
    // It stands for one label, so no name of it is below `a.acme.internal`; rustls has it otherwise.
    let below = || trial(excluded(dns(".a.acme.internal")), dns("*.acme.internal"));
    below().judges(Differs, Agrees, Differs).excluded();
    below().without(Rule::WildcardsOverlapExcluded).judges(Agrees, Differs, Agrees).accepted();
}

#[test]
fn a_wildcard_is_not_excluded_by_names_that_lie_deeper_than_any_verifier_has_it() {
    for base in ["b.a.acme.internal", ".b.a.acme.internal"] {
        trial(excluded(dns(base)), dns("*.acme.internal")).accepted();
    }
}

#[test]
fn a_leading_period_means_names_below_alone_or_nothing_by_a_rule() {
    let below = || trial(permitted(dns(".acme.internal")), dns("worker.acme.internal"));
    let itself = || trial(permitted(dns(".acme.internal")), dns("acme.internal"));
    below().accepted();
    itself().not_permitted();
    // RFC 5280 section 4.2.1.10 has it for URIs alone; nobody follows it there.
    below().with(Rule::DnsConstraintSyntax).judges(Differs, Differs, Differs).malformed();
    trial(excluded(dns(".acme.internal")), dns("worker.acme.internal")).excluded();
    trial(excluded(dns(".acme.internal")), dns("acme.internal")).accepted();
}

#[test]
fn the_empty_dns_constraint_is_every_name() {
    trial(permitted(dns("")), dns("worker.acme.internal")).accepted();
    trial(excluded(dns("")), dns("worker.acme.internal")).excluded();
}

#[test]
fn malformed_constraints_are_refused() {
    // Go reads no certificate with most of them: the rule about that comes first.
    let both = |base: Vec<u8>, openssl: [Judge; 2], webpki| {
        for (constraints, openssl) in [permitted(base.clone()), excluded(base)].iter().zip(openssl)
        {
            let trial = || {
                let trial = trial(constraints.clone(), dns("worker.acme.internal"));
                trial.judges(openssl, webpki, Agrees)
            };
            trial().without(Rule::ReadableInGo).malformed();
            match trial().refused() {
                E::Rule { rule: Rule::ReadableInGo, .. } => {}
                other => panic!("{other}"),
            }
        }
    };
    // OpenSSL looks for no meaning, and finds no name that ends with such an excluded constraint.
    for base in ["acme..internal", "."] {
        both(dns(base), [Agrees, Differs], Agrees);
    }
    // OpenSSL and rustls read no constraint of a form that no name has.
    for base in [email("@acme.example"), uri("10.0.0.1")] {
        both(base, [Differs; 2], Differs);
    }
    // Go reads what is permitted, and finds the name outside; what is excluded is far from the name.
    let wildcard = || dns("*.acme.internal");
    let worker = || dns("worker.acme.internal");
    trial(permitted(wildcard()), worker()).malformed();
    trial(excluded(wildcard()), worker()).judges(Differs, Agrees, Differs).malformed();
}

#[test]
fn addresses_are_within_networks_of_their_own_kind() {
    let network = || ip(&[10, 1, 0, 0, 255, 255, 0, 0]);
    let mut v6 = [0; 32];
    v6[0] = 0xfd;
    v6[16] = 0xff;
    let mut address = [0; 16];
    address[0] = 0xfd;
    trial(permitted(network()), ip(&[10, 1, 2, 3])).accepted();
    trial(permitted(network()), ip(&[10, 2, 2, 3])).not_permitted();
    trial(excluded(network()), ip(&[10, 1, 2, 3])).excluded();
    trial(excluded(network()), ip(&[10, 2, 2, 3])).accepted();
    trial(permitted(ip(&v6)), ip(&address)).accepted();
    trial(excluded(ip(&v6)), ip(&address)).excluded();
    trial(permitted(ip(&v6)), ip(&[10, 1, 2, 3])).not_permitted();
    trial(permitted(network()), ip(&address)).not_permitted();
}

#[test]
fn names_of_other_forms_are_free() {
    trial(permitted(dns("acme.internal")), ip(&[10, 1, 2, 3])).accepted();
    trial(permitted(dns("acme.internal")), email("ann@acme.example")).accepted();
    trial(permitted(ip(&[10, 0, 0, 0, 255, 0, 0, 0])), dns("worker.acme.internal")).accepted();
}

#[test]
fn every_name_of_a_certificate_has_to_be_within() {
    let names = |second: &str| named(&[dns("worker.acme.internal"), dns(second)]);
    trial_with(permitted(dns("acme.internal")), names("b.acme.internal")).accepted();
    trial_with(permitted(dns("acme.internal")), names("evil.example")).not_permitted();
    let two =
        || constraints(&[dns("acme.internal"), dns("acme.example")], &[dns("x.acme.example")]);
    trial_with(two(), names("b.acme.example")).accepted();
    trial_with(two(), names("x.acme.example")).excluded();
}

#[test]
fn constraints_of_every_issuer_hold() {
    let root = Authority::root_with("Root", constrained(permitted(dns("internal"))));
    let upper = root.intermediate_with("Upper", constrained(permitted(dns("acme.internal"))));
    let lower = upper.intermediate_with("Lower", constrained(excluded(dns("x.acme.internal"))));
    let chain = |name: &str| {
        let pool = vec![lower.certificate.clone(), upper.certificate.clone()];
        of(&root, pool, lower.leaf_with(named(&[dns(name)])))
    };
    chain("worker.acme.internal").accepted();
    chain("other.internal").not_permitted();
    chain("x.acme.internal").excluded();
    chain("example").not_permitted();
}

#[test]
fn constraints_of_an_anchor_hold() {
    let root = Authority::root_with("Root", constrained(permitted(dns("acme.internal"))));
    of(&root, Vec::new(), root.leaf_with(named(&[dns("worker.acme.internal")]))).accepted();
    of(&root, Vec::new(), root.leaf_with(named(&[dns("evil.example")]))).not_permitted();
    // Without the rule nothing but names, keys and constraints of anchors is read.
    of(&root, Vec::new(), root.leaf_with(named(&[dns("evil.example")])))
        .without(Rule::AnchorCertificate)
        .not_permitted();
}

#[test]
fn constraints_of_an_anchor_without_a_certificate_hold() {
    let root = Authority::root("Root");
    let anchor = || {
        TrustAnchor::from_subject_and_key(
            root.certificate.subject(),
            root.certificate.public_key_der().to_vec(),
        )
    };
    let verify = |anchor: TrustAnchor, name: &str| {
        let verification = Verification::new(Purpose::Client).at(chains::now());
        let leaf = root.leaf_with(named(&[dns(name)]));
        Verifier::new([anchor]).unwrap().verify(&leaf, &[], &verification)
    };
    let constrained = || anchor().name_constraints(&permitted(dns("acme.internal"))).unwrap();
    verify(constrained(), "worker.acme.internal").unwrap();
    verify(anchor(), "evil.example").unwrap();
    let error = verify(constrained(), "evil.example").unwrap_err();
    let E::NameConstraint { issuer, .. } = error.cause() else { panic!("{error}") };
    assert_eq!(issuer.to_string(), "CN=Root");
    for malformed in [&[][..], &[0x30, 0], &[5, 0], &[0x30, 2, 0xa0, 0]] {
        let error = anchor().name_constraints(malformed).unwrap_err();
        assert!(matches!(error, AnchorError::NameConstraints(_)), "{error}");
    }
    // They hold for an anchor with a certificate too, besides the certificate's own.
    let own = TrustAnchor::from(root.certificate.clone());
    let own = own.name_constraints(&permitted(dns("acme.internal"))).unwrap();
    verify(own.clone(), "worker.acme.internal").unwrap();
    let error = verify(own, "evil.example").unwrap_err();
    assert!(matches!(error.cause(), E::NameConstraint { .. }), "{error}");
}

#[test]
fn mail_addresses_are_within_a_mailbox_a_host_or_a_domain() {
    for (base, address) in [
        ("ann@acme.example", "ann@ACME.example"),
        ("acme.example", "ann@acme.example"),
        (".acme.example", "ann@mail.acme.example"),
    ] {
        of_other_form(permitted(email(base)), email(address))
            .judges(Agrees, Differs, Agrees)
            .accepted();
        of_other_form(excluded(email(base)), email(address)).excluded();
    }
    for (base, address) in [
        ("ann@acme.example", "bob@acme.example"),
        ("ann@acme.example", "Ann@acme.example"),
        ("acme.example", "ann@other.example"),
        (".acme.example", "ann@acme.example"),
    ] {
        of_other_form(permitted(email(base)), email(address)).not_permitted();
        of_other_form(excluded(email(base)), email(address))
            .judges(Agrees, Differs, Agrees)
            .accepted();
    }
}

#[test]
fn hosts_stand_for_hosts_below_them_by_rules() {
    for (base, name) in [
        (email("acme.example"), email("ann@mail.acme.example")),
        (uri("acme.example"), uri("spiffe://mail.acme.example/worker")),
    ] {
        // Go has hosts below a constraint within it, and RFC 5280 only where it begins with a
        // period.
        let allowed = || of_other_form(permitted(base.clone()), name.clone());
        allowed().judges(Agrees, Agrees, Differs).not_permitted();
        allowed().without(Rule::PermittedHostsAreExact).judges(Differs, Differs, Agrees).accepted();
        let barred = || of_other_form(excluded(base.clone()), name.clone());
        barred().judges(Agrees, Differs, Differs).accepted();
        barred().with(Rule::ExcludedHostsCoverDomains).judges(Differs, Agrees, Agrees).excluded();
    }
}

#[test]
fn the_hosts_of_uris_are_within_a_host_or_a_domain() {
    for (base, name, openssl) in [
        ("acme.example", "spiffe://acme.example/worker", Agrees),
        // OpenSSL takes the user for a part of the host.
        ("acme.example", "https://user@ACME.example:8443/x", Differs),
        (".acme.example", "spiffe://a.acme.example/worker", Agrees),
    ] {
        of_other_form(permitted(uri(base)), uri(name)).judges(openssl, Differs, Agrees).accepted();
        of_other_form(excluded(uri(base)), uri(name)).judges(openssl, Agrees, Agrees).excluded();
    }
    for (base, name) in [
        ("acme.example", "spiffe://other.example/acme.example"),
        (".acme.example", "spiffe://acme.example/worker"),
        ("acme.example", "https://acme.example@evil.example/"),
    ] {
        of_other_form(permitted(uri(base)), uri(name)).not_permitted();
        of_other_form(excluded(uri(base)), uri(name)).judges(Agrees, Differs, Agrees).accepted();
    }
}

#[test]
fn a_uri_without_a_host_is_refused_where_uris_are_constrained() {
    // OpenSSL takes an address for a name like others.
    for (name, openssl) in
        [("urn:uuid:1", Agrees), ("https://10.0.0.1/", Differs), ("https:///path", Agrees)]
    {
        let trial = |constraints, openssl| {
            let trial = of_other_form(constraints, uri(name)).judges(openssl, Agrees, Agrees);
            trial.without(Rule::ConstrainedNamesWellFormed).unprocessed();
        };
        trial(permitted(uri("acme.example")), Agrees);
        trial(excluded(uri("acme.example")), openssl);
    }
}

#[test]
fn malformed_names_are_refused_below_constraints_of_any_kind_by_a_rule() {
    let odd = || trial(permitted(dns("acme.internal")), email("ann"));
    match odd().judges(Differs, Differs, Agrees).refused() {
        E::NameConstraint { breach: ConstraintBreach::MalformedName, .. } => {}
        other => panic!("{other}"),
    }
    odd().without(Rule::ConstrainedNamesWellFormed).judges(Agrees, Agrees, Differs).accepted();
}

#[test]
fn constrained_names_are_dns_names_and_addresses_by_a_rule() {
    let refused = |trial: Trial| match trial.refused() {
        E::Rule { rule: Rule::DnsAndIpConstraintsOnly, found, .. } => found,
        other => panic!("{other}"),
    };
    // rustls compares no names of other forms: within the constraint or not, it refuses them.
    for (base, name) in [
        (email("acme.example"), email("ann@acme.example")),
        (uri("acme.example"), uri("spiffe://acme.example/worker")),
    ] {
        refused(trial(permitted(base.clone()), name.clone()).judges(Differs, Agrees, Differs));
        refused(trial(excluded(base), name));
    }
    for (base, name) in [
        (email("acme.example"), email("ann@other.example")),
        (uri("acme.example"), uri("spiffe://other.example/worker")),
    ] {
        refused(trial(permitted(base.clone()), name.clone()));
        refused(trial(excluded(base), name).judges(Differs, Agrees, Differs));
    }
    // The subject is a directory name.
    let of_elsewhere = trial(excluded(directory(&["elsewhere"])), dns("worker.acme.internal"));
    let of_elsewhere = of_elsewhere.without(Rule::FieldNameConstraints);
    let found = refused(of_elsewhere.judges(Differs, Agrees, Agrees));
    assert_eq!(found, "it is for directory name CN=worker, which CN=Issuing constrains");
    // What no name of a certificate is constrained by does not count.
    trial(permitted(email("acme.example")), dns("worker.acme.internal")).accepted();
    trial(permitted(uri("acme.example")), ip(&[10, 1, 2, 3])).accepted();
}

#[test]
fn constrained_dns_names_are_those_of_hosts_by_a_rule() {
    let refused = |trial: Trial| match trial.refused() {
        E::Rule { rule: Rule::ConstrainedDnsNamesAreHosts, .. } => {}
        other => panic!("{other}"),
    };
    for name in ["worker!.acme.internal", "-worker.acme.internal"] {
        let below = |constraints| trial(constraints, dns(name));
        let within = || below(permitted(dns("acme.internal")));
        refused(within().judges(Differs, Agrees, Differs));
        within()
            .without(Rule::ConstrainedDnsNamesAreHosts)
            .judges(Agrees, Differs, Agrees)
            .accepted();
        refused(below(excluded(dns("acme.example"))).judges(Differs, Agrees, Differs));
        // Where no DNS names are constrained, it may be any.
        below(permitted(ip(&[10, 0, 0, 0, 255, 0, 0, 0]))).accepted();
    }
}

#[test]
fn directory_names_are_within_the_names_that_they_begin_with() {
    let subject = |params: &mut CertificateParams| {
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(rcgen::DnType::CommonName, "Acme");
        params.distinguished_name.push(rcgen::DnType::OrganizationName, "worker");
    };
    let with = |constraints| {
        trial_with(constraints, subject)
            .without(Rule::FieldNameConstraints)
            .without(Rule::DnsAndIpConstraintsOnly)
    };
    // Go and rustls compare no directory names: Go refuses constraints of them that are critical,
    // and rustls every subject below any.
    with(permitted(directory(&["acme"]))).judges(Agrees, Differs, Differs).accepted();
    with(permitted(directory(&["other"]))).not_permitted();
    with(excluded(directory(&["ACME"]))).excluded();
    with(excluded(directory(&["worker"]))).judges(Agrees, Differs, Differs).accepted();
    with(permitted(directory(&[]))).judges(Agrees, Differs, Differs).accepted();
    // A subjectAltName's count too.
    let named = named(&[directory(&["other"])]);
    let both = |params: &mut CertificateParams| {
        subject(params);
        named(params);
    };
    trial_with(permitted(directory(&["acme"])), both)
        .without(Rule::FieldNameConstraints)
        .without(Rule::DnsAndIpConstraintsOnly)
        .not_permitted();
}

#[test]
fn forms_outside_the_field_are_refused_by_a_rule_where_they_are_critical() {
    // Go refuses them whatever names there are; rustls has the subject in mind.
    for (base, refuses, accepts) in
        [(directory(&["worker"]), Agrees, Differs), (other("worker"), Differs, Agrees)]
    {
        let trial = || of_other_form(permitted(base.clone()), dns("worker.acme.internal"));
        match trial().judges(Differs, refuses, Agrees).refused() {
            E::Rule { rule: Rule::FieldNameConstraints, .. } => {}
            other => panic!("{other}"),
        }
        trial().without(Rule::FieldNameConstraints).judges(Agrees, accepts, Differs).accepted();
    }
}

#[test]
fn other_names_are_refused_where_they_are_constrained() {
    for constraints in [permitted(other("a")), excluded(other("a")), excluded(other("b"))] {
        let trial =
            || of_other_form(constraints.clone(), other("a")).without(Rule::FieldNameConstraints);
        trial().unprocessed();
        trial().without(Rule::EveryNameForm).judges(Differs, Differs, Differs).accepted();
    }
    trial(permitted(dns("acme.internal")), other("a")).accepted();
}

#[test]
fn without_every_form_directory_names_and_addresses_in_the_subject_are_not_read() {
    fn below(leaf: impl FnOnce(&mut CertificateParams)) -> Trial {
        trial_with(permitted(email("acme.example")), leaf).without(Rule::DnsAndIpConstraintsOnly)
    }
    let addressed = |params: &mut CertificateParams| {
        let kind = rcgen::DnType::from_oid(&[1, 2, 840, 113_549, 1, 9, 1]);
        let address = rcgen::DnValue::Ia5String("ann@other.example".try_into().unwrap());
        params.distinguished_name.push(kind, address);
    };
    // RFC 5280 section 4.2.1.10 asks for it; OpenSSL alone does it.
    below(addressed).judges(Agrees, Differs, Differs).not_permitted();
    below(addressed).without(Rule::EveryNameForm).judges(Differs, Agrees, Agrees).accepted();
    // Where there is a subjectAltName's, the subject's does not count; for OpenSSL it does, and
    // rustls-webpki compares no addresses.
    let both = |params: &mut CertificateParams| {
        addressed(params);
        named(&[email("ann@acme.example")])(params);
    };
    below(both).judges(Differs, Differs, Agrees).accepted();
}

#[test]
fn self_issued_certificates_are_constrained_by_a_rule_and_as_a_leaf() {
    let root = Authority::root("Root");
    let old = root.intermediate_with("Issuing", constrained(permitted(dns("acme.internal"))));
    let new = old.intermediate_with("Issuing", named(&[dns("issuing.example")]));
    let pool = || vec![old.certificate.clone(), new.certificate.clone()];
    // RFC 5280 section 6.1.3 (b) exempts them; Go and rustls do not.
    let chain = || of(&root, pool(), new.leaf());
    chain().judges(Differs, Agrees, Agrees).not_permitted();
    chain().without(Rule::SelfIssuedAreConstrained).judges(Agrees, Differs, Differs).accepted();
    let own = old.leaf_with(|params| {
        params.distinguished_name = old.params.distinguished_name.clone();
        named(&[dns("issuing.example")])(params);
    });
    of(&root, pool(), own).without(Rule::SelfIssuedAreConstrained).not_permitted();
}

#[test]
fn intermediates_are_constrained_like_leaves() {
    let root = Authority::root_with("Root", constrained(permitted(dns("acme.internal"))));
    let issuing = root.intermediate_with("Issuing", named(&[dns("issuing.example")]));
    of(&root, vec![issuing.certificate.clone()], issuing.leaf()).not_permitted();
}
