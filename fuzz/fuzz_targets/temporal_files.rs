//! Whatever is in a file of filters, a CA bundle or a rotation's plan: what is read is written so that it
//! is read back the same, and Temporal Cloud's rules are asked of it without an end by panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use private_ca::CertificateChain;
use private_ca::temporal::bundle::{CaBundle, Fingerprint};
use private_ca::temporal::filters::FilterSet;
use private_ca::temporal::requirements::Submission;
use private_ca::temporal::rotation::Rotation;

fuzz_target!(|input: &[u8]| {
    let filters = FilterSet::from_json(input);
    if let Ok(filters) = &filters {
        assert_eq!(FilterSet::from_json(filters.to_json().as_bytes()).as_ref().ok(), Some(filters));
        let _ = filters.problems();
    }
    if let Ok(rotation) = Rotation::from_json(input) {
        assert_eq!(Rotation::from_json(rotation.to_json().as_bytes()).ok().as_ref(), Some(&rotation));
        let steps = rotation.steps(rotation.old(), "2027-03-01T10:00:00Z".parse().unwrap());
        // The old CA goes last.
        assert_eq!(steps.last().map(|step| step.id()), Some("remove-old-ca"));
    }
    if let Ok(bundle) = CaBundle::from_pem(input) {
        let again = CaBundle::from_pem(bundle.to_pem().as_bytes()).unwrap();
        assert!(bundle.difference(&again).is_empty());
        if let Some(first) = bundle.certificates().first() {
            let fingerprint = Fingerprint::sha256_of(first);
            assert_eq!(fingerprint.to_string().parse(), Ok(fingerprint));
            assert!(!bundle.remove(&[fingerprint]).is_ok_and(|rest| rest == bundle));
            let presented = CertificateChain::new(bundle.certificates().to_vec()).unwrap();
            let report = Submission::new(bundle).presenting(&presented).examine();
            assert!(!report.findings().is_empty() || report.prediction().is_accepted());
        }
    }
});
