//! The repository's key: random, kept under the passphrase, and never used itself.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use argon2::{Algorithm, Argon2, Params, Version};
use lectern_lms::{from_hex, to_hex};
use ring::aead::Aad;
use serde::{Deserialize, Serialize};

use super::BackupError;
use super::seal::{cipher_of, nonce};
use crate::services::secrets::NoRandomness;

const KEY_BYTES: usize = 32;
/// argon2id with what RFC 9106 recommends where memory is limited; a backup takes it once.
const MEMORY_KIB: u32 = 64 << 10;
const PASSES: u32 = 3;
const LANES: u32 = 4;
/// A file that asks for more than this was not written by this program.
const MAX_MEMORY_KIB: u32 = 1 << 20;
const MAX_PASSES: u32 = 32;
/// A shorter passphrase is guessed.
const MIN_PASSPHRASE_CHARS: usize = 12;

const CONTENT_CONTEXT: &str = "lectern 2026-11 backup: content";
const NAMES_CONTEXT: &str = "lectern 2026-11 backup: names of files";

/// What a passphrase opens. There is no Debug.
pub(super) struct Keys {
    /// Under which files are sealed.
    pub(super) content: [u8; KEY_BYTES],
    names: [u8; KEY_BYTES],
}

/// The repository's key, sealed under a key that argon2id makes of the passphrase.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(super) struct WrappedKey {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    salt: String,
    sealed: String,
}

impl Keys {
    fn derived(master: &[u8; KEY_BYTES]) -> Self {
        Self { content: blake3::derive_key(CONTENT_CONTEXT, master), names: blake3::derive_key(NAMES_CONTEXT, master) }
    }

    /// A fresh key, under `passphrase`; `repository` is authenticated with it.
    pub(super) fn fresh(passphrase: &[u8], repository: &str) -> Result<(Self, WrappedKey), NoRandomness> {
        let (mut master, mut salt) = ([0; KEY_BYTES], [0; KEY_BYTES]);
        getrandom::fill(&mut master)?;
        getrandom::fill(&mut salt)?;
        let wrapping = wrapping_key(passphrase, &salt, MEMORY_KIB, PASSES, LANES).expect("the parameters are argon2's");
        let mut sealed = master.to_vec();
        // The salt is fresh, so that this key seals nothing else.
        cipher_of(&wrapping)
            .seal_in_place_append_tag(nonce(0, true), Aad::from(repository), &mut sealed)
            .expect("a key is short enough to be sealed");
        let wrapped = WrappedKey {
            memory_kib: MEMORY_KIB,
            passes: PASSES,
            lanes: LANES,
            salt: to_hex(&salt),
            sealed: to_hex(&sealed),
        };
        Ok((Self::derived(&master), wrapped))
    }

    /// What `passphrase` opens; `None` when it does not.
    pub(super) fn open(passphrase: &[u8], repository: &str, wrapped: &WrappedKey) -> Option<Self> {
        if wrapped.memory_kib > MAX_MEMORY_KIB || wrapped.passes > MAX_PASSES {
            return None;
        }
        let salt = from_hex(&wrapped.salt)?;
        let wrapping = wrapping_key(passphrase, &salt, wrapped.memory_kib, wrapped.passes, wrapped.lanes)?;
        let mut sealed = from_hex(&wrapped.sealed)?;
        let master = cipher_of(&wrapping).open_in_place(nonce(0, true), Aad::from(repository), &mut sealed).ok()?;
        Some(Self::derived(&(*master).try_into().ok()?))
    }

    /// The name under which content is kept: nobody without the key can tell what it is from it, nor whether it is something
    /// they have.
    pub(super) fn name(&self, digest: &blake3::Hash) -> String {
        blake3::keyed_hash(&self.names, digest.as_bytes()).to_hex().to_string()
    }
}

