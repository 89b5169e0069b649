//! Certificates of nodes and operators.

use std::net::IpAddr;
use std::path::PathBuf;

use lectern_tls::{Name, is_operator_name};
use rcgen::{CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose, SanType};

use crate::{Authority, CertsError, Term};

/// Whether it is an IP address, or can be a name in DNS.
fn is_host(text: &str) -> bool {
    let label =
        |label: &str| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    text.parse::<IpAddr>().is_ok() || text.split('.').all(label)
}

/// The files of a new certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued {
    /// The certificate with its chain.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

impl Authority {
    /// Makes the certificate of a node. `hosts` are names and IP addresses under which other people's clients call it.
    pub fn issue_node(&self, node: u64, hosts: &[String], term: Term, renew: bool) -> Result<Issued, CertsError> {
        if node == 0 {
            return Err(CertsError::Request("0 is no node's number".into()));
        }
        if let Some(host) = hosts.iter().find(|host| !is_host(host)) {
            return Err(CertsError::Request(format!("{host:?} is no name of a host, and no IP address")));
        }
        let name = Name::Node { cluster: self.cluster().to_owned(), node };
        let uses = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        self.issue(&name, &format!("node-{node}"), hosts, uses, term, renew)
    }

    /// Makes the certificate of an operator.
    pub fn issue_operator(&self, name: &str, term: Term, renew: bool) -> Result<Issued, CertsError> {
        if !is_operator_name(name) {
            return Err(CertsError::Request(format!(
                "{name:?} is no name for an operator: use letters, digits, '-', '_' and '.', at most 40"
            )));
        }
        let stem = format!("operator-{name}");
        let name = Name::Operator { cluster: self.cluster().to_owned(), name: name.to_owned() };
        self.issue(&name, &stem, &[], vec![ExtendedKeyUsagePurpose::ClientAuth], term, renew)
    }

    fn issue(
        &self,
        name: &Name,
        stem: &str,
        hosts: &[String],
        uses: Vec<ExtendedKeyUsagePurpose>,
        term: Term,
        renew: bool,
    ) -> Result<Issued, CertsError> {
        let term = self.within(term);
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(hosts.to_vec())?;
        params.subject_alt_names.push(SanType::URI(name.to_string().try_into()?));
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::OrganizationName, self.cluster());
        params.distinguished_name.push(DnType::CommonName, name.words());
        params.not_before = term.not_before;
        params.not_after = term.not_after;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = uses;
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(&key, &self.issuer)?;
        self.write(stem, &certificate.pem(), &key.serialize_pem(), renew)
    }
}
