//! What a new CA of AWS Private CA is to be.

use aws_sdk_acmpca::types::{
    CertificateAuthorityUsageMode, CrlConfiguration, CrlType, KeyStorageSecurityStandard,
    OcspConfiguration, RevocationConfiguration, S3ObjectAcl,
};

use crate::authority::{CaError, RequestedValidity};
use crate::certificate::DistinguishedName;
use crate::key::KeyAlgorithm;

/// What a new CA of AWS Private CA is to be. AWS charges for a CA by the month, from its creation on
/// (AWS Private CA pricing).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AcmPcaOptions {
    /// The CA's subject.
    pub subject: DistinguishedName,
    /// The kind of its key: RSA 2048, 3072 or 4096, P-256, P-384, P-521, or ML-DSA-44, 65 or 87. It
    /// signs with the hash that fits: SHA-256 with RSA, that of the curve's size with ECDSA.
    pub key_algorithm: KeyAlgorithm,
    /// When the CA's certificate starts and ends.
    pub validity: RequestedValidity,
    /// How many CAs may follow below a subordinate, 0 to 3. AWS writes none into a root.
    pub path_len: u8,
    /// Where AWS keeps the key; `None` for the region's default.
    pub key_storage: Option<KeyStorage>,
    /// What the CA issues.
    pub usage_mode: UsageMode,
    /// Tags, at most 48: two are this crate's own.
    pub tags: Vec<(String, String)>,
    /// Where revocation lists are written; `None` for none.
    pub crl: Option<CrlOptions>,
    /// Whether OCSP answers; `None` for not.
    pub ocsp: Option<OcspOptions>,
    /// The same key with the same options gives the same CA, also when the first call was
    /// interrupted; see [`AcmPca::create_root`](super::AcmPca::create_root).
    pub idempotency_key: Option<String>,
}

impl AcmPcaOptions {
    /// As AWS Private CA's console proposes: RSA 2048, ten years, general purpose, no revocation;
    /// a subordinate with no CA below it.
    #[must_use]
    pub fn new(subject: DistinguishedName) -> Self {
        Self {
            subject,
            key_algorithm: KeyAlgorithm::RSA_2048,
            validity: RequestedValidity::days(3650),
            path_len: 0,
            key_storage: None,
            usage_mode: UsageMode::GeneralPurpose,
            tags: Vec::new(),
            crl: None,
            ocsp: None,
            idempotency_key: None,
        }
    }

    /// With this kind of key.
    #[must_use]
    pub fn with_key_algorithm(mut self, algorithm: KeyAlgorithm) -> Self {
        self.key_algorithm = algorithm;
        self
    }

    /// With this validity.
    #[must_use]
    pub fn with_validity(mut self, validity: RequestedValidity) -> Self {
        self.validity = validity;
        self
    }

    /// With this many CAs below it, if it is a subordinate.
    #[must_use]
    pub fn with_path_len(mut self, path_len: u8) -> Self {
        self.path_len = path_len;
        self
    }

    /// With its key kept by this standard.
    #[must_use]
    pub fn with_key_storage(mut self, storage: KeyStorage) -> Self {
        self.key_storage = Some(storage);
        self
    }

    /// With this usage mode.
    #[must_use]
    pub fn with_usage_mode(mut self, mode: UsageMode) -> Self {
        self.usage_mode = mode;
        self
    }

    /// With this tag, besides others.
    #[must_use]
    pub fn with_tag(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.tags.push((key.into(), value.into()));
        self
    }

    /// With revocation lists.
    #[must_use]
    pub fn with_crl(mut self, crl: CrlOptions) -> Self {
        self.crl = Some(crl);
        self
    }

    /// With OCSP.
    #[must_use]
    pub fn with_ocsp(mut self, ocsp: OcspOptions) -> Self {
        self.ocsp = Some(ocsp);
        self
    }

