//! The messages of Lectern's contract: `lectern.v1` is public, `lectern.internal.v1` holds the replicated log's
//! commands, the values of the state tables and what nodes say to each other. Messages only: the gRPC stubs are in
//! `lectern-rpc`.

/// The public contract.
#[allow(missing_docs, clippy::all, clippy::pedantic)]
pub mod v1 {
    include!(concat!(env!("OUT_DIR"), "/lectern.v1.rs"));
}

/// Inside the cluster.
#[allow(missing_docs, clippy::all, clippy::pedantic)]
pub mod internal {
    /// Version 1.
    pub mod v1 {
        include!(concat!(env!("OUT_DIR"), "/lectern.internal.v1.rs"));
    }
}

/// Debug of the messages that hold secrets, which shows none of them.
#[allow(clippy::all, clippy::pedantic)]
mod debug {
    include!(concat!(env!("OUT_DIR"), "/debug.rs"));
}

/// The encoded `FileDescriptorSet` of the public package, for server reflection.
pub const V1_DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/lectern_v1_descriptors.bin"));

/// The encoded `FileDescriptorSet` of both packages, for showing messages. Fields that hold a secret, or the hash of one, are
/// marked `debug_redact` there.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/lectern_descriptors.bin"));

/// Size in bytes of every chunk of a file but its last.
pub const CHUNK_BYTES: usize = 256 * 1024;

/// Ten-thousandths of a point: the unit of every score.
pub const POINT: i64 = 10_000;

/// The largest single file, in bytes.
pub const MAX_FILE_BYTES: u64 = 100 * 1024 * 1024;

/// The largest request, in bytes: what is longer goes through an upload.
pub const MAX_REQUEST_BYTES: usize = 4 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_secret_and_everything_else() {
        let secret = || "top-secret".to_owned();
        let bytes = || secret().into_bytes();
        let join = v1::JoinRequest { token: secret(), peer_address: "n4:7601".into(), ..Default::default() };
        let command = internal::v1::ClusterChange {
            operator: "ada".into(),
            kind: Some(internal::v1::cluster_change::Kind::RevokeJoinToken(bytes())),
        };
        let answer = internal::v1::outcome::Result::Response(bytes());
        let shown = [
            format!("{join:?}"),
            format!("{:?}", v1::JoinResponse { cluster_secret: bytes(), node_id: 4, ..Default::default() }),
            format!("{:?}", v1::CreateJoinTokenResponse { token: secret(), ..Default::default() }),
            format!("{:?}", v1::SignInRequest { password: secret(), username: "ada".into(), ..Default::default() }),
            format!("{:?}", v1::ActivateRequest { code: secret(), new_password: secret(), ..Default::default() }),
            format!("{:?}", v1::CreateTokenResponse { token: secret(), ..Default::default() }),
            format!("{command:?}"),
            format!("{:?}", internal::v1::Outcome { result: Some(answer) }),
        ];
        for text in &shown {
            assert!(text.contains("(secret)"), "{text}");
            assert!(!text.contains("top-secret") && !text.contains(&format!("{:?}", bytes())), "{text}");
        }
        assert!(shown[0].contains("JoinRequest") && shown[0].contains("peer_address: \"n4:7601\""), "{}", shown[0]);
        assert!(shown[6].contains("operator: \"ada\"") && shown[6].contains("RevokeJoinToken"), "{}", shown[6]);
    }
}