fn wrapping_key(passphrase: &[u8], salt: &[u8], memory_kib: u32, passes: u32, lanes: u32) -> Option<[u8; KEY_BYTES]> {
    let params = Params::new(memory_kib, passes, lanes, Some(KEY_BYTES)).ok()?;
    let mut key = [0; KEY_BYTES];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params).hash_password_into(passphrase, salt, &mut key).ok()?;
    Some(key)
}

/// The passphrase in a file: its first line.
pub(super) fn read_passphrase(path: &Path) -> Result<Vec<u8>, BackupError> {
    let refuse = |problem: String| BackupError::Passphrase { path: path.to_path_buf(), problem };
    let mode = fs::metadata(path).map_err(|error| refuse(error.to_string()))?.permissions().mode();
    if mode & 0o007 != 0 {
        return Err(refuse(format!("everybody on this machine can read it; `chmod 600 {}`", path.display())));
    }
    let text = fs::read_to_string(path).map_err(|error| refuse(error.to_string()))?;
    let passphrase = text.lines().next().unwrap_or_default();
    if passphrase.chars().count() < MIN_PASSPHRASE_CHARS {
        return Err(refuse(format!(
            "its first line has fewer than {MIN_PASSPHRASE_CHARS} characters; take a longer passphrase"
        )));
    }
    Ok(passphrase.as_bytes().to_vec())
}

/// Writes a fresh passphrase to a file where there is none; whether it did.
pub(super) fn make_passphrase(path: &Path) -> Result<bool, BackupError> {
    let refuse = |problem: String| BackupError::Passphrase { path: path.to_path_buf(), problem };
    let mut file = match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
        Err(error) => return Err(refuse(error.to_string())),
    };
    let mut bytes = [0; KEY_BYTES];
    getrandom::fill(&mut bytes).map_err(NoRandomness::from)?;
    writeln!(file, "{}", to_hex(&bytes)).and_then(|()| file.sync_all()).map_err(|error| refuse(error.to_string()))?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_passphrase_opens_the_key_and_only_for_its_repository() {
        let (keys, wrapped) = Keys::fresh(b"correct horse", "r1").unwrap();
        let opened = Keys::open(b"correct horse", "r1", &wrapped).unwrap();
        assert_eq!((opened.content, opened.names), (keys.content, keys.names));
        assert!(Keys::open(b"correct hors", "r1", &wrapped).is_none());
        assert!(Keys::open(b"correct horse", "r2", &wrapped).is_none());
        let greedy = WrappedKey { memory_kib: MAX_MEMORY_KIB + 1, ..wrapped.clone() };
        assert!(Keys::open(b"correct horse", "r1", &greedy).is_none());
        let broken = WrappedKey { sealed: "abc".into(), ..wrapped };
        assert!(Keys::open(b"correct horse", "r1", &broken).is_none());
    }

    #[test]
    fn names_tell_nothing_to_who_has_another_key() {
        let digest = blake3::hash(b"content");
        let (one, other) = (Keys::derived(&[1; 32]), Keys::derived(&[2; 32]));
        assert_eq!(one.name(&digest), one.name(&digest));
        assert_ne!(one.name(&digest), other.name(&digest));
        assert_ne!(one.name(&digest), digest.to_hex().to_string());
    }

    #[test]
    fn a_passphrase_is_made_once_long_and_for_its_owner_only() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("passphrase");
        assert!(make_passphrase(&path).unwrap());
        let passphrase = read_passphrase(&path).unwrap();
        assert_eq!(passphrase.len(), 2 * KEY_BYTES);
        assert!(!make_passphrase(&path).unwrap());
        assert_eq!(read_passphrase(&path).unwrap(), passphrase);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o604)).unwrap();
        assert!(read_passphrase(&path).unwrap_err().to_string().contains("chmod 600"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, "short\n").unwrap();
        assert!(read_passphrase(&path).unwrap_err().to_string().contains("longer passphrase"));
    }
}
