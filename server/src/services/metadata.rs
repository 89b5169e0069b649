//! Names of gRPC metadata, and what a call says about itself in them.

use std::net::IpAddr;

use lectern_rpc::{Call, Kind};
use tonic::metadata::{Ascii, MetadataMap, MetadataValue};
use tonic::{Request, Status};

use super::client_address::{ForwardingKey, Statement};
use super::errors::{self, reasons};
use super::secrets;
use crate::listener::Origin;

/// `Bearer TOKEN`.
pub const AUTHORIZATION: &str = "authorization";
/// The client's name for one change: the same key gives the same answer.
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// `1` on a call that a node passed on to the leader.
pub const FORWARDED: &str = "lectern-forwarded";
/// On a forwarded call: the address of the client itself, and the forwarding node's proof of it.
pub const CLIENT_ADDRESS: &str = "lectern-client-address";
pub const CLIENT_ADDRESS_PROOF: &str = "lectern-client-address-proof";
/// In responses: the leader's client address, HOST:PORT.
pub const LEADER: &str = "lectern-leader";
/// `stale`: the answer may be old.
pub const CONSISTENCY: &str = "lectern-consistency";
/// In responses to stale reads: how long ago, in milliseconds, this node last heard from the leader.
pub const STALE_MS: &str = "lectern-stale-ms";
/// In refusals of too many attempts: seconds to wait.
pub const RETRY_AFTER: &str = "retry-after";

/// Who calls, as the call's metadata says. Holds no secret: of the token only its id is kept.
#[derive(Clone, Debug)]
pub struct Caller {
    /// BLAKE3 of the token's secret; empty without a token.
    pub token_id: Vec<u8>,
    /// Empty when none was sent.
    pub idempotency_key: String,
    /// Another node passed this call on.
    pub forwarded: bool,
    /// Where the client is: the other end of the connection, or what a node of the cluster proved of a call it passed on.
    pub address: Option<IpAddr>,
    /// A stale answer will do.
    pub stale: bool,
}

impl Caller {
    /// The node itself, on behalf of the token's owner.
    pub fn with_token(token_id: Vec<u8>) -> Self {
        Self { token_id, idempotency_key: String::new(), forwarded: false, address: None, stale: false }
    }

    /// Reads the metadata of a call.
    pub fn of<Q>(request: &Request<Q>) -> Result<Self, Status> {
        let metadata = request.metadata();
        Ok(Self {
            token_id: token_id(metadata)?,
            idempotency_key: idempotency_key(metadata)?,
            forwarded: metadata.contains_key(FORWARDED),
            address: Origin::of(request).address.map(|address| address.ip()),
            stale: text(metadata, CONSISTENCY) == Some("stale"),
        })
    }

    /// Believes what a forwarding node says of the client's address, where it proves it.
    pub fn believe<Q: Call>(&mut self, request: &Request<Q>, key: &ForwardingKey, now_ms: i64) {
        let value = |name| text(request.metadata(), name).map(str::to_owned);
        if let (true, Some(address), Some(proof)) = (self.forwarded, value(CLIENT_ADDRESS), value(CLIENT_ADDRESS_PROOF))
        {
            let proven = key.check(request.get_ref(), &Statement { address, proof }, now_ms);
            self.address = proven.or(self.address);
        }
    }

    /// Refuses a keyed change without a key.
    pub fn require_key(&self, kind: Kind) -> Result<(), Status> {
        if kind == Kind::Keyed && self.idempotency_key.is_empty() {
            return Err(errors::invalid(
                reasons::KEY_REQUIRED,
                "this call changes something and needs an idempotency key: send metadata `idempotency-key` with a fresh \
                 ULID or UUID, and the same one when you repeat the call",
            ));
        }
        Ok(())
    }

    /// Refuses a call without a token.
    pub fn require_token(&self) -> Result<(), Status> {
        if self.token_id.is_empty() {
            return Err(errors::not_signed_in("sign in first: send metadata `authorization: Bearer TOKEN`"));
        }
        Ok(())
    }
}

fn text<'a>(metadata: &'a MetadataMap, name: &str) -> Option<&'a str> {
    metadata.get(name)?.to_str().ok()
}

fn token_id(metadata: &MetadataMap) -> Result<Vec<u8>, Status> {
    let Some(value) = metadata.get(AUTHORIZATION) else { return Ok(Vec::new()) };
    let secret = value.to_str().ok().and_then(|value| {
        let (scheme, secret) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| secret.trim())
    });
    secret.and_then(secrets::token_id).map(|id| id.to_vec()).ok_or_else(|| {
        errors::not_signed_in(
            "metadata `authorization` is not `Bearer TOKEN` with a token of this cluster; sign in again",
        )
    })
}

/// Metadata values are visible ASCII, so a key is UTF-8 by construction; only its length is left to check.
fn idempotency_key(metadata: &MetadataMap) -> Result<String, Status> {
    let Some(value) = metadata.get(IDEMPOTENCY_KEY) else { return Ok(String::new()) };
    let problem = match value.to_str() {
        Err(_) => "is not visible ASCII",
        Ok("") => "is empty",
        Ok(key) if key.len() > lectern_lms::limits::IDEMPOTENCY_KEY_CHARS => "is longer than 100 characters",
        Ok(key) => return Ok(key.to_owned()),
    };
    Err(errors::invalid(
        reasons::KEY_REQUIRED,
        format!("metadata `idempotency-key` {problem}; use a fresh ULID or UUID for each change"),
    ))
}

/// A metadata value, where `text` can be one.
pub fn value(text: &str) -> Option<MetadataValue<Ascii>> {
    MetadataValue::try_from(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(pairs: &[(&'static str, &str)]) -> Request<()> {
        let mut request = Request::new(());
        for (name, text) in pairs {
            request.metadata_mut().insert(*name, value(text).unwrap());
        }
        request
    }

    #[test]
    fn a_token_is_known_by_its_id_only() {
        let token = secrets::new_token().unwrap();
        let caller = Caller::of(&request(&[(AUTHORIZATION, &format!("bearer {}", token.text))])).unwrap();
        assert_eq!(caller.token_id, token.id);
        assert!(!format!("{caller:?}").contains(&token.text));
    }

    #[test]
    fn a_malformed_token_is_refused_and_a_missing_one_is_nobody() {
        for text in ["Basic abc", "Bearer", "Bearer lct_short", "lct_0"] {
            let status = Caller::of(&request(&[(AUTHORIZATION, text)])).unwrap_err();
            assert_eq!(status.code(), tonic::Code::Unauthenticated, "{text}");
        }
        assert!(Caller::of(&request(&[])).unwrap().token_id.is_empty());
    }

    #[test]
    fn only_keyed_changes_need_a_key() {
        let caller = Caller::of(&request(&[])).unwrap();
        assert!(caller.require_key(Kind::Keyed).is_err());
        for kind in [Kind::Read, Kind::Repeatable, Kind::Secret] {
            assert!(caller.require_key(kind).is_ok());
        }
        let caller = Caller::of(&request(&[(IDEMPOTENCY_KEY, "01K4")])).unwrap();
        assert!(caller.require_key(Kind::Keyed).is_ok());
        assert!(Caller::of(&request(&[(IDEMPOTENCY_KEY, &"k".repeat(101))])).is_err());
    }
}
