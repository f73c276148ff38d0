//! Whatever is read as certificates is written and read back as the same certificates.
#![no_main]

use libfuzzer_sys::fuzz_target;
use private_ca::{Certificate, CertificateChain};

fuzz_target!(|bytes: &[u8]| {
    let Ok(chain) = CertificateChain::from_pem_or_der(bytes) else {
        return;
    };
    let again = CertificateChain::from_pem_or_der(chain.to_pem().as_bytes()).unwrap();
    assert_eq!(chain, again);
    for certificate in &chain {
        assert_eq!(certificate, &Certificate::from_der(certificate.as_der()).unwrap());
        let names = certificate.subject_alternative_names();
        let purposes = certificate.extended_key_usage();
        let _ = format!("{certificate:?} {names:?} {purposes:?} {:?}", certificate.key_usage());
    }
});
