//! Filters: tcld's files, the documentation's examples, and laws.

use private_ca::Certificate;
use private_ca::temporal::filters::{
    CertificateFilter, FilterField, FilterFileError, FilterProblem, FilterSet, MAX_FILTERS,
};
use proptest::prelude::*;
use rcgen::{CertificateParams, DistinguishedName, DnType, SanType};

use super::chains::Authority;

/// A certificate with these attributes and alternative names.
fn certificate(attributes: &[(DnType, &str)], names: Vec<SanType>) -> Certificate {
    Authority::root("Root").leaf_with(|params: &mut CertificateParams| {
        params.distinguished_name = DistinguishedName::new();
        for (kind, value) in attributes {
            params.distinguished_name.push(kind.clone(), *value);
        }
        params.subject_alt_names = names;
    })
}

fn filter(fields: &[(FilterField, &str)]) -> CertificateFilter {
    fields
        .iter()
        .fold(CertificateFilter::default(), |filter, (field, value)| filter.with(*field, *value))
}

fn admits(filters: &[CertificateFilter], certificate: &Certificate) -> bool {
    FilterSet::new(filters.to_vec()).try_on(certificate).is_admitted()
}

use FilterField::{CommonName, Organization, OrganizationalUnit, SubjectAlternativeName};

#[test]
fn files_of_tcld_are_read_and_written() {
    let read = |json: &str| FilterSet::from_json(json.as_bytes());
    for none in ["", " \n", "{}", r#"{"filters": []}"#, r#"{"filters": null}"#] {
        assert!(read(none).unwrap().is_empty(), "{none}");
    }
    let file = r#"{"Filters": [
        {"commonname": "test1", "organization": ""},
        {"ORGANIZATIONALUNIT": "b", "subjectAlternativeName": "  ", "organization": null}]}"#;
    let filters = read(file).unwrap();
    let expected = [filter(&[(CommonName, "test1")]), filter(&[(OrganizationalUnit, "b")])];
    assert_eq!(filters.filters(), expected);
    assert_eq!(read(&filters.to_json()).unwrap(), filters);

    for (file, says) in [
        ("[", "it is no JSON"),
        ("[]", "the file is a list"),
        (r#"{"filters": {}}"#, "filters is an object"),
        (r#"{"filters": [1]}"#, "filters[0] is a number"),
        (r#"{"filters": [{}, {"commonName": true}]}"#, "filters[1].commonName is true or false"),
        (r#"{"filter": []}"#, "the file has the field \"filter\""),
        (r#"{"filters": [{"cn": "a"}]}"#, "filters[0] has the field \"cn\""),
    ] {
        let error = read(file).unwrap_err();
        assert!(error.to_string().starts_with(says), "{error}");
    }
    let FilterFileError::Json(error) = read("{\n\"filters\": ]").unwrap_err() else { panic!() };
    assert_eq!((error.line, error.column), (2, 12));
    assert!(std::error::Error::source(&error).is_some());
}

#[test]
fn a_name_that_is_there_twice_is_refused_in_every_spelling() {
    for fields in [
        r#""commonName": "a", "CommonName": "b""#,
        r#""commonName": "a", "commonName": "b""#,
        r#""commonName": "a", "commonName": "a""#,
        r#""commonName": null, "organization": "x", "commonName": "b""#,
        r#""commonName": "b", "commonName": " ""#,
    ] {
        let file = format!(r#"{{"filters": [{{"organization": "y"}}, {{{fields}}}]}}"#);
        let error = FilterSet::from_json(file.as_bytes()).unwrap_err();
        let FilterFileError::FieldTwice { path, field: CommonName } = &error else {
            panic!("{error}");
        };
        assert_eq!(path, "filters[1]");
        assert!(error.to_string().contains("filters[1] has the field commonName twice"), "{error}");
    }
    for file in [
        r#"{"filters": [{"commonName": "a"}], "filters": [{"commonName": "b"}]}"#,
        r#"{"filters": [{"commonName": "a"}], "Filters": null}"#,
    ] {
        let error = FilterSet::from_json(file.as_bytes()).unwrap_err();
        assert!(matches!(&error, FilterFileError::ListTwice { .. }), "{error}");
        assert!(error.to_string().contains("ilters\" twice"), "{error}");
    }
    // The same name in two filters is none of this.
    let file = r#"{"filters": [{"commonName": "a"}, {"commonName": "b"}]}"#;
    assert_eq!(FilterSet::from_json(file.as_bytes()).unwrap().filters().len(), 2);
}

#[test]
fn a_capital_sigma_is_the_same_wherever_it_stands() {
    let worker = certificate(&[(DnType::CommonName, "ΟΔΟΣ ΑΘΗΝΩΝ")], vec![]);
    for value in ["ΟΔΟΣ*", "οδοσ*", "*ΑΘΗΝΩΝ"] {
        assert!(admits(&[filter(&[(CommonName, value)])], &worker), "{value}");
    }
    let end = certificate(&[(DnType::CommonName, "ΟΔΟΣ")], vec![]);
    for value in ["ΟΔΟΣ", "οδοσ", "ΟΔΟ*", "*ΔΟΣ"] {
        assert!(admits(&[filter(&[(CommonName, value)])], &end), "{value}");
    }
    let within = certificate(&[(DnType::CommonName, "ΟΔΟΣΑ")], vec![]);
    assert!(admits(&[filter(&[(CommonName, "ΟΔΟΣ*")])], &within));
    let twice = [filter(&[(CommonName, "ΟΔΟΣ")]), filter(&[(CommonName, "οδοσ")])];
    let problems = FilterSet::new(twice.to_vec()).problems();
    assert!(matches!(problems[..], [FilterProblem::Duplicate { place: 1, first: 0, .. }]));
}

#[test]
fn what_temporal_cloud_does_not_take_is_told() {
    let problems = |filters: Vec<CertificateFilter>| FilterSet::new(filters).problems();
    let numbered = |n: usize| filter(&[(CommonName, &format!("worker-{n}"))]);
    assert_eq!(problems((0..MAX_FILTERS).map(numbered).collect()), []);
    assert_eq!(
        problems((0..=MAX_FILTERS).map(numbered).collect()),
        [FilterProblem::TooMany { count: 26 }]
    );
    assert_eq!(
        problems(vec![numbered(1), CertificateFilter::default()]),
        [FilterProblem::NoField { place: 1 }]
    );
    // The documentation's examples.
    for good in ["*.example.com", "Example Code*", "code.example.com", "*x", "x*"] {
        assert_eq!(problems(vec![filter(&[(Organization, good)])]), [], "{good}");
    }
    for bad in [".example.*.", "code.*.com", "*", "**", "*x*", "a*b*"] {
        let found = problems(vec![filter(&[(Organization, bad)])]);
        let [FilterProblem::Wildcard { place: 0, field: Organization, value, .. }] = &found[..]
        else {
            panic!("{bad}: {found:?}");
        };
        assert_eq!(value, bad);
    }
    let twice = [
        filter(&[(CommonName, "Worker"), (Organization, "Acme")]),
        filter(&[(CommonName, "Worker")]),
        filter(&[(Organization, "ACME"), (CommonName, "WORKER")]),
    ];
    let found = problems(twice.to_vec());
    assert_eq!(found, [FilterProblem::Duplicate { place: 2, first: 0, filter: twice[2].clone() }]);
    assert_eq!(
        found[0].to_string(),
        "filter 3 repeats filter 1: commonName \"WORKER\" and organization \"ACME\""
    );
}

#[test]
fn within_a_filter_every_field_has_to_fit_and_of_filters_one() {
    let worker = certificate(
        &[
            (DnType::OrganizationName, "Example Code Inc."),
            (DnType::CommonName, "stage.example.com"),
        ],
        vec![],
    );
    let both = filter(&[(CommonName, "stage.example.com"), (Organization, "Example Code Inc.")]);
    assert!(admits(&[both], &worker));
    let one = filter(&[(CommonName, "stage.example.com"), (Organization, "Example")]);
    let unit = filter(&[(CommonName, "*.example.com"), (OrganizationalUnit, "*a")]);
    let other = filter(&[(CommonName, "code.example.com"), (Organization, "Other")]);
    let filters = [other, one.clone(), unit];
    assert!(!admits(&filters, &worker));
    let trial = FilterSet::new(filters.to_vec()).try_on(&worker);
    assert_eq!((trial.matched(), trial.nearest()), (None, Some(1)));
    let fields = &trial.filters[1].fields;
    assert_eq!(fields[0].matched.as_deref(), Some("stage.example.com"));
    assert_eq!(
        (fields[1].matched.as_deref(), &fields[1].found[..]),
        (None, &["Example Code Inc.".to_owned()][..])
    );
    assert!(trial.filters[2].fields[1].found.is_empty());

    assert!(admits(&[one, filter(&[(CommonName, "STAGE*")])], &worker));
    assert!(admits(&[], &worker), "without filters the CA alone decides");
    assert!(!admits(&[CertificateFilter::default()], &worker), "an empty filter fits nobody");
    assert!(!admits(&[filter(&[(CommonName, "*")])], &worker), "* alone is no wildcard");
}

#[test]
fn every_value_of_a_field_counts_but_of_common_names_the_last() {
    let names = vec![
        SanType::DnsName("worker.acme.internal".try_into().unwrap()),
        SanType::IpAddress("10.0.0.1".parse().unwrap()),
        SanType::IpAddress("2001:db8::1".parse().unwrap()),
        SanType::URI("spiffe://acme/worker".try_into().unwrap()),
        SanType::Rfc822Name("worker@acme.internal".try_into().unwrap()),
    ];
    let worker = certificate(
        &[(DnType::OrganizationalUnitName, "Payments"), (DnType::CommonName, "Straße")],
        names,
    );
    for name in
        ["worker.acme.internal", "10.0.0.1", "2001:db8::1", "spiffe://acme/*", "*@acme.internal"]
    {
        assert!(admits(&[filter(&[(SubjectAlternativeName, name)])], &worker), "{name}");
    }
    assert!(!admits(&[filter(&[(SubjectAlternativeName, "DNS:worker*")])], &worker));
    assert!(!admits(&[filter(&[(CommonName, "worker.acme.internal")])], &worker));
    assert!(admits(&[filter(&[(CommonName, "STRAßE")])], &worker));

    // Several units and several common names, which rcgen does not write.
    let subject = "OU=One,OU=Two,CN=first,CN=last";
    let root = Authority::root("Root");
    let certificate = root.leaf_with(|params| {
        params.distinguished_name = DistinguishedName::new();
    });
    let name: private_ca::DistinguishedName = subject.parse().unwrap();
    let mut handmade = super::chains::Handmade::of(&certificate);
    handmade.name = name.as_der().to_vec();
    let worker = root.sign_by_hand(&handmade);
    assert_eq!(worker.subject().to_string(), subject);
    for (field, value, expected) in [
        (OrganizationalUnit, "one", true),
        (OrganizationalUnit, "two", true),
        (OrganizationalUnit, "three", false),
        (CommonName, "last", true),
        (CommonName, "first", false),
    ] {
        assert_eq!(admits(&[filter(&[(field, value)])], &worker), expected, "{field} {value}");
    }
}

fn any_value() -> impl Strategy<Value = String> {
    "[a-cA-CäÄ.]{1,6}"
}

fn any_filter() -> impl Strategy<Value = CertificateFilter> {
    let value = || {
        proptest::option::of(prop_oneof![
            any_value(),
            any_value().prop_map(|value| format!("{value}*")),
            any_value().prop_map(|value| format!("*{value}")),
            Just("*".to_owned()),
            Just("a*b".to_owned()),
        ])
    };
    [value(), value(), value(), value()].prop_map(|values| {
        FilterField::ALL.iter().copied().zip(values).fold(
            CertificateFilter::default(),
            |filter, (field, value)| match value {
                Some(value) => filter.with(field, value),
                None => filter,
            },
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_is_read_back(filters in proptest::collection::vec(any_filter(), 0..8)) {
        let filters = FilterSet::new(filters);
        prop_assert_eq!(FilterSet::from_json(filters.to_json().as_bytes()).unwrap(), filters);
    }

    #[test]
    fn a_filter_of_its_own_values_fits_every_certificate(
        organization in any_value(),
        common_name in any_value(),
        cut in 0..6_usize,
        upper in any::<bool>(),
    ) {
        let worker = certificate(
            &[
                (DnType::OrganizationName, organization.as_str()),
                (DnType::CommonName, common_name.as_str()),
            ],
            vec![],
        );
        let spelled = |text: &str| if upper { text.to_uppercase() } else { text.to_lowercase() };
        let letters: Vec<_> = common_name.chars().collect();
        let cut = cut.min(letters.len());
        let start: String = letters[..cut].iter().collect();
        let end: String = letters[cut..].iter().collect();
        for value in [common_name.clone(), format!("{start}*"), format!("*{end}")] {
            if value == "*" {
                continue;
            }
            let fields = [(CommonName, spelled(&value)), (Organization, spelled(&organization))];
            let fields: Vec<_> =
                fields.iter().map(|(field, value)| (*field, value.as_str())).collect();
            prop_assert!(admits(&[filter(&fields)], &worker), "{fields:?}");
        }
    }

    #[test]
    fn a_further_filter_refuses_nobody_and_a_further_field_admits_nobody(
        filters in proptest::collection::vec(any_filter(), 1..5),
        further in any_filter(),
        field in proptest::sample::select(FilterField::ALL.to_vec()),
        value in any_value(),
    ) {
        let worker = certificate(
            &[(DnType::OrganizationName, "abc"), (DnType::CommonName, "ab")],
            vec![],
        );
        let more = [&filters[..], &[further]].concat();
        prop_assert!(!admits(&filters, &worker) || admits(&more, &worker));
        let mut stricter = filters.clone();
        if stricter[0].get(field).is_none() && stricter[0].fields().next().is_some() {
            stricter[0] = stricter[0].clone().with(field, value);
            prop_assert!(!admits(&stricter, &worker) || admits(&filters, &worker));
        }
    }
}
