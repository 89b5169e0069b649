//! One backup: which files, of whom, at which entry.

use lectern_lms::{from_hex, to_hex};
use serde::{Deserialize, Serialize};

use super::BackupError;

/// The format of manifests that this program writes, and the newest it reads.
pub(super) const FORMAT: u32 = 1;

/// What is kept, sealed, in `backups/<id>`.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub(super) struct Manifest {
    pub(super) format: u32,
    /// A ULID: backups sort by the time they were begun.
    pub(super) id: String,
    pub(super) created_at_ms: i64,
    /// The program that made it.
    pub(super) version: String,
    pub(super) cluster_id: String,
    pub(super) epoch: u64,
    pub(super) node: u64,
    /// The disk of that node.
    pub(super) incarnation: String,
    /// The state after this entry …
    pub(super) index: u64,
    /// … of this term.
    pub(super) term: u64,
    /// The hash chain there, in hexadecimal.
    pub(super) chain: String,
    pub(super) feature_level: u32,
    /// Time in the state.
    pub(super) state_time_ms: i64,
    /// A majority confirmed when it was made that nothing acknowledged before is missing.
    pub(super) confirmed: bool,
    pub(super) files: Vec<BackedUpFile>,
    /// Bytes that this backup added to the repository.
    pub(super) added_bytes: u64,
}

/// One file of the state.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub(super) struct BackedUpFile {
    pub(super) name: String,
    pub(super) bytes: u64,
    /// BLAKE3 of its content, in hexadecimal.
    pub(super) digest: String,
    /// When it was last changed, Unix nanoseconds: tells a later backup that it is the same.
    pub(super) modified_ns: i64,
}

impl BackedUpFile {
    /// Its digest, once [`Manifest::parse`] has looked at it.
    pub(super) fn digest(&self) -> blake3::Hash {
        blake3::Hash::from_hex(&self.digest).expect("a manifest is checked when it is read")
    }

    /// Whether a file of that name is never changed once it is written.
    pub(super) fn is_immutable(name: &str) -> bool {
        [".sst", ".blob"].iter().any(|end| name.ends_with(end))
    }
}

impl Manifest {
    /// Bytes of the state's files.
    pub(super) fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// The hash chain.
    pub(super) fn chain(&self) -> Option<[u8; 32]> {
        from_hex(&self.chain)?.try_into().ok()
    }

    /// A hash chain as it is written here.
    pub(super) fn chain_text(chain: &[u8; 32]) -> String {
        to_hex(chain)
    }

    pub(super) fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("strings and numbers are always JSON")
    }

    /// Reads and checks an opened manifest.
    pub(super) fn parse(id: &str, json: &[u8]) -> Result<Self, BackupError> {
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let what = || format!("the manifest of backup {id}");
        let damaged = |why: String| BackupError::Damaged { what: what(), why };
        // The format first: what a newer program writes may look different.
        let Format { format } = serde_json::from_slice(json).map_err(|error| damaged(error.to_string()))?;
        if format > FORMAT {
            return Err(BackupError::Newer { what: what(), version: format!("format {format}") });
        }
        let manifest: Self = serde_json::from_slice(json).map_err(|error| damaged(error.to_string()))?;
        if manifest.id != id {
            return Err(damaged(format!("it is that of backup {}", manifest.id)));
        }
        if manifest.chain().is_none() {
            return Err(damaged("its hash chain is none".into()));
        }
        let wrong = |file: &&BackedUpFile| !is_plain(&file.name) || blake3::Hash::from_hex(&file.digest).is_err();
        match manifest.files.iter().find(wrong) {
            Some(file) => Err(damaged(format!("it names a file {:?}", file.name))),
            None => Ok(manifest),
        }
    }
}

/// A name as RocksDB gives, that leads nowhere else.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('.') && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn sample(id: &str) -> Manifest {
        let digest = blake3::hash(b"content").to_hex().to_string();
        let file = BackedUpFile { name: "000007.sst".into(), bytes: 7, digest, modified_ns: 1_700_000_000_000_000_001 };
        Manifest {
            format: FORMAT,
            id: id.into(),
            created_at_ms: 1_790_000_000_000,
            version: "0.1.0".into(),
            cluster_id: "C".into(),
            epoch: 1,
            node: 2,
            incarnation: "I".into(),
            index: 40,
            term: 3,
            chain: "ab".repeat(32),
            feature_level: 1,
            state_time_ms: 1_790_000_000_000,
            confirmed: true,
            files: vec![file],
            added_bytes: 7,
        }
    }

    #[test]
    fn a_manifest_survives_its_encoding() {
        let manifest = sample("a");
        assert_eq!(Manifest::parse("a", &manifest.to_json()).unwrap(), manifest);
    }

    #[test]
    fn manifests_that_cannot_be_believed_are_refused_with_their_name() {
        let mut elsewhere = sample("a");
        elsewhere.files[0].name = "../../etc/passwd".into();
        let mut no_digest = sample("a");
        no_digest.files[0].digest = "12".into();
        let no_chain = Manifest { chain: "12".into(), ..sample("a") };
        for wrong in
            [elsewhere.to_json(), no_digest.to_json(), no_chain.to_json(), sample("b").to_json(), b"{".to_vec()]
        {
            let problem = Manifest::parse("a", &wrong).unwrap_err().to_string();
            assert!(problem.starts_with("the manifest of backup a is damaged"), "{problem}");
        }
        let newer = Manifest { format: FORMAT + 1, ..sample("a") };
        assert!(matches!(Manifest::parse("a", &newer.to_json()), Err(BackupError::Newer { .. })));
    }
}