    /// With this idempotency key.
    #[must_use]
    pub fn with_idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.idempotency_key = Some(key.into());
        self
    }

    pub(super) fn revocation(&self) -> Result<Option<RevocationConfiguration>, CaError> {
        let wrong = |error| CaError::Backend {
            operation: "writing a revocation configuration for AWS",
            source: Box::new(error),
        };
        if self.crl.is_none() && self.ocsp.is_none() {
            return Ok(None);
        }
        let crl = self.crl.as_ref().map(|crl| {
            CrlConfiguration::builder()
                .enabled(true)
                .s3_bucket_name(&crl.bucket)
                .expiration_in_days(i32::from(crl.days))
                .set_custom_cname(crl.custom_cname.clone())
                .s3_object_acl(if crl.is_public {
                    S3ObjectAcl::PublicRead
                } else {
                    S3ObjectAcl::BucketOwnerFullControl
                })
                .crl_type(if crl.is_partitioned { CrlType::Partitioned } else { CrlType::Complete })
                .build()
        });
        let ocsp = self.ocsp.as_ref().map(|ocsp| {
            OcspConfiguration::builder()
                .enabled(true)
                .set_ocsp_custom_cname(ocsp.custom_cname.clone())
                .build()
        });
        Ok(Some(
            RevocationConfiguration::builder()
                .set_crl_configuration(crl.transpose().map_err(wrong)?)
                .set_ocsp_configuration(ocsp.transpose().map_err(wrong)?)
                .build(),
        ))
    }
}

/// The compliance standard that AWS keeps a CA's key by (User Guide, "Storage and security
/// compliance of AWS Private CA private keys").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyStorage {
    /// FIPS 140-2 level 3 or higher, the default of most regions.
    Fips140Level3,
    /// FIPS 140-2 level 2 or higher.
    Fips140Level2,
    /// CCPC level 1 or higher, which some regions need.
    CcpcLevel1,
}

impl KeyStorage {
    pub(super) fn to_aws(self) -> KeyStorageSecurityStandard {
        match self {
            Self::Fips140Level3 => KeyStorageSecurityStandard::Fips1402Level3OrHigher,
            Self::Fips140Level2 => KeyStorageSecurityStandard::Fips1402Level2OrHigher,
            Self::CcpcLevel1 => KeyStorageSecurityStandard::CcpcLevel1OrHigher,
        }
    }
}

/// What a CA issues (User Guide, "AWS Private CA CA modes").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum UsageMode {
    /// Certificates of any validity.
    #[default]
    GeneralPurpose,
    /// Certificates of at most seven days, at a lower price. ACM does not issue from such a CA.
    ShortLived,
}

impl UsageMode {
    pub(super) fn to_aws(self) -> CertificateAuthorityUsageMode {
        match self {
            Self::GeneralPurpose => CertificateAuthorityUsageMode::GeneralPurpose,
            Self::ShortLived => CertificateAuthorityUsageMode::ShortLivedCertificate,
        }
    }
}

/// How a CA writes revocation lists into an S3 bucket of the same account. The bucket's policy has to
/// let AWS Private CA write (User Guide, "Access policies for CRLs in Amazon S3").
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CrlOptions {
    /// The bucket.
    pub bucket: String,
    /// Days that each list is good for, 1 to 5000; 7 by default.
    pub days: u16,
    /// The host that certificates name instead of the bucket's.
    pub custom_cname: Option<String>,
    /// Whether everybody can read the lists in the bucket.
    pub is_public: bool,
    /// Whether the list is split, for CAs with very many certificates.
    pub is_partitioned: bool,
}

impl CrlOptions {
    /// One complete list in this bucket, good for seven days, readable for the bucket's owner.
    #[must_use]
    pub fn new(bucket: impl Into<String>) -> Self {
        Self {
            bucket: bucket.into(),
            days: 7,
            custom_cname: None,
            is_public: false,
            is_partitioned: false,
        }
    }
}

/// Whether AWS answers OCSP requests for a CA.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct OcspOptions {
    /// The host that certificates name instead of AWS's own responder.
    pub custom_cname: Option<String>,
}
