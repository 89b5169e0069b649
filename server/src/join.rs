//! Joining a cluster: an empty data directory becomes a node of it.
//!
//! Each step may be interrupted and repeated, and the number is the same: who the node says it is (its incarnation) is on its disk
//! before anybody is asked, and the cluster gives one number to each. The log is founded last: from then on the directory belongs
//! to that node, and starting it needs no token.

use std::fmt;
use std::net::ToSocketAddrs;
use std::path::Path;
use std::time::{Duration, Instant};

use lectern_proto::v1::{JoinRequest, JoinResponse};
use lectern_raft::{Identity, OpenError};
use lectern_rpc::v1::membership_service_client::MembershipServiceClient;
use lectern_tls::{Connector, ProgramTls, Trust};
use tonic::transport::Endpoint;
use tonic::{Code, Status};

use crate::belonging::{Joined, JoinedMember};
use crate::config::Config;
use crate::join_token::{JoinTokenText, NoJoinToken};
use crate::node::features;
use crate::peer;
use crate::store::{Caches, DataDir, DiskProblem, NodeDisk};
use crate::tls::Tls;

const CONNECT_DEADLINE: Duration = Duration::from_secs(5);
const CALL_DEADLINE: Duration = Duration::from_secs(30);
/// A cluster that is just electing a leader is waited for.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(300);
/// What keeps it from joining is told when it changes, and this often.
const TELL_EVERY: Duration = Duration::from_secs(10);

/// What an operator gave a node to join with. Debug shows nothing of the token.
#[derive(Clone)]
pub struct Invitation {
    /// The join token's text, or `@` and the file that holds it.
    pub token: String,
    /// Client addresses of nodes of the cluster, HOST:PORT.
    pub contacts: Vec<String>,
}

impl fmt::Debug for Invitation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Invitation").field("contacts", &self.contacts).finish_non_exhaustive()
    }
}

