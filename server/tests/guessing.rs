//! Guesses are counted by where they come from, whatever the guesser says of that.

use std::time::{Duration, Instant};

use lectern_proto::v1::SignInRequest;
use lectern_rpc::v1::auth_service_client::AuthServiceClient;
use lectern_server::config::Config;
use lectern_server::init::{self, Genesis, GenesisMember};
use lectern_server::node;
use lectern_server::services::{self, ServeOptions};
use tokio::net::TcpListener;
use tonic::{Code, Request, Status};

const PATIENCE: Duration = Duration::from_secs(30);

/// A cluster of one with its public door; returns the address.
async fn start(dir: &std::path::Path) -> String {
    let client = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let peer = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client_address = client.local_addr().unwrap().to_string();
    let peer_address = peer.local_addr().unwrap().to_string();
    let member = GenesisMember { node: 1, peer_address: peer_address.clone(), client_address: client_address.clone() };
    let (genesis, _) = Genesis::new(vec![member], "admin").unwrap();
    init::found_node(&genesis, 1, &dir.join("data")).unwrap();
    let config: Config = toml::from_str(&format!(
        "data_dir = \"{}\"\nclient_listen = \"{client_address}\"\npeer_listen = \"{peer_address}\"\n",
        dir.join("data").display()
    ))
    .unwrap();
    let running = node::start(&config, peer).unwrap();
    let node = running.node();
    tokio::spawn(services::serve(node, ServeOptions::new(dir.join("scratch")), client, async move {
        let _runs_as_long_as_the_test = running;
        std::future::pending::<()>().await;
    }));
    format!("http://{client_address}")
}

/// A wrong password, said to come from elsewhere by a node that passed it on.
async fn guess(client: &mut AuthServiceClient<tonic::transport::Channel>, elsewhere: u32) -> Status {
    let wrong = SignInRequest {
        username: "admin".into(),
        password: format!("not the password {elsewhere}"),
        ..SignInRequest::default()
    };
    let mut request = Request::new(wrong);
    let metadata = request.metadata_mut();
    metadata.insert("lectern-forwarded", "1".parse().unwrap());
    metadata.insert("lectern-client-address", format!("192.0.2.{elsewhere}").parse().unwrap());
    metadata.insert("lectern-client-address-proof", format!("1.{}", "0".repeat(64)).parse().unwrap());
    client.sign_in(request).await.expect_err("the password is wrong")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guesser_on_a_members_address_cannot_pretend_to_be_elsewhere() {
    let dir = tempfile::tempdir().unwrap();
    let address = start(dir.path()).await;
    let deadline = Instant::now() + PATIENCE;
    let mut client = AuthServiceClient::connect(address).await.unwrap();
    // Until the node leads nothing is judged.
    let mut first = guess(&mut client, 0).await;
    while first.code() == Code::Unavailable {
        assert!(Instant::now() < deadline, "no leader: {first:?}");
        tokio::task::yield_now().await;
        first = guess(&mut client, 0).await;
    }
    assert_eq!(first.code(), Code::Unauthenticated, "{first:?}");
    for elsewhere in 1..5 {
        assert_eq!(guess(&mut client, elsewhere).await.code(), Code::Unauthenticated);
    }
    let slowed = guess(&mut client, 9).await;
    assert_eq!(slowed.code(), Code::ResourceExhausted, "{slowed:?}");
}
