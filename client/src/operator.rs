//! An operator of a cluster without certificates: known by the key that lies in the data directory of each node. Who can read
//! a node's files is an operator.

use std::io::ErrorKind;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use lectern_rpc::Call;
use lectern_rpc::proof::{OPERATOR, OPERATOR_KEY_FILE, OPERATOR_PROOF, Prover, operator};
use lectern_tls::is_operator_name;
use tonic::metadata::{Ascii, MetadataMap, MetadataValue};

use crate::ClientError;
use crate::local::read_regular;

/// A file that is larger holds no key.
const MAX_KEY_FILE_BYTES: u64 = 1 << 10;

/// The name of an operator and the key that proves each of their calls. The key itself is never sent.
#[derive(Clone, Debug)]
pub struct OperatorKey {
    name: String,
    sent_name: MetadataValue<Ascii>,
    prover: Prover,
}

impl OperatorKey {
    /// Reads the key from a file, or from the data directory of a node. `name` is written into the cluster's history of
    /// changes.
    pub fn load(path: &Path, name: &str) -> Result<Self, ClientError> {
        let file = if path.is_dir() { path.join(OPERATOR_KEY_FILE) } else { path.to_owned() };
        let text = read_regular(&file, MAX_KEY_FILE_BYTES).map_err(|error| match error {
            ClientError::Io { source, .. } if source.kind() == ErrorKind::NotFound => ClientError::local_file(format!(
                "there is no operator's key at {} (--operator-key, LECTERN_OPERATOR_KEY); name the data directory of a node that is \
                 there, or its {OPERATOR_KEY_FILE}",
                path.display()
            )),
            other => other,
        })?;
        let prover = std::str::from_utf8(&text).ok().and_then(Prover::from_hex).ok_or_else(|| {
            ClientError::local_file(format!(
                "{} holds no operator's key; name the {OPERATOR_KEY_FILE} in the data directory of a node",
                file.display()
            ))
        })?;
        let no_name = || {
            let message = format!("`{name}` is no name for an operator: use small letters, digits, dots and dashes");
            ClientError::usage(message)
        };
        let sent_name = MetadataValue::try_from(name).ok().filter(|_| is_operator_name(name)).ok_or_else(no_name)?;
        Ok(Self { name: name.to_owned(), sent_name, prover })
    }

    /// What the operator is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// States who makes this call, and proves it.
    pub(crate) fn sign<Q: Call>(&self, request: &Q, metadata: &mut MetadataMap) {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now_ms = i64::try_from(since.as_millis()).unwrap_or(i64::MAX);
        let proof = self.prover.prove(request, &operator(&self.name), now_ms);
        // Digits, a dot and hexadecimal digits are a value.
        if let Ok(mut proof) = MetadataValue::try_from(proof) {
            proof.set_sensitive(true);
            metadata.insert(OPERATOR_PROOF, proof);
            metadata.insert(OPERATOR, self.sent_name.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use lectern_proto::v1::RemoveNodeRequest;

    use super::*;

    #[test]
    fn the_key_in_a_nodes_data_proves_a_call_and_is_not_sent() {
        let data = tempfile::tempdir().unwrap();
        let prover = Prover::new([7; 32]);
        std::fs::write(data.path().join(OPERATOR_KEY_FILE), format!("{}\n", prover.to_hex())).unwrap();
        let request = RemoveNodeRequest { node_id: 3, only_ask: false };
        for path in [data.path().to_owned(), data.path().join(OPERATOR_KEY_FILE)] {
            let key = OperatorKey::load(&path, "ada").unwrap();
            let mut metadata = MetadataMap::new();
            key.sign(&request, &mut metadata);
            assert_eq!(metadata.get(OPERATOR).unwrap(), "ada");
            let proof = metadata.get(OPERATOR_PROOF).unwrap().to_str().unwrap();
            let at_ms: i64 = proof.split_once('.').unwrap().0.parse().unwrap();
            assert!(prover.check(&request, &operator("ada"), proof, at_ms));
            assert!(!proof.contains(&prover.to_hex()) && !format!("{key:?}").contains("07"));
        }
    }

    #[test]
    fn what_is_no_key_and_what_is_no_name_are_told() {
        let data = tempfile::tempdir().unwrap();
        let file = data.path().join(OPERATOR_KEY_FILE);
        let missing = OperatorKey::load(data.path(), "ada").unwrap_err();
        assert!(missing.to_string().contains(OPERATOR_KEY_FILE), "{missing}");
        let gone = OperatorKey::load(&data.path().join("gone"), "ada").unwrap_err();
        assert!(gone.to_string().contains("LECTERN_OPERATOR_KEY") && gone.advice().is_empty(), "{gone}");
        std::fs::write(&file, "swordfish").unwrap();
        assert_eq!(OperatorKey::load(&file, "ada").unwrap_err().reason(), "LOCAL_FILE");
        std::fs::write(&file, Prover::new([1; 32]).to_hex()).unwrap();
        for wrong in ["", "a\nb", "ada l", "zoë"] {
            assert_eq!(OperatorKey::load(&file, wrong).unwrap_err().reason(), "USAGE", "{wrong:?}");
        }
    }
}
