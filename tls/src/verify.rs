//! Judging a chain of certificates, on both sides of a connection.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, TrustAnchor, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, PeerIncompatible, SignatureScheme};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};

use crate::certificate::Validity;
use crate::{Accepts, Chain, Fingerprint, Name, Trust, Untrusted};

/// What the other side's certificate is shown for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// Answering a call.
    Answering,
    /// Making one.
    Calling,
}

/// Judges a chain: time, signatures up to one of `authorities`, use, and the name.
pub(crate) fn judge(
    certificate: &CertificateDer<'_>,
    shown: &[CertificateDer<'_>],
    authorities: &[CertificateDer<'_>],
    usage: Use,
    now: UnixTime,
) -> Result<Name, Untrusted> {
    let now_seconds = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    // Before the chain, so that the reason is told with its date.
    Validity::of(certificate)?.check(now_seconds)?;
    let parsed = EndEntityCert::try_from(certificate).map_err(|_| Untrusted::Unreadable)?;
    // webpki asks nothing of an anchor but its key: an authority whose time is over is none.
    let in_time = |authority: &&CertificateDer<'_>| {
        Validity::of(authority).and_then(|validity| validity.check(now_seconds)).is_ok()
    };
    let anchors: Vec<TrustAnchor<'_>> =
        authorities.iter().filter(in_time).filter_map(|authority| anchor_from_trusted_cert(authority).ok()).collect();
    let usage = match usage {
        Use::Answering => KeyUsage::server_auth(),
        Use::Calling => KeyUsage::client_auth(),
    };
    let algorithms = crate::provider().signature_verification_algorithms.all;
    parsed.verify_for_usage(algorithms, &anchors, shown, now, usage, None, None).map_err(|error| words(&error))?;
    Name::of(certificate)
}

fn words(error: &webpki::Error) -> Untrusted {
    match error {
        // Authorities of one name, and none of them signed it.
        webpki::Error::UnknownIssuer | webpki::Error::InvalidSignatureForPublicKey => Untrusted::UnknownAuthority,
        webpki::Error::CertExpired { .. } => {
            Untrusted::Other("an authority on its way to a trusted one expired".into())
        }
        webpki::Error::RequiredEkuNotFoundContext(_) => Untrusted::OtherUse,
        other => Untrusted::Other(format!("it is not in order: {other}")),
    }
}

/// Takes a node's certificate from whoever answers.
#[derive(Debug)]
pub(crate) enum Answerer {
    /// Any node that the authority signed: what a program takes.
    AnyNode(Trust),
    /// One node of one cluster: what another node takes.
    Node {
        /// Who can have signed it.
        authorities: Chain,
        /// The cluster's id.
        cluster: String,
        /// The node's number.
        node: u64,
    },
}

impl Answerer {
    fn check(
        &self,
        certificate: &CertificateDer<'_>,
        shown: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), Untrusted> {
        let found = match self {
            Self::AnyNode(Trust::Loopback) => return Err(Untrusted::UnknownAuthority),
            Self::AnyNode(Trust::Fingerprint(expected)) => {
                let pinned = shown.iter().find(|one| Fingerprint::of(one) == *expected);
                let pinned = pinned.ok_or_else(|| other_fingerprint(*expected, shown))?;
                judge(certificate, shown, std::slice::from_ref(pinned), Use::Answering, now)?
            }
            Self::AnyNode(Trust::Authorities(authorities)) | Self::Node { authorities, .. } => {
                judge(certificate, shown, authorities, Use::Answering, now)?
            }
        };
        match (self, &found) {
            (_, Name::Operator { .. }) => Err(Untrusted::NotANode { found }),
            (Self::Node { cluster, .. }, found) if found.cluster() != cluster => {
                Err(Untrusted::OtherCluster { found: found.clone() })
            }
            (Self::Node { node: expected, .. }, Name::Node { node, .. }) if node != expected => {
                Err(Untrusted::OtherNode { found, expected: *expected })
            }
            _ => Ok(()),
        }
    }
}

/// What is shown beside the certificate are authorities, and links from one to the next; those that signed themselves are
/// what an address can name.
fn other_fingerprint(expected: Fingerprint, shown: &[CertificateDer<'_>]) -> Untrusted {
    let signed_itself = |one: &&CertificateDer<'_>| {
        EndEntityCert::try_from(*one).is_ok_and(|parsed| parsed.issuer() == parsed.subject())
    };
    Untrusted::OtherFingerprint { expected, found: shown.iter().filter(signed_itself).map(Fingerprint::of).collect() }
}

#[derive(Debug)]
pub(crate) struct AnswererVerifier {
    answerer: Answerer,
    provider: Arc<CryptoProvider>,
}

impl AnswererVerifier {
    pub(crate) fn new(answerer: Answerer) -> Arc<Self> {
        Arc::new(Self { answerer, provider: crate::provider() })
    }
}

impl ServerCertVerifier for AnswererVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.answerer.check(end_entity, intermediates, now)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(PeerIncompatible::Tls12NotOfferedOrEnabled.into())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Judges the certificates of those who call a node.
#[derive(Debug)]
pub(crate) struct CallerVerifier {
    accepts: Accepts,
    authorities: Chain,
    cluster: String,
    provider: Arc<CryptoProvider>,
}

impl CallerVerifier {
    pub(crate) fn new(accepts: Accepts, authorities: Chain, cluster: String) -> Arc<Self> {
        Arc::new(Self { accepts, authorities, cluster, provider: crate::provider() })
    }

    fn check(
        &self,
        certificate: &CertificateDer<'_>,
        shown: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), Untrusted> {
        let found = judge(certificate, shown, &self.authorities, Use::Calling, now)?;
        if found.cluster() != self.cluster {
            return Err(Untrusted::OtherCluster { found });
        }
        match (self.accepts, &found) {
            (Accepts::Nodes, Name::Operator { .. }) => Err(Untrusted::NotANode { found }),
            _ => Ok(()),
        }
    }
}

impl ClientCertVerifier for CallerVerifier {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        // None: a caller has one certificate, and shows it.
        &[]
    }

    fn client_auth_mandatory(&self) -> bool {
        self.accepts == Accepts::Nodes
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        self.check(end_entity, intermediates, now)?;
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(PeerIncompatible::Tls12NotOfferedOrEnabled.into())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