/// The node did not join: what is wrong and what to do.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// The token's text.
    #[error(transparent)]
    Token(#[from] NoJoinToken),
    /// The token's file.
    #[error("cannot read the join token from {path}: {source}")]
    TokenFile {
        /// Which file.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The node's disk.
    #[error(transparent)]
    Disk(#[from] DiskProblem),
    /// The token and the configuration do not fit together.
    #[error("{0}")]
    Configuration(String),
    /// No random numbers.
    #[error(transparent)]
    Random(#[from] crate::services::secrets::NoRandomness),
    /// The cluster refused.
    #[error("{contact} did not let this node join: {problem}")]
    Refused {
        /// Who was called.
        contact: String,
        /// What it said.
        problem: String,
    },
}

/// Lets the node of this data directory join, unless it belongs to a cluster already; who it is.
pub async fn join(config: &Config, invitation: &Invitation) -> Result<Identity, JoinError> {
    let disk = NodeDisk::open(&config.data_dir, &Caches::new(8 << 20, 8 << 20))?;
    if let Some(identity) = disk.identity {
        return Ok(identity);
    }
    let token = invitation.token()?;
    check_security(config, &token, &invitation.contacts)?;
    let request = JoinRequest {
        token: token.to_string(),
        incarnation: incarnation(&disk.data)?,
        client_address: config.client_address().into(),
        peer_address: config.peer_address().into(),
        version: env!("CARGO_PKG_VERSION").into(),
        max_feature_level: features::newest(),
    };
    let response = ask(&invitation.contacts, &token, &request).await?;
    let identity = found(&disk, request.incarnation, response)?;
    tracing::info!(node = identity.node, cluster = identity.cluster_id, "joined a cluster");
    Ok(identity)
}

/// With TLS a node needs a certificate that names its number, which it only has since it joined.
pub fn require_certificate(config: &Config, identity: &Identity) -> Result<(), JoinError> {
    let Some(files) = &config.tls else { return Ok(()) };
    let node = identity.node;
    let loaded = Tls::load(files.paths());
    let Err(problem) = loaded.and_then(|tls| tls.require_owner(&identity.cluster_id, node)) else { return Ok(()) };
    let host = config.peer_address().rsplit_once(':').map_or("HOST", |(host, _)| host);
    Err(JoinError::Configuration(format!(
        "this is node {node} of cluster {} now, and needs a certificate that says so before it can start ({problem}). Where the \
         authority's folder is, run\n  lectern-server certs node --dir certs --node {node} --host {host}\nput what it makes in place as {} \
         and {}, and start this node again with the same command",
        identity.cluster_id,
        files.cert.display(),
        files.key.display()
    )))
}

impl Invitation {
    fn token(&self) -> Result<JoinTokenText, JoinError> {
        let text = match self.token.strip_prefix('@') {
            None => self.token.clone(),
            Some(path) => std::fs::read_to_string(path)
                .map_err(|source| JoinError::TokenFile { path: path.to_owned(), source })?,
        };
        Ok(text.parse()?)
    }
}

/// The token must not travel where others read along, nor the node be of a cluster that it cannot talk to.
fn check_security(config: &Config, token: &JoinTokenText, contacts: &[String]) -> Result<(), JoinError> {
    let refuse = |problem: String| Err(JoinError::Configuration(problem));
    match (&token.authority, &config.tls) {
        (Some(_), None) => {
            return refuse(
                "the cluster has TLS, and this node has none: give it [tls] with the files it will use".into(),
            );
        }
        (None, Some(_)) => {
            return refuse("this node has [tls], and the cluster has none: give it to all nodes or to none".into());
        }
        _ => {}
    }
    for contact in contacts {
        let found: Vec<_> = contact
            .to_socket_addrs()
            .map_err(|problem| JoinError::Configuration(format!("cannot find {contact}: {problem}; give HOST:PORT")))?
            .collect();
        if token.authority.is_none() && !found.iter().all(|address| address.ip().is_loopback()) {
            return refuse(format!(
                "{contact} is another machine, and without TLS the token would travel in the clear"
            ));
        }
    }
    Ok(())
}

/// Who this node says it is: made once, and durable before anybody hears it.
fn incarnation(data: &DataDir) -> Result<String, DiskProblem> {
    let path = data.joining();
    if let Ok(text) = std::fs::read_to_string(&path)
        && lectern_lms::ids::is_id(text.trim())
    {
        return Ok(text.trim().to_owned());
    }
    let fresh = ulid::Ulid::generate().to_string();
    data.write_file(&path, fresh.as_bytes())?;
    Ok(fresh)
}

/// Asks one contact after the other until one answers; a cluster without a leader gets some time.
async fn ask(contacts: &[String], token: &JoinTokenText, request: &JoinRequest) -> Result<JoinResponse, JoinError> {
    let deadline = Instant::now() + PATIENCE;
    let mut told: Option<(String, Instant)> = None;
    for contact in contacts.iter().cycle() {
        match call(contact, token, request).await {
            Ok(response) if response.cluster_id == token.cluster_id && response.node_id > 0 => return Ok(response),
            Ok(response) => {
                let problem = format!("it belongs to cluster {}; call a node of the token's", response.cluster_id);
                return Err(JoinError::Refused { contact: contact.clone(), problem });
            }
            Err(status) if status.code() == Code::Unavailable && Instant::now() < deadline => {
                let problem = status.message();
                // The same three times a second says no more than once in a while.
                if told.as_ref().is_none_or(|(before, at)| before != problem || at.elapsed() >= TELL_EVERY) {
                    tracing::info!(contact, problem, "cannot join yet");
                    told = Some((problem.to_owned(), Instant::now()));
                }
                tokio::time::sleep(PAUSE).await;
            }
            Err(status) => {
                let problem = status.message().to_owned();
                return Err(JoinError::Refused { contact: contact.clone(), problem });
            }
        }
    }
    Err(JoinError::Configuration(
        "say whom to ask: --contact HOST:PORT, where a node of the cluster serves clients".into(),
    ))
}

async fn call(contact: &str, token: &JoinTokenText, request: &JoinRequest) -> Result<JoinResponse, Status> {
    let trust = token.authority.map_or(Trust::Loopback, Trust::Fingerprint);
    let connector = match ProgramTls::new(&trust, None) {
        Some(tls) => Connector::tls(move || tls.config()),
        None => Connector::clear(),
    };
    let unreachable = |error: tonic::transport::Error| peer::described(&error, Code::Unavailable);
    let endpoint = Endpoint::from_shared(format!("http://{contact}")).map_err(unreachable)?;
    let endpoint = endpoint.connect_timeout(CONNECT_DEADLINE).timeout(CALL_DEADLINE);
    let channel = endpoint.connect_with_connector(connector).await.map_err(unreachable)?;
    let joined = MembershipServiceClient::new(channel).join(request.clone()).await;
    joined.map(tonic::Response::into_inner).map_err(|status| peer::described(&status, status.code()))
}

/// Makes the directory a node's: what it was told, and then, at once, its log.
fn found(disk: &NodeDisk, incarnation: String, response: JoinResponse) -> Result<Identity, DiskProblem> {
    let JoinResponse { node_id: node, cluster_id, epoch, members, cluster_secret, .. } = response;
    let members = members.into_iter().map(|member| JoinedMember {
        node: member.node_id,
        peer_address: member.peer_address,
        client_address: member.client_address,
    });
    let joined = Joined::new(cluster_id.clone(), node, members.collect(), &cluster_secret);
    disk.data.write_file(&disk.data.joined(), joined.to_json().as_bytes())?;
    let identity = Identity { cluster_id, epoch, node, incarnation };
    match lectern_raft::found(&disk.log, &identity, &[]) {
        Ok(()) => {}
        Err(error) => return Err(OpenError::into(error)),
    }
    // What is left of it means nothing any more.
    let _left = std::fs::remove_file(disk.data.joining());
    Ok(identity)
}

/// Whether a data directory holds a node already.
pub fn is_founded(data_dir: &Path) -> Result<Option<Identity>, JoinError> {
    if !data_dir.join("log").is_dir() {
        return Ok(None);
    }
    Ok(NodeDisk::open(data_dir, &Caches::new(8 << 20, 8 << 20))?.identity)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(data: &Path, more: &str) -> Config {
        let listen = "client_listen = \"127.0.0.1:1\"\npeer_listen = \"127.0.0.1:2\"";
        toml::from_str(&format!("data_dir = \"{}\"\n{listen}\n{more}", data.display())).unwrap()
    }

    fn token(authority: bool) -> JoinTokenText {
        let authority = authority.then(|| "ab".repeat(32).parse().unwrap());
        JoinTokenText::new(&ulid::Ulid::generate().to_string(), authority).unwrap()
    }

    #[test]
    fn who_a_node_says_it_is_outlives_a_crash_and_is_its_own() {
        let temp = tempfile::tempdir().unwrap();
        let data = DataDir::lock(temp.path()).unwrap();
        let first = incarnation(&data).unwrap();
        assert_eq!(incarnation(&data).unwrap(), first);
        std::fs::write(data.joining(), "torn").unwrap();
        assert_ne!(incarnation(&data).unwrap(), first);
    }

    #[test]
    fn a_directory_belongs_to_the_node_once_its_log_is_founded() {
        let temp = tempfile::tempdir().unwrap();
        let disk = NodeDisk::open(temp.path(), &Caches::new(8 << 20, 8 << 20)).unwrap();
        let incarnation = incarnation(&disk.data).unwrap();
        let response = JoinResponse {
            node_id: 4,
            cluster_id: "c".into(),
            epoch: 3,
            cluster_secret: vec![7; 32],
            ..JoinResponse::default()
        };
        let identity = found(&disk, incarnation.clone(), response).unwrap();
        assert_eq!(identity, Identity { cluster_id: "c".into(), epoch: 3, node: 4, incarnation });
        assert!(!disk.data.joining().exists());
        drop(disk);
        assert_eq!(is_founded(temp.path()).unwrap(), Some(identity));
    }

    #[test]
    fn a_token_does_not_travel_in_the_clear_nor_to_a_cluster_that_speaks_otherwise() {
        let temp = tempfile::tempdir().unwrap();
        let clear = config(temp.path(), "");
        let secured = config(temp.path(), "[tls]\ncert = \"a\"\nkey = \"b\"\nca = \"c\"");
        let check = |config: &Config, authority, contact: &str| {
            check_security(config, &token(authority), &[contact.to_owned()]).map_err(|error| error.to_string())
        };
        assert_eq!(check(&clear, false, "127.0.0.1:7600"), Ok(()));
        assert_eq!(check(&secured, true, "192.0.2.1:7600"), Ok(()));
        assert!(check(&clear, false, "192.0.2.1:7600").unwrap_err().contains("in the clear"));
        assert!(check(&clear, true, "127.0.0.1:7600").unwrap_err().contains("this node has none"));
        assert!(check(&secured, false, "127.0.0.1:7600").unwrap_err().contains("the cluster has none"));
        assert!(check(&clear, false, "nonsense").unwrap_err().contains("HOST:PORT"));
    }

    #[test]
    fn a_node_without_its_certificate_is_told_how_to_make_one() {
        let temp = tempfile::tempdir().unwrap();
        let secured =
            config(temp.path(), "[tls]\ncert = \"/nowhere/n.pem\"\nkey = \"/nowhere/n.key\"\nca = \"/nowhere/ca\"");
        let identity = Identity { cluster_id: "c".into(), epoch: 1, node: 4, incarnation: "i".into() };
        let told = require_certificate(&secured, &identity).unwrap_err().to_string();
        for part in ["node 4 of cluster c", "certs node --dir certs --node 4 --host 127.0.0.1", "/nowhere/n.key"] {
            assert!(told.contains(part), "{told}");
        }
        assert!(require_certificate(&config(temp.path(), ""), &identity).is_ok());
    }

    #[test]
    fn an_invitation_in_a_log_is_of_use_to_nobody() {
        let invitation = Invitation { token: token(true).to_string(), contacts: vec!["n1:7600".into()] };
        let shown = format!("{invitation:?}");
        assert!(shown.contains("n1:7600") && !shown.contains("lcj_"), "{shown}");
    }

    #[test]
    fn a_token_may_lie_in_a_file() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("token");
        let token = token(false);
        std::fs::write(&path, format!("{token}\n")).unwrap();
        let invitation = |text: String| Invitation { token: text, contacts: Vec::new() };
        assert_eq!(invitation(format!("@{}", path.display())).token().unwrap(), token);
        assert_eq!(invitation(token.to_string()).token().unwrap(), token);
        assert!(matches!(invitation("@/nowhere".into()).token(), Err(JoinError::TokenFile { .. })));
    }
}
