//! Secrets the door makes: bearer tokens and one-time codes. The log and the state see their hashes only.

use lectern_lms::{from_hex, to_hex};

/// Every token begins like this, so that scanners for leaked secrets can find one.
const TOKEN_PREFIX: &str = "lct_";
const TOKEN_BYTES: usize = 32;
/// 32 characters, so that each carries 5 bits; none is taken for another one (no 0, 1, I, O).
const CODE_ALPHABET: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
const CODE_GROUPS: usize = 4;
const CODE_GROUP_CHARS: usize = 4;

/// A fresh secret: its text goes to its owner and nowhere else, its id into the log.
pub struct Secret {
    /// What the owner sends or types.
    pub text: String,
    /// BLAKE3 of it.
    pub id: Vec<u8>,
}

/// The system has no random numbers to give.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the system's random source failed: {0}")]
pub struct NoRandomness(#[from] getrandom::Error);

/// A fresh bearer token: `lct_` and 32 random bytes in hexadecimal.
pub fn new_token() -> Result<Secret, NoRandomness> {
    let mut bytes = [0; TOKEN_BYTES];
    getrandom::fill(&mut bytes)?;
    Ok(Secret { text: format!("{TOKEN_PREFIX}{}", to_hex(&bytes)), id: blake3::hash(&bytes).as_bytes().to_vec() })
}

/// The id of the token `text`: BLAKE3 of its 32 bytes. `None` when it is not shaped like one.
pub fn token_id(text: &str) -> Option<[u8; 32]> {
    let bytes = from_hex(text.strip_prefix(TOKEN_PREFIX)?)?;
    (bytes.len() == TOKEN_BYTES).then(|| *blake3::hash(&bytes).as_bytes())
}

/// A fresh one-time code of 80 bits, such as `7KQM-X2PA-94TV-HWNC`.
pub fn new_code() -> Result<Secret, NoRandomness> {
    let mut bytes = [0; CODE_GROUPS * CODE_GROUP_CHARS];
    getrandom::fill(&mut bytes)?;
    let groups: Vec<String> = bytes
        .chunks(CODE_GROUP_CHARS)
        .map(|group| group.iter().map(|byte| char::from(CODE_ALPHABET[usize::from(byte & 31)])).collect())
        .collect();
    let text = groups.join("-");
    let id = code_hash(&text).to_vec();
    Ok(Secret { text, id })
}

/// BLAKE3 of a code's normalised form: case, dashes and spaces make no difference.
pub fn code_hash(text: &str) -> [u8; 32] {
    let normal: String = text.chars().filter(|c| c.is_alphanumeric()).map(|c| c.to_ascii_uppercase()).collect();
    *blake3::hash(normal.as_bytes()).as_bytes()
}

/// Fresh bytes from which the nodes derive a key that signs receipts.
pub fn new_salt() -> Result<Vec<u8>, NoRandomness> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    Ok(bytes.to_vec())
}

/// A fresh ULID for ids made in apply, at `now_ms`.
pub fn new_id_seed(now_ms: i64) -> Result<String, NoRandomness> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)?;
    let time = u64::try_from(now_ms).unwrap_or(0);
    Ok(ulid::Ulid::from_parts(time, u128::from_be_bytes(bytes)).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_found_again_by_its_text() {
        let token = new_token().unwrap();
        assert_eq!(token.text.len(), 4 + 64);
        assert_eq!(token_id(&token.text).unwrap().to_vec(), token.id);
        assert_ne!(new_token().unwrap().text, token.text);
    }

    #[test]
    fn what_is_not_a_token_has_no_id() {
        let token = new_token().unwrap().text;
        for text in ["", "lct_", "lct_zz", &token[4..], &token[..token.len() - 2], &format!("{token}00")] {
            assert!(token_id(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_code_may_be_typed_in_any_case_and_without_dashes() {
        let code = new_code().unwrap();
        assert_eq!(code.text.len(), 19);
        assert!(code.text.split('-').all(|group| group.len() == 4));
        assert!(code.text.bytes().all(|byte| byte == b'-' || CODE_ALPHABET.contains(&byte)));
        let typed = format!(" {} ", code.text.to_lowercase().replace('-', " "));
        assert_eq!(code_hash(&typed).to_vec(), code.id);
        assert_ne!(code_hash(&new_code().unwrap().text).to_vec(), code.id);
    }

    #[test]
    fn an_id_seed_is_a_ulid_of_its_time() {
        let seed = new_id_seed(1_788_264_000_000).unwrap();
        assert!(lectern_lms::ids::is_id(&seed), "{seed}");
        assert!(seed.as_str() < new_id_seed(1_788_264_000_001).unwrap().as_str());
    }
}
