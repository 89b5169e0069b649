//! Certificates in files.

use std::path::Path;

use jiff::Timestamp;
pub use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::{MaterialError, Untrusted};

/// A certificate and those that lead from it to an authority.
pub type Chain = Vec<CertificateDer<'static>>;

/// From when to when a certificate is good, Unix seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// Not before.
    pub not_before: i64,
    /// Not after.
    pub not_after: i64,
}

impl Validity {
    /// As the certificate says.
    pub fn of(certificate: &CertificateDer<'_>) -> Result<Self, Untrusted> {
        let (_, parsed) = X509Certificate::from_der(certificate).map_err(|_| Untrusted::Unreadable)?;
        let validity = parsed.validity();
        Ok(Self { not_before: validity.not_before.timestamp(), not_after: validity.not_after.timestamp() })
    }

    /// Whether it is good at that time.
    pub fn check(&self, now: i64) -> Result<(), Untrusted> {
        match *self {
            Self { not_after, .. } if now > not_after => Err(Untrusted::Expired { not_after }),
            Self { not_before, .. } if now < not_before => Err(Untrusted::NotYetValid { not_before }),
            Self { .. } => Ok(()),
        }
    }
}

/// The certificates in a PEM file; at least one.
pub fn read_certificates(path: &Path) -> Result<Chain, MaterialError> {
    let problem = |problem: String| MaterialError::File { path: path.to_owned(), problem };
    let found = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Chain, _>>);
    match found {
        Ok(certificates) if certificates.is_empty() => Err(problem("it holds no certificate".into())),
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(problem(words(&error))),
    }
}

/// What is wrong with a PEM file, without a word of what is in it.
pub(crate) fn words(error: &rustls::pki_types::pem::Error) -> String {
    match error {
        rustls::pki_types::pem::Error::Io(error) => error.to_string(),
        rustls::pki_types::pem::Error::NoItemsFound => "it holds nothing of the kind".into(),
        _ => "it is not in PEM".into(),
    }
}

/// A day in UTC.
pub(crate) fn date(unix_seconds: i64) -> String {
    Timestamp::from_second(unix_seconds).map_or_else(|_| "a day out of range".into(), |at| at.to_string())
}
