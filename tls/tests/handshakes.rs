//! Who takes whom: every rule of the crate's table, over real sockets.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use lectern_certs::{Authority, Issued, Term};
use lectern_tls::{
    Accepts, Connector, Fingerprint, Material, MaterialError, Name, OwnCertificate, Paths, Problem, ProgramTls,
    ServerConfig, Trust, Untrusted,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

const PATIENCE: Duration = Duration::from_secs(10);
const HELLO: &[u8] = b"hello";

/// A cluster's authority in a folder of its own.
struct Cluster {
    dir: tempfile::TempDir,
    id: &'static str,
}

impl Cluster {
    fn found(id: &'static str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        Authority::found(dir.path(), id, Term::days(10)).unwrap();
        Self { dir, id }
    }

    fn authority(&self) -> Authority {
        Authority::open(self.dir.path()).unwrap()
    }

    fn ca(&self) -> PathBuf {
        self.dir.path().join("ca.pem")
    }

    fn paths(&self, issued: Issued) -> Paths {
        Paths { certificate: issued.certificate, key: issued.key, authorities: vec![self.ca()] }
    }

    fn node(&self, node: u64) -> Material {
        self.node_for(node, Term::days(1))
    }

    fn node_for(&self, node: u64, term: Term) -> Material {
        let issued = self.authority().issue_node(node, &["127.0.0.1".into()], term, false).unwrap();
        Material::load(&self.paths(issued)).unwrap()
    }

    fn operator(&self, name: &str, term: Term) -> OwnCertificate {
        let issued = self.authority().issue_operator(name, term, false).unwrap();
        OwnCertificate::load(&issued.certificate, &issued.key).unwrap()
    }

    fn pinned(&self) -> Trust {
        Trust::Fingerprint(self.authority().fingerprint())
    }

    fn trusted(&self) -> Trust {
        Trust::from_file(&self.ca()).unwrap()
    }

    fn name(&self, node: u64) -> Name {
        Name::Node { cluster: self.id.into(), node }
    }
}

fn program(trust: &Trust, identity: Option<&OwnCertificate>) -> Connector {
    let tls = ProgramTls::new(trust, identity).unwrap();
    Connector::tls(move || tls.config())
}

fn dialer(material: &Material, toward: u64) -> Connector {
    let material = material.clone();
    Connector::tls(move || material.client_config(toward))
}

/// Connects once; what the caller found, and whom the listener took it for.
async fn meet(listen: Arc<ServerConfig>, connector: Connector) -> (Result<(), Problem>, Result<Option<Name>, Problem>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let answering = tokio::spawn(async move {
        let (tcp, _) = listener.accept().await.unwrap();
        let mut tls =
            TlsAcceptor::from(listen).accept(tcp).await.map_err(|error| Problem::in_error(&error).unwrap())?;
        let shown = tls.get_ref().1.peer_certificates().map(|shown| Name::of(&shown[0]).unwrap());
        tls.write_all(HELLO).await.unwrap();
        tls.shutdown().await.unwrap();
        Ok(shown)
    });
    let called = async {
        let mut stream = connector.connect("127.0.0.1", port).await?;
        let mut said = Vec::new();
        stream.read_to_end(&mut said).await?;
        assert_eq!(said, HELLO);
        Ok(())
    };
    let called: std::io::Result<()> = tokio::time::timeout(PATIENCE, called).await.unwrap();
    let called = called.map_err(|error| Problem::in_error(&error).unwrap_or_else(|| panic!("{error}")));
    (called, answering.await.unwrap())
}

#[tokio::test]
async fn a_program_reaches_a_node_of_the_authority_it_was_told() {
    let cluster = Cluster::found("C1");
    let node = cluster.node(1);
    for trust in [cluster.pinned(), cluster.trusted()] {
        let met = meet(node.server_config(Accepts::Everybody), program(&trust, None)).await;
        assert_eq!(met, (Ok(()), Ok(None)));
    }
}

#[tokio::test]
async fn another_fingerprint_is_told_with_the_one_that_was_found() {
    let (cluster, other) = (Cluster::found("C1"), Cluster::found("C1"));
    let (expected, found) = (other.authority().fingerprint(), cluster.authority().fingerprint());
    let met = meet(cluster.node(1).server_config(Accepts::Everybody), program(&other.pinned(), None)).await;
    let problem = met.0.unwrap_err();
    assert_eq!(problem, Problem::Untrusted(Untrusted::OtherFingerprint { expected, found: vec![found] }));
    let words = problem.to_string();
    assert!(words.contains(&expected.to_string()) && words.contains(&found.to_string()), "{words}");
    assert!(matches!(met.1, Err(Problem::NotAccepted(_))), "{:?}", met.1);
}

#[tokio::test]
async fn another_authority_is_not_trusted_even_when_it_shows_the_right_one() {
    let (cluster, other) = (Cluster::found("C1"), Cluster::found("C1"));
    let met = meet(cluster.node(1).server_config(Accepts::Everybody), program(&other.trusted(), None)).await;
    assert_eq!(met.0, Err(Problem::Untrusted(Untrusted::UnknownAuthority)));
    // The authority's certificate is public: an impostor appends it to a chain that it did not sign.
    let issued = cluster.authority().issue_node(2, &[], Term::days(1), false).unwrap();
    let forged = std::fs::read_to_string(&issued.certificate).unwrap() + &std::fs::read_to_string(other.ca()).unwrap();
    std::fs::write(&issued.certificate, forged).unwrap();
    let impostor = Material::load(&cluster.paths(issued)).unwrap();
    let met = meet(impostor.server_config(Accepts::Everybody), program(&other.pinned(), None)).await;
    assert_eq!(met.0, Err(Problem::Untrusted(Untrusted::UnknownAuthority)));
}

#[tokio::test]
async fn an_expired_certificate_is_refused_on_both_sides() {
    let cluster = Cluster::found("C1");
    let issued = cluster.authority().issue_node(1, &[], Term::seconds(-100, -10), false).unwrap();
    let error = Material::load(&cluster.paths(issued)).unwrap_err();
    assert!(matches!(error, MaterialError::Unacceptable { reason: Untrusted::Expired { .. }, .. }), "{error}");
    // One that expires while the node runs.
    let soon = cluster.node_for(2, Term::seconds(-100, 2));
    let listen = soon.server_config(Accepts::Everybody);
    let begun = Instant::now();
    loop {
        match meet(listen.clone(), program(&cluster.pinned(), None)).await.0 {
            Err(Problem::Untrusted(Untrusted::Expired { .. })) => break,
            Err(other) => panic!("{other}"),
            Ok(()) => assert!(begun.elapsed() < PATIENCE, "it never expired"),
        }
    }
    let ada = cluster.operator("ada", Term::seconds(-100, -10));
    let met = meet(cluster.node(3).server_config(Accepts::Everybody), program(&cluster.pinned(), Some(&ada))).await;
    assert!(matches!(met.1, Err(Problem::Untrusted(Untrusted::Expired { .. }))), "{:?}", met.1);
    assert!(matches!(met.0, Err(Problem::NotAccepted(_))), "{:?}", met.0);
}

#[tokio::test]
async fn an_operator_is_known_by_name_and_cannot_be_a_node() {
    let cluster = Cluster::found("C1");
    let (node, ada) = (cluster.node(1), cluster.operator("ada", Term::days(1)));
    let name = Name::Operator { cluster: "C1".into(), name: "ada".into() };
    let met = meet(node.server_config(Accepts::Everybody), program(&cluster.pinned(), Some(&ada))).await;
    assert_eq!(met, (Ok(()), Ok(Some(name.clone()))));
    let met = meet(node.server_config(Accepts::Nodes), program(&cluster.pinned(), Some(&ada))).await;
    assert_eq!(met.1, Err(Problem::Untrusted(Untrusted::NotANode { found: name })));
    let issued = cluster.authority().issue_operator("bob", Term::days(1), false).unwrap();
    let error = Material::load(&cluster.paths(issued)).unwrap_err();
    assert!(matches!(error, MaterialError::Unacceptable { reason: Untrusted::OtherUse, .. }), "{error}");
}

#[tokio::test]
async fn nodes_take_nodes_of_their_cluster_by_number() {
    let cluster = Cluster::found("C1");
    let (one, two) = (cluster.node(1), cluster.node(2));
    let met = meet(two.server_config(Accepts::Nodes), dialer(&one, 2)).await;
    assert_eq!(met, (Ok(()), Ok(Some(cluster.name(1)))));
    let met = meet(two.server_config(Accepts::Nodes), dialer(&one, 3)).await;
    assert_eq!(met.0, Err(Problem::Untrusted(Untrusted::OtherNode { found: cluster.name(2), expected: 3 })));
}

#[tokio::test]
async fn strangers_and_the_nameless_are_no_peers() {
    let cluster = Cluster::found("C1");
    let node = cluster.node(1);
    let met = meet(node.server_config(Accepts::Nodes), program(&cluster.pinned(), None)).await;
    assert_eq!(met.1, Err(Problem::NoCertificate));
    assert!(matches!(met.0, Err(Problem::NotAccepted(_))), "{:?}", met.0);
    // Of another authority, which claims to be the same cluster: each side refuses the other.
    let stranger = Cluster::found("C1").node(2);
    let met = meet(node.server_config(Accepts::Nodes), dialer(&stranger, 1)).await;
    assert_eq!(met.0, Err(Problem::Untrusted(Untrusted::UnknownAuthority)));
}

#[tokio::test]
async fn a_node_of_another_cluster_is_refused_though_one_authority_signed_both() {
    let cluster = Cluster::found("C1");
    let other = Cluster::found("C2");
    let issued = other.authority().issue_node(2, &[], Term::days(1), false).unwrap();
    let both = |own: &Path, foreign: &Path| vec![own.to_owned(), foreign.to_owned()];
    let paths = Paths { authorities: both(&other.ca(), &cluster.ca()), ..other.paths(issued) };
    let stranger = Material::load(&paths).unwrap();
    let issued = cluster.authority().issue_node(1, &[], Term::days(1), false).unwrap();
    let paths = Paths { authorities: both(&cluster.ca(), &other.ca()), ..cluster.paths(issued) };
    let node = Material::load(&paths).unwrap();
    let met = meet(node.server_config(Accepts::Nodes), dialer(&stranger, 1)).await;
    assert_eq!(met.0, Err(Problem::Untrusted(Untrusted::OtherCluster { found: cluster.name(1) })));
    let found = other.name(2);
    let met = meet(node.server_config(Accepts::Everybody), stranger_calls(&other, &cluster)).await;
    assert_eq!(met.1, Err(Problem::Untrusted(Untrusted::OtherCluster { found })));
}

/// Node 2 of another cluster, as a program that was told this one's fingerprint.
fn stranger_calls(other: &Cluster, cluster: &Cluster) -> Connector {
    let identity = OwnCertificate::load(&other.dir.path().join("node-2.pem"), &other.dir.path().join("node-2.key"));
    program(&cluster.pinned(), Some(&identity.unwrap()))
}

#[tokio::test]
async fn who_knows_an_old_authority_follows_to_the_new_one() {
    let cluster = Cluster::found("C1");
    let (old, old_file) = (cluster.pinned(), cluster.trusted());
    let before = cluster.node(1);
    let newer = cluster.authority().succeed(Term::days(10)).unwrap();
    let newest = newer.succeed(Term::days(10)).unwrap();
    assert_eq!(newest.trusted(), 3);
    let after = cluster.node(2);
    for trust in [old, old_file, cluster.pinned(), cluster.trusted()] {
        let met = meet(after.server_config(Accepts::Everybody), program(&trust, None)).await;
        assert_eq!(met.0, Ok(()), "{trust:?}");
    }
    // While both are trusted, nodes with certificates of either work together.
    let met = meet(after.server_config(Accepts::Nodes), dialer(&before, 2)).await;
    assert_eq!(met, (Ok(()), Ok(Some(cluster.name(1)))));
}

#[tokio::test]
async fn a_retired_authority_signs_nobody_any_more() {
    let cluster = Cluster::found("C1");
    let ada = cluster.operator("ada", Term::days(1));
    let retired = cluster.authority().succeed(Term::days(10)).unwrap().retire().unwrap();
    assert_eq!(retired.trusted(), 1);
    let node = cluster.node(1);
    let met = meet(node.server_config(Accepts::Everybody), program(&cluster.pinned(), Some(&ada))).await;
    assert_eq!(met.1, Err(Problem::Untrusted(Untrusted::UnknownAuthority)));
}

#[tokio::test]
async fn clear_text_and_tls_are_told_apart() {
    let cluster = Cluster::found("C1");
    let node = cluster.node(1);
    // Clear text on a listener with TLS.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let config = node.server_config(Accepts::Everybody);
    let answering = tokio::spawn(async move {
        let (tcp, _) = listener.accept().await.unwrap();
        Problem::in_error(&TlsAcceptor::from(config).accept(tcp).await.unwrap_err())
    });
    let mut stream = Connector::clear().connect("127.0.0.1", port).await.unwrap();
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
    let error = stream.read_to_end(&mut Vec::new()).await.unwrap_err();
    assert_eq!(Problem::in_error(&error), Some(Problem::SpeaksTls));
    assert_eq!(answering.await.unwrap(), Some(Problem::SpeaksClearText));
    // TLS on a listener without.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (mut tcp, _) = listener.accept().await.unwrap();
        tcp.write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0]).await.unwrap();
        tcp.read_to_end(&mut Vec::new()).await.unwrap();
    });
    let error = program(&cluster.pinned(), None).connect("127.0.0.1", port).await.unwrap_err();
    assert_eq!(Problem::in_error(&error), Some(Problem::SpeaksClearText));
}

