//! What a node needs for TLS: its certificate, its key, and the authorities it trusts.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::{ResolvesClientCert, Resumption};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{PrivateKeyDer, UnixTime};
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::version::TLS13;
use rustls::{ClientConfig, ServerConfig, SignatureScheme};

use crate::certificate::{Validity, words};
use crate::verify::{Answerer, AnswererVerifier, CallerVerifier, Use, judge};
use crate::{ALPN, Chain, Fingerprint, Name, Untrusted, provider, read_certificates};

/// The files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    /// The certificate, and those that lead from it to the authority.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
    /// The authorities that are trusted: while one follows another, both.
    pub authorities: Vec<PathBuf>,
}

/// The files cannot be used: which, why, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MaterialError {
    /// A file cannot be read, or holds something else.
    #[error("{} cannot be used: {problem}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        problem: String,
    },
    /// The key belongs to another certificate.
    #[error(
        "the key in {} does not belong to the certificate in {}; put both in place that were made together",
        key.display(), certificate.display()
    )]
    OtherKey {
        /// The key's file.
        key: PathBuf,
        /// The certificate's file.
        certificate: PathBuf,
    },
    /// Others would not accept it.
    #[error("the certificate in {} would be accepted by nobody: {reason}; make another with `lectern-server certs`", path.display())]
    Unacceptable {
        /// The certificate's file.
        path: PathBuf,
        /// Why.
        reason: Untrusted,
    },
    /// It is a certificate for somebody else.
    #[error("the certificate in {} is one of {}, and this is {own}; make one with `lectern-server certs node`", path.display(), found.words())]
    OtherName {
        /// The certificate's file.
        path: PathBuf,
        /// Whose it is.
        found: Name,
        /// Who needs one.
        own: String,
    },
}

/// Who may call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepts {
    /// Everybody; who shows a certificate must show one of the cluster.
    Everybody,
    /// Nodes of the cluster, by their certificates.
    Nodes,
}

/// A certificate, its chain and its key. Debug shows nothing of the key.
#[derive(Clone)]
pub(crate) struct Signer(Arc<CertifiedKey>);

impl Signer {
    pub(crate) fn load(certificate: &Path, key: &Path) -> Result<Self, MaterialError> {
        let chain = read_certificates(certificate)?;
        let unusable = |problem: String| MaterialError::File { path: key.to_owned(), problem };
        let secret = PrivateKeyDer::from_pem_file(key).map_err(|error| unusable(words(&error)))?;
        let signing = provider().key_provider.load_private_key(secret);
        let signing = signing.map_err(|_| unusable("it holds no key of a kind that is known here".into()))?;
        let certified = CertifiedKey::new(chain, signing);
        certified
            .keys_match()
            .map_err(|_| MaterialError::OtherKey { key: key.to_owned(), certificate: certificate.to_owned() })?;
        Ok(Self(Arc::new(certified)))
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signer")
    }
}

impl ResolvesServerCert for Signer {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.clone())
    }
}

impl ResolvesClientCert for Signer {
    fn resolve(&self, _hints: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(self.0.clone())
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// A node's certificate with all that goes with it, read and found consistent.
#[derive(Clone, Debug)]
pub struct Material {
    signer: Signer,
    authorities: Chain,
    name: Name,
    expiries: Vec<(PathBuf, i64)>,
}

impl Material {
    /// Reads the files, and refuses what other nodes would refuse: a certificate that is not valid now, or that none of the
    /// authorities signed, or with a key of another one.
    pub fn load(paths: &Paths) -> Result<Self, MaterialError> {
        let signer = Signer::load(&paths.certificate, &paths.key)?;
        let mut authorities = Chain::new();
        let mut expiries = Vec::new();
        for path in &paths.authorities {
            let found = read_certificates(path)?;
            expiries.push((path.clone(), earliest(&found, path)?));
            authorities.extend(found);
        }
        let unacceptable = |reason| MaterialError::Unacceptable { path: paths.certificate.clone(), reason };
        let (certificate, shown) = signer.0.cert.split_first().expect("a file without a certificate is refused");
        let name = judge(certificate, shown, &authorities, Use::Answering, UnixTime::now()).map_err(unacceptable)?;
        if matches!(name, Name::Operator { .. }) {
            return Err(unacceptable(Untrusted::NotANode { found: name }));
        }
        expiries.insert(0, (paths.certificate.clone(), earliest(&signer.0.cert[..1], &paths.certificate)?));
        Ok(Self { signer, authorities, name, expiries })
    }

    /// Whose certificate it is.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// The authority that this certificate leads to, as others know it: the last of the chain that is shown.
    pub fn authority(&self) -> Option<Fingerprint> {
        self.signer.0.cert[1..].last().or(self.authorities.first()).map(Fingerprint::of)
    }

    /// The files and when what is in them expires, Unix seconds: the node's own certificate, then the authorities, of
    /// which the earliest counts.
    pub fn expiries(&self) -> &[(PathBuf, i64)] {
        &self.expiries
    }

    /// For a listener.
    pub fn server_config(&self, accepts: Accepts) -> Arc<ServerConfig> {
        let verifier = CallerVerifier::new(accepts, self.authorities.clone(), self.name.cluster().to_owned());
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&TLS13])
            .expect("ring speaks TLS 1.3")
            .with_client_cert_verifier(verifier)
            .with_cert_resolver(Arc::new(self.signer.clone()));
        config.alpn_protocols = vec![ALPN.to_vec()];
        // A resumed connection would not verify the caller's certificate again.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Arc::new(config)
    }

    /// For calling a node of the same cluster.
    pub fn client_config(&self, node: u64) -> Arc<ClientConfig> {
        let cluster = self.name.cluster().to_owned();
        let answerer = Answerer::Node { authorities: self.authorities.clone(), cluster, node };
        client_config(answerer, Some(self.signer.clone()))
    }
}

pub(crate) fn client_config(answerer: Answerer, signer: Option<Signer>) -> Arc<ClientConfig> {
    let builder = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])
        .expect("ring speaks TLS 1.3")
        .dangerous()
        .with_custom_certificate_verifier(AnswererVerifier::new(answerer));
    let mut config = match signer {
        Some(signer) => builder.with_client_cert_resolver(Arc::new(signer)),
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![ALPN.to_vec()];
    config.resumption = Resumption::disabled();
    Arc::new(config)
}

fn earliest(certificates: &[crate::CertificateDer<'_>], path: &Path) -> Result<i64, MaterialError> {
    let damaged = |reason: Untrusted| MaterialError::File { path: path.to_owned(), problem: reason.to_string() };
    let validities = certificates.iter().map(Validity::of).collect::<Result<Vec<_>, _>>().map_err(damaged)?;
    Ok(validities.iter().map(|validity| validity.not_after).min().unwrap_or(i64::MAX))
}
