//! The text of a join token: a secret, and what a node needs to know so that it trusts the right cluster with it.
//!
//! `lcj_SECRET.CLUSTER` or, where the cluster has TLS, `lcj_SECRET.CLUSTER.FINGERPRINT`. The cluster keeps BLAKE3 of the secret
//! only; the fingerprint is the authority's, which nodes show in their chain.

use std::fmt;
use std::str::FromStr;

use lectern_lms::{from_hex, to_hex};
use lectern_tls::Fingerprint;

use crate::services::secrets::NoRandomness;

/// Every token begins like this, so that scanners for leaked secrets can find one.
const PREFIX: &str = "lcj_";
const SECRET_BYTES: usize = 32;

/// See the module. Debug shows nothing of the secret.
#[derive(Clone, PartialEq, Eq)]
pub struct JoinTokenText {
    secret: [u8; SECRET_BYTES],
    /// The cluster to join.
    pub cluster_id: String,
    /// Its authority, where it has one.
    pub authority: Option<Fingerprint>,
}

/// The text is no join token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "this is no join token: one is `lcj_` and some eighty characters, as it was shown when it was made; copy it whole"
)]
pub struct NoJoinToken;

impl JoinTokenText {
    /// A fresh one.
    pub fn new(cluster_id: &str, authority: Option<Fingerprint>) -> Result<Self, NoRandomness> {
        let mut secret = [0; SECRET_BYTES];
        getrandom::fill(&mut secret)?;
        Ok(Self { secret, cluster_id: cluster_id.into(), authority })
    }

    /// What the cluster knows it by.
    pub fn id(&self) -> [u8; blake3::OUT_LEN] {
        *blake3::hash(&self.secret).as_bytes()
    }
}

impl fmt::Display for JoinTokenText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}.{}", to_hex(&self.secret), self.cluster_id)?;
        self.authority.as_ref().map_or(Ok(()), |authority| write!(f, ".{}", authority.digits()))
    }
}

impl fmt::Debug for JoinTokenText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinTokenText").field("cluster_id", &self.cluster_id).finish_non_exhaustive()
    }
}

impl FromStr for JoinTokenText {
    type Err = NoJoinToken;

    fn from_str(text: &str) -> Result<Self, NoJoinToken> {
        let mut parts = text.trim().strip_prefix(PREFIX).ok_or(NoJoinToken)?.split('.');
        let secret = parts.next().and_then(from_hex).and_then(|secret| secret.try_into().ok()).ok_or(NoJoinToken)?;
        let cluster_id = parts.next().filter(|id| lectern_lms::ids::is_id(id)).ok_or(NoJoinToken)?.to_owned();
        let authority = parts.next().map(str::parse).transpose().map_err(|_| NoJoinToken)?;
        if parts.next().is_some() {
            return Err(NoJoinToken);
        }
        Ok(Self { secret, cluster_id, authority })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_survives_being_copied_and_nothing_of_it_is_logged() {
        let cluster = ulid::Ulid::generate().to_string();
        let authority = "ab".repeat(32).parse().unwrap();
        for authority in [None, Some(authority)] {
            let token = JoinTokenText::new(&cluster, authority).unwrap();
            let copied: JoinTokenText = format!(" {token}\n").parse().unwrap();
            assert_eq!((&copied, copied.id()), (&token, token.id()));
            assert!(!format!("{token:?}").contains(&to_hex(&token.secret)));
        }
        assert_ne!(JoinTokenText::new(&cluster, None).unwrap().id(), JoinTokenText::new(&cluster, None).unwrap().id());
    }

    #[test]
    fn what_is_cut_or_something_else_is_no_token() {
        let cluster = ulid::Ulid::generate().to_string();
        let token = JoinTokenText::new(&cluster, Some("ab".repeat(32).parse().unwrap())).unwrap().to_string();
        for text in [
            "",
            "lcj_",
            "lct_00",
            &token[4..],
            &token[..60],
            &token[..75],
            &token[..token.len() - 1],
            &format!("{token}.x"),
        ] {
            assert_eq!(text.parse::<JoinTokenText>(), Err(NoJoinToken), "{text}");
        }
    }
}