#[test]
fn what_nobody_would_accept_is_not_loaded() {
    let (cluster, other) = (Cluster::found("C1"), Cluster::found("C1"));
    let one = cluster.authority().issue_node(1, &[], Term::days(1), false).unwrap();
    let two = cluster.authority().issue_node(2, &[], Term::days(1), false).unwrap();
    let mixed = Paths { key: two.key, ..cluster.paths(one.clone()) };
    assert!(matches!(Material::load(&mixed), Err(MaterialError::OtherKey { .. })));
    let foreign = Paths { authorities: vec![other.ca()], ..cluster.paths(one.clone()) };
    let error = Material::load(&foreign).unwrap_err();
    assert!(matches!(error, MaterialError::Unacceptable { reason: Untrusted::UnknownAuthority, .. }), "{error}");
    let missing = Paths { authorities: vec!["/nowhere/ca.pem".into()], ..cluster.paths(one.clone()) };
    assert!(Material::load(&missing).unwrap_err().to_string().contains("/nowhere/ca.pem"));
    let swapped = Paths { certificate: one.key.clone(), key: one.certificate.clone(), authorities: vec![cluster.ca()] };
    let words = Material::load(&swapped).unwrap_err().to_string();
    assert!(!words.contains("BEGIN") && words.contains("node-1.key"), "{words}");
}

#[test]
fn no_debug_shows_a_key() {
    let cluster = Cluster::found("C1");
    let material = cluster.node(1);
    let key = std::fs::read_to_string(cluster.dir.path().join("node-1.key")).unwrap();
    let secret = key.lines().nth(1).unwrap();
    let shown = format!("{material:?} {:?}", cluster.operator("ada", Term::days(1)));
    assert!(!shown.contains(secret) && !shown.to_lowercase().contains("private"), "{shown}");
}

#[test]
fn a_file_and_a_fingerprint_can_name_one_authority() {
    let (cluster, other) = (Cluster::found("C1"), Cluster::found("C1"));
    assert!(cluster.pinned().agrees_with(&cluster.trusted()));
    assert!(cluster.trusted().agrees_with(&cluster.pinned()));
    assert!(!cluster.pinned().agrees_with(&other.trusted()));
    assert!(!cluster.pinned().agrees_with(&Trust::Loopback));
    let Trust::Authorities(shown) = cluster.trusted() else { panic!("a file holds authorities") };
    assert_eq!(Fingerprint::of(&shown[0]), cluster.authority().fingerprint());
}
