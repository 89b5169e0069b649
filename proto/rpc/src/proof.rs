//! Statements about a call that its receiver believes because they were made with a key that few have.
//!
//! Anyone can send metadata, so the word of an address counts for nothing. What is believed is a *proof*: a keyed BLAKE3 over
//! subject, time, method and request. It is of use for that very call alone, and for a minute. The key itself does not travel.
//!
//! Two things are stated so:
//! - by a node that passes a call on: where its client is, or which operator's certificate it saw;
//! - by an operator of a cluster without TLS: their name, with the key that lies in each node's data directory. Who can read a
//!   node's files is an operator.

use subtle::ConstantTimeEq as _;

use crate::Call;

/// Metadata: the operator who calls, by name.
pub const OPERATOR: &str = "lectern-operator";
/// Metadata: the proof of it, for the subject that [`operator`] makes.
pub const OPERATOR_PROOF: &str = "lectern-operator-proof";
/// The file in a node's data directory that holds the key for it, in hexadecimal.
pub const OPERATOR_KEY_FILE: &str = "operator.key";

/// How far the clocks of two machines, and the way between them, may lie apart.
const MAX_AGE_MS: i64 = 60_000;

/// The subject of a statement about an operator.
#[must_use]
pub fn operator(name: &str) -> String {
    format!("operator:{name}")
}

/// What statements are proven with. Debug shows nothing of it.
#[derive(Clone)]
pub struct Prover([u8; blake3::KEY_LEN]);

impl Prover {
    /// With this key.
    #[must_use]
    pub fn new(key: [u8; blake3::KEY_LEN]) -> Self {
        Self(key)
    }

    /// With the key in a file's text: 64 hexadecimal digits.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        Some(Self(*blake3::Hash::from_hex(text.trim()).ok()?.as_bytes()))
    }

    /// The key as a file's text.
    #[must_use]
    pub fn to_hex(&self) -> String {
        blake3::Hash::from_bytes(self.0).to_hex().to_string()
    }

    /// The proof of a statement about a call that is made now: milliseconds, a dot, 64 hexadecimal digits.
    #[must_use]
    pub fn prove<Q: Call>(&self, request: &Q, subject: &str, now_ms: i64) -> String {
        format!("{now_ms}.{}", self.code(request, subject, now_ms).to_hex())
    }

    /// Whether the proof was made with this key, of this subject, for this call, and just now.
    #[must_use]
    pub fn check<Q: Call>(&self, request: &Q, subject: &str, proof: &str, now_ms: i64) -> bool {
        let Some((time, code)) = proof.split_once('.') else { return false };
        let (Ok(at_ms), Ok(code)) = (time.parse::<i64>(), blake3::Hash::from_hex(code)) else { return false };
        let fresh = now_ms.abs_diff(at_ms) <= MAX_AGE_MS.unsigned_abs();
        let expected = self.code(request, subject, at_ms);
        fresh && bool::from(expected.as_bytes().ct_eq(code.as_bytes()))
    }

    fn code<Q: Call>(&self, request: &Q, subject: &str, at_ms: i64) -> blake3::Hash {
        let request = blake3::hash(&request.encode_to_vec());
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(&at_ms.to_be_bytes());
        for part in [subject.as_bytes(), Q::PATH.as_bytes(), request.as_bytes()] {
            hasher.update(&(part.len() as u64).to_be_bytes()).update(part);
        }
        hasher.finalize()
    }
}

impl std::fmt::Debug for Prover {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Prover")
    }
}

#[cfg(test)]
mod tests {
    use lectern_proto::v1::{ActivateRequest, SignInRequest};

    use super::*;

    const NOW: i64 = 1_800_000_000_000;

    fn sign_in(username: &str) -> SignInRequest {
        SignInRequest { username: username.into(), ..SignInRequest::default() }
    }

    #[test]
    fn who_has_the_key_is_believed_for_a_minute() {
        let prover = Prover::new([7; 32]);
        let again = Prover::from_hex(&format!("{}\n", prover.to_hex())).unwrap();
        let proof = again.prove(&sign_in("ada"), "192.0.2.7", NOW);
        for age in [0, MAX_AGE_MS, -MAX_AGE_MS] {
            assert!(prover.check(&sign_in("ada"), "192.0.2.7", &proof, NOW + age));
        }
        for age in [MAX_AGE_MS + 1, -MAX_AGE_MS - 1] {
            assert!(!prover.check(&sign_in("ada"), "192.0.2.7", &proof, NOW + age));
        }
        assert!(Prover::from_hex("abc").is_none());
    }

    #[test]
    fn a_proof_is_for_one_call_of_one_subject_with_one_key() {
        let prover = Prover::new([7; 32]);
        let subject = operator("ada");
        let proof = prover.prove(&sign_in("ada"), &subject, NOW);
        assert!(prover.check(&sign_in("ada"), &subject, &proof, NOW));
        assert!(!prover.check(&sign_in("bob"), &subject, &proof, NOW));
        let activate = ActivateRequest { username: "ada".into(), ..ActivateRequest::default() };
        assert!(!prover.check(&activate, &subject, &proof, NOW));
        assert!(!prover.check(&sign_in("ada"), &operator("bob"), &proof, NOW));
        assert!(!Prover::new([8; 32]).check(&sign_in("ada"), &subject, &proof, NOW));
        for forged in ["", "1", ".", "x.y", &format!("{NOW}."), &format!("{NOW}.{}", "0".repeat(64))] {
            assert!(!prover.check(&sign_in("ada"), &subject, forged, NOW), "{forged}");
        }
    }
}
