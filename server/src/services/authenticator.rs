//! Who somebody is, by what they know: passwords now, directories and identity providers later.

use lectern_lms::auth;
use tonic::Status;

use super::passwords::Passwords;
use super::read::look;
use crate::node::Node;

/// A person whose proof was found right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The account.
    pub user_id: String,
    /// Version of the password that was verified: apply refuses when it has changed since.
    pub password_version: u64,
}

/// Judges a username and what its owner knows.
#[tonic::async_trait]
pub trait Authenticator: Send + Sync {
    /// `None` when they do not belong together, whether the username exists or not, and in the same time.
    async fn authenticate(&self, username: &str, proof: String) -> Result<Option<Identity>, Status>;
}

/// Passwords kept in the replicated state as argon2id hashes.
pub struct ByPassword {
    /// Where the state is.
    pub node: Node,
    /// Where they are verified.
    pub passwords: Passwords,
}

#[tonic::async_trait]
impl Authenticator for ByPassword {
    async fn authenticate(&self, username: &str, proof: String) -> Result<Option<Identity>, Status> {
        let username = username.to_owned();
        let record = look(&self.node, move |store, _| Ok(auth::credentials(store, &username)?)).await?;
        let known = record.filter(|record| !record.password_hash.is_empty());
        let hash = known.as_ref().map(|record| record.password_hash.clone());
        if !self.passwords.verify(proof, hash).await? {
            return Ok(None);
        }
        Ok(known.map(|record| Identity {
            user_id: record.user.unwrap_or_default().user_id,
            password_version: record.password_version,
        }))
    }
}
