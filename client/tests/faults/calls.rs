//! Unary calls against nodes that lose replies, know no leader, hang and die.

use std::time::Duration;

use crate::support::{Cluster, Fault};
use lectern_client::{Client, ClientError, Code, Link, v1};

fn revoke() -> v1::RevokeTokenRequest {
    v1::RevokeTokenRequest { token_id: "T1".into() }
}

fn sign_in() -> v1::SignInRequest {
    v1::SignInRequest { username: "ada".into(), password: "lovelace".into(), ..Default::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_reply_is_asked_for_again_with_the_same_key_and_done_once() {
    let cluster = Cluster::start(1);
    cluster.fail::<v1::RevokeTokenRequest>([Fault::LoseReply, Fault::Hang, Fault::Say(Code::Unavailable, "NO_LEADER")]);
    cluster.client(&[0]).call(revoke()).await.unwrap();
    let seen = cluster.seen::<v1::RevokeTokenRequest>();
    assert_eq!(seen.len(), 4);
    assert!(seen[0].key.as_ref().is_some_and(|key| key.len() == 26));
    assert!(seen.iter().all(|call| call.key == seen[0].key));
    assert_eq!(cluster.done::<v1::RevokeTokenRequest>(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_calls_have_two_keys_and_a_read_has_none() {
    let cluster = Cluster::start(1);
    let client = cluster.client(&[0]);
    client.call(revoke()).await.unwrap();
    client.call(revoke()).await.unwrap();
    client.call(v1::WhoAmIRequest {}).await.unwrap();
    let keys: std::collections::BTreeSet<_> =
        cluster.seen::<v1::RevokeTokenRequest>().into_iter().map(|call| call.key).collect();
    assert_eq!(keys.len(), 2);
    assert_eq!(cluster.seen::<v1::WhoAmIRequest>()[0].key, None);
    client.call_with_key("mine", revoke()).await.unwrap();
    assert_eq!(cluster.seen::<v1::RevokeTokenRequest>()[2].key.as_deref(), Some("mine"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_goes_directly_to_the_leader_that_a_reply_named() {
    let cluster = Cluster::start(3);
    cluster.world().leader = Some(2);
    let client = cluster.client(&[0]);
    client.call(revoke()).await.unwrap();
    client.call(revoke()).await.unwrap();
    client.call(v1::WhoAmIRequest {}).await.unwrap();
    assert_eq!(cluster.seen::<v1::RevokeTokenRequest>()[1].node, 2);
    assert_eq!(client.leader(), Some(cluster.world().addresses[2].clone()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_death_of_the_only_address_given_is_survived_by_the_nodes_it_told_of() {
    let cluster = Cluster::start(3);
    let client = cluster.client(&[0]);
    assert_eq!(client.status().await.unwrap().cluster_id, "C1");
    assert_eq!(client.addresses().len(), 3);
    client.call(revoke()).await.unwrap();
    cluster.kill(0);
    client.call(revoke()).await.unwrap();
    assert_ne!(cluster.seen::<v1::RevokeTokenRequest>()[1].node, 0);
    let views = client.statuses().await;
    assert_eq!(views.iter().filter(|(_, view)| view.is_ok()).count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_hangs_is_left_for_another_one() {
    let cluster = Cluster::start(2);
    let client = cluster.client(&[0, 1]);
    client.call(v1::WhoAmIRequest {}).await.unwrap();
    cluster.fail::<v1::WhoAmIRequest>([Fault::Hang]);
    client.call(v1::WhoAmIRequest {}).await.unwrap();
    let seen = cluster.seen::<v1::WhoAmIRequest>();
    assert_eq!(seen.len(), 3);
    assert_ne!(seen[1].node, seen[2].node);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_the_answer_and_is_not_repeated() {
    let cluster = Cluster::start(1);
    cluster.fail::<v1::RevokeTokenRequest>([Fault::Say(Code::PermissionDenied, "WRONG_ROLE")]);
    let error = cluster.client(&[0]).call(revoke()).await.unwrap_err();
    assert!(error.is_refused_for("WRONG_ROLE"), "{error:?}");
    assert_eq!((error.exit_code(), cluster.seen::<v1::RevokeTokenRequest>().len()), (1, 1));
    cluster.fail::<v1::RevokeTokenRequest>([Fault::Say(Code::ResourceExhausted, "QUOTA_EXCEEDED")]);
    assert_eq!(cluster.client(&[0]).call(revoke()).await.unwrap_err().exit_code(), 1);
    cluster.fail::<v1::WhoAmIRequest>([Fault::Say(Code::Unauthenticated, "NOT_SIGNED_IN")]);
    assert_eq!(cluster.client(&[0]).call(v1::WhoAmIRequest {}).await.unwrap_err().exit_code(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_is_repeated_only_where_it_certainly_did_not_happen() {
    let cluster = Cluster::start(1);
    cluster.fail::<v1::SignInRequest>([
        Fault::Say(Code::Unavailable, "NO_LEADER"),
        Fault::Say(Code::ResourceExhausted, "BUSY"),
    ]);
    assert_eq!(cluster.client(&[0]).call(sign_in()).await.unwrap().token, "lct_1");
    assert_eq!(cluster.seen::<v1::SignInRequest>().len(), 3);
    cluster.fail::<v1::SignInRequest>([Fault::LoseReply]);
    let error = cluster.client(&[0]).call(sign_in()).await.unwrap_err();
    assert!(matches!(error, ClientError::OutcomeUnknown { key: None, .. }), "{error:?}");
    assert_eq!(cluster.seen::<v1::SignInRequest>().len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_finds_a_living_node_behind_a_dead_one() {
    let cluster = Cluster::start(2);
    cluster.kill(0);
    cluster.client(&[0, 1]).call(sign_in()).await.unwrap();
    assert_eq!(cluster.done::<v1::SignInRequest>(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_whose_answer_never_comes_ends_with_its_key() {
    let cluster = Cluster::start(1);
    let mut options = cluster.options(&[0]);
    options.call_deadline = Duration::from_millis(300);
    cluster.fail::<v1::RevokeTokenRequest>(std::iter::repeat_n(Fault::LoseReply, 1000));
    let error = Client::connect(options).unwrap().call_with_key("k1", revoke()).await.unwrap_err();
    assert!(matches!(&error, ClientError::OutcomeUnknown { key: Some(key), .. } if key == "k1"), "{error:?}");
    assert_eq!(error.exit_code(), 6);
    assert_eq!(cluster.done::<v1::RevokeTokenRequest>(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_quorum_the_call_ends_as_unreachable() {
    let cluster = Cluster::start(1);
    let mut options = cluster.options(&[0]);
    options.call_deadline = Duration::from_millis(200);
    cluster.fail::<v1::RevokeTokenRequest>(std::iter::repeat_n(Fault::Say(Code::Unavailable, "NO_QUORUM"), 1000));
    let client = Client::connect(options).unwrap();
    let error = client.call(revoke()).await.unwrap_err();
    assert_eq!((error.exit_code(), error.reason()), (4, "NO_QUORUM"));
    assert!(matches!(&*client.link().borrow(), Link::Down { .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_majority_is_told_as_one_and_not_as_a_wrong_address() {
    let cluster = Cluster::start(3);
    let mut options = cluster.options(&[0, 1, 2]);
    options.call_deadline = Duration::from_millis(700);
    let client = Client::connect(options).unwrap();
    client.call(v1::WhoAmIRequest {}).await.unwrap();
    cluster.kill(1);
    cluster.kill(2);
    cluster.fail::<v1::WhoAmIRequest>(std::iter::repeat_n(Fault::Hang, 1000));
    let error = client.call(v1::WhoAmIRequest {}).await.unwrap_err();
    assert_eq!((error.exit_code(), error.reason()), (4, "NO_QUORUM"));
    assert_eq!(error.to_string(), "no majority: 1 of 3 nodes answers");
}

/// Something that listens, and is no node.
fn listen(answer: &'static [u8]) -> String {
    use std::io::{Read as _, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut begun = [0; 16];
            // Whoever hung up meanwhile is answered by the next connection.
            let _ = stream.read(&mut begun).and_then(|_| stream.write_all(answer));
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_no_nodes_is_named() {
    let web = listen(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    let silent_service = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        let incoming = tokio_stream::wrappers::TcpListenerStream::new(listener);
        tokio::spawn(
            tonic::transport::Server::builder()
                .add_routes(tonic::service::Routes::default())
                .serve_with_incoming(incoming),
        );
        address
    };
    for address in [web, silent_service] {
        let mut options = lectern_client::ClientOptions::new([address.clone()]);
        options.first_contact_deadline = Duration::from_millis(500);
        let error = Client::connect(options).unwrap().call(v1::WhoAmIRequest {}).await.unwrap_err();
        assert_eq!((error.exit_code(), error.reason()), (4, "UNREACHABLE"), "{error}");
        assert!(error.to_string().contains(&address), "{error}");
        assert!(!error.to_string().ends_with(": "), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_for_a_call_is_not_sent() {
    let cluster = Cluster::start(1);
    let request = v1::RevokeTokenRequest { token_id: "x".repeat(lectern_proto::MAX_REQUEST_BYTES) };
    let error = cluster.client(&[0]).call(request).await.unwrap_err();
    assert!(error.is_refused_for("TOO_LARGE") && error.exit_code() == 1, "{error}");
    assert!(cluster.seen::<v1::RevokeTokenRequest>().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_cannot_be_one_is_not_sent() {
    let cluster = Cluster::start(1);
    let client = cluster.client(&[0]);
    client.set_token(Some(lectern_client::Secret::new("x".repeat(20_000))));
    let error = client.call(v1::WhoAmIRequest {}).await.unwrap_err();
    assert_eq!(error.exit_code(), 3, "{error}");
    assert!(cluster.seen::<v1::WhoAmIRequest>().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_address_is_told_soon() {
    let cluster = Cluster::start(1);
    cluster.kill(0);
    let mut options = cluster.options(&[0]);
    options.call_deadline = Duration::from_mins(10);
    options.first_contact_deadline = Duration::from_millis(200);
    let error = Client::connect(options).unwrap().call(v1::WhoAmIRequest {}).await.unwrap_err();
    assert_eq!((error.exit_code(), error.reason()), (4, "UNREACHABLE"));
    assert!(error.to_string().contains("refused"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_link_tells_of_trouble_and_of_its_end() {
    let cluster = Cluster::start(2);
    let client = cluster.client(&[0]);
    let mut link = client.link();
    assert_eq!(*link.borrow_and_update(), Link::Connecting);
    client.call(revoke()).await.unwrap();
    client.status().await.unwrap();
    assert!(matches!(&*link.borrow_and_update(), Link::Up { node, .. } if *node == cluster.world().addresses[0]));
    cluster.fail::<v1::WhoAmIRequest>([Fault::Hang]);
    let (answer, trouble) = tokio::join!(client.call(v1::WhoAmIRequest {}), async {
        link.wait_for(|link| matches!(link, Link::Retrying { .. })).await.map(|link| link.clone())
    });
    answer.unwrap();
    assert!(matches!(trouble, Ok(Link::Retrying { .. })));
    assert!(matches!(&*client.link().borrow(), Link::Up { .. }));
}
