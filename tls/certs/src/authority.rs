//! The authority of a cluster: founding it, letting another one follow it.

use std::path::{Path, PathBuf};

use lectern_tls::{CertificateDer, Fingerprint, read_certificates};
use rcgen::{BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use time::{Duration, OffsetDateTime};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::files::{self, PUBLIC, SECRET};
use crate::{CertsError, Issued};

/// Certificates are good from a little before they are made: clocks differ.
const BACKDATED: Duration = Duration::hours(1);

/// From when to when something is to be good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Term {
    pub(crate) not_before: OffsetDateTime,
    pub(crate) not_after: OffsetDateTime,
}

impl Term {
    /// From now on for so many days.
    pub fn days(days: u32) -> Self {
        let now = OffsetDateTime::now_utc();
        Self { not_before: now - BACKDATED, not_after: now + Duration::days(days.into()) }
    }

    /// Seconds before and after now, for tests of what is over, or not yet good.
    pub fn seconds(from: i64, to: i64) -> Self {
        let now = OffsetDateTime::now_utc();
        Self { not_before: now + Duration::seconds(from), not_after: now + Duration::seconds(to) }
    }
}

/// An authority's folder, opened: it can sign.
#[derive(Debug)]
pub struct Authority {
    dir: PathBuf,
    cluster: String,
    generation: u32,
    not_after: OffsetDateTime,
    /// The authority's certificate, then those before it that are still trusted.
    trusted: Vec<CertificateDer<'static>>,
    /// See the module's table.
    succession: String,
    pub(crate) issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// Founds the authority of a cluster in a folder that holds none.
    pub fn found(dir: &Path, cluster: &str, term: Term) -> Result<Self, CertsError> {
        files::make_folder(dir)?;
        let key = KeyPair::generate()?;
        let certificate = params(cluster, 1, term).self_signed(&key)?;
        files::create(&[
            (dir.join("ca.key"), key.serialize_pem(), SECRET),
            (dir.join("ca.pem"), certificate.pem(), PUBLIC),
        ])?;
        Self::open(dir)
    }

    /// Opens an authority's folder.
    pub fn open(dir: &Path) -> Result<Self, CertsError> {
        let unusable = |problem: String| CertsError::NoAuthority { dir: dir.to_owned(), problem };
        let trusted = read_certificates(&dir.join("ca.pem")).map_err(|error| unusable(error.to_string()))?;
        let key = std::fs::read_to_string(dir.join("ca.key")).map_err(|error| unusable(format!("ca.key: {error}")))?;
        let key = KeyPair::from_pem(&key).map_err(|_| unusable("ca.key holds no key of this program".into()))?;
        let parsed = X509Certificate::from_der(&trusted[0]).map_err(|_| unusable("ca.pem is damaged".into()))?.1;
        let named = |text: Option<&str>| text.map(str::to_owned).ok_or_else(|| unusable("it has no name".into()));
        let cluster = named(parsed.subject().iter_organization().next().and_then(|name| name.as_str().ok()))?;
        let called = named(parsed.subject().iter_common_name().next().and_then(|name| name.as_str().ok()))?;
        let generation = called.rsplit(' ').next().and_then(|number| number.parse().ok()).unwrap_or(1);
        if parsed.public_key().raw != rcgen::PublicKeyData::subject_public_key_info(&key) {
            return Err(unusable("ca.key belongs to another authority".into()));
        }
        let not_after = parsed.validity().not_after.to_datetime();
        let succession = match dir.join("succession.pem") {
            path if path.exists() => files::read(&path)?,
            _ => String::new(),
        };
        let issuer = Issuer::from_ca_cert_der(&trusted[0], key)?;
        Ok(Self { dir: dir.to_owned(), cluster, generation, not_after, trusted, succession, issuer })
    }

    /// The id of the cluster that it is for.
    pub fn cluster(&self) -> &str {
        &self.cluster
    }

    /// What programs are told.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.trusted[0])
    }

    /// How many authorities are trusted.
    pub fn trusted(&self) -> usize {
        self.trusted.len()
    }

    /// Until when it is good, Unix seconds.
    pub fn not_after(&self) -> i64 {
        self.not_after.unix_timestamp()
    }

    /// Makes the next authority: signed by itself and by this one. Both are trusted from now on, the new one signs.
    pub fn succeed(self, term: Term) -> Result<Self, CertsError> {
        let key = KeyPair::generate()?;
        let params = params(&self.cluster, self.generation + 1, term);
        let certificate = params.self_signed(&key)?;
        let mut linked = params;
        linked.not_after = term.not_after.min(self.not_after);
        linked.use_authority_key_identifier_extension = true;
        let link = linked.signed_by(&key, &self.issuer)?;
        let before = files::read(&self.dir.join("ca.pem"))?;
        let own = first_of(&before);
        files::replace(&self.dir.join("succession.pem"), &format!("{}{own}{}", link.pem(), self.succession), PUBLIC)?;
        files::replace(&self.dir.join("ca.key"), &key.serialize_pem(), SECRET)?;
        files::replace(&self.dir.join("ca.pem"), &format!("{}{before}", certificate.pem()), PUBLIC)?;
        Self::open(&self.dir)
    }

    /// Trusts the newest authority only, from now on.
    pub fn retire(self) -> Result<Self, CertsError> {
        let path = self.dir.join("ca.pem");
        let all = files::read(&path)?;
        files::replace(&path, first_of(&all), PUBLIC)?;
        Self::open(&self.dir)
    }

    /// Writes a certificate with the chain that leads from it to this authority and to those before it, and its key.
    pub(crate) fn write(&self, stem: &str, certificate: &str, key: &str, renew: bool) -> Result<Issued, CertsError> {
        let ca = files::read(&self.dir.join("ca.pem"))?;
        let chain = format!("{certificate}{}{}", first_of(&ca), self.succession);
        let issued =
            Issued { certificate: self.dir.join(format!("{stem}.pem")), key: self.dir.join(format!("{stem}.key")) };
        if !renew {
            files::create(&[(issued.key.clone(), key.into(), SECRET), (issued.certificate.clone(), chain, PUBLIC)])?;
            return Ok(issued);
        }
        if !issued.certificate.exists() {
            return Err(CertsError::Missing { path: issued.certificate });
        }
        files::replace(&issued.key, key, SECRET)?;
        files::replace(&issued.certificate, &chain, PUBLIC)?;
        Ok(issued)
    }

    /// A term that does not outlive the authority.
    pub(crate) fn within(&self, term: Term) -> Term {
        Term { not_after: term.not_after.min(self.not_after), ..term }
    }
}

fn params(cluster: &str, generation: u32, term: Term) -> CertificateParams {
    let mut name = DistinguishedName::new();
    name.push(DnType::OrganizationName, cluster);
    name.push(DnType::CommonName, format!("Lectern authority {generation}"));
    let mut params = CertificateParams::default();
    params.distinguished_name = name;
    params.not_before = term.not_before;
    params.not_after = term.not_after;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

/// The first certificate of a PEM text.
fn first_of(pem: &str) -> &str {
    const END: &str = "-----END CERTIFICATE-----\n";
    pem.find(END).map_or(pem, |end| &pem[..end + END.len()])
}
