use lectern_proto::internal::v1::{Advance, FoundCluster};
use lectern_proto::v1::SignOutRequest;

use super::*;
use crate::memory::MemoryStore;

const SEED: &str = "01K40000000000000000000000";

fn command(stamped_at_ms: i64, body: Body) -> Command {
    Command { version: COMMAND_VERSION, stamped_at_ms, id_seed: SEED.into(), body: Some(body), ..Command::default() }
}

fn advance(stamped_at_ms: i64) -> Command {
    command(stamped_at_ms, Body::Advance(Advance::default()))
}

/// Applies over `store` and commits.
fn run(store: &mut MemoryStore, bytes: &[u8]) -> std::result::Result<Applied, ApplyError> {
    let mut overlay = Overlay::new(store);
    let applied = apply(2, 1, bytes, &mut overlay)?;
    let changes = overlay.into_changes();
    store.commit(changes);
    Ok(applied)
}

fn reason(applied: &Applied) -> &str {
    match &applied.outcome.result {
        Some(outcome::Result::Refusal(refusal)) => &refusal.reason,
        _ => "",
    }
}

#[test]
fn time_never_runs_backwards() {
    let mut store = MemoryStore::default();
    let times = [1_000, 900, 1_500, -1].map(|stamp| run(&mut store, &advance(stamp).encode_to_vec()).unwrap().now_ms);
    assert_eq!(times, [1_000, 1_000, 1_500, 1_500]);
    assert_eq!(lookup::cluster(&store).unwrap().now_ms, 1_500);
}

#[test]
fn time_moves_on_even_when_a_command_is_refused() {
    let mut store = MemoryStore::default();
    let applied = run(&mut store, &command(1_000, Body::SignOut(SignOutRequest {})).encode_to_vec()).unwrap();
    assert_eq!((reason(&applied), applied.now_ms), ("NOT_SIGNED_IN", 1_000));
    assert_eq!(lookup::cluster(&store).unwrap().now_ms, 1_000);
}

#[test]
fn a_command_of_a_newer_version_or_an_unknown_body_stops_the_node() {
    let mut store = MemoryStore::default();
    let newer = Command { version: COMMAND_VERSION + 1, ..advance(1) };
    let unknown = Command { body: None, ..advance(1) };
    for command in [newer, unknown] {
        let error = run(&mut store, &command.encode_to_vec()).unwrap_err();
        assert_eq!(error, ApplyError::UnknownCommand { index: 2, version: command.version });
        assert!(error.to_string().contains("run the newer lectern-server"));
    }
    assert!(matches!(run(&mut store, &[0xFF]), Err(ApplyError::Undecodable { index: 2, .. })));
    assert!(store == MemoryStore::default());
}

#[test]
fn a_record_of_a_newer_format_stops_the_node() {
    let mut store = MemoryStore::default();
    let value = Some(vec![2, 0]);
    store.commit(vec![crate::Change { table: crate::Table::Cluster, key: lookup::CLUSTER_KEY.to_vec(), value }]);
    let error = run(&mut store, &advance(1).encode_to_vec()).unwrap_err();
    let format = StoreError::UnknownFormat { table: crate::Table::Cluster, format: 2 };
    assert_eq!(error, ApplyError::Store(format));
}

#[test]
fn a_seed_that_is_no_id_is_refused() {
    let mut store = MemoryStore::default();
    let founding = Body::FoundCluster(FoundCluster { cluster_id: "c".into(), ..FoundCluster::default() });
    let bad = Command { id_seed: "seed".into(), ..command(1, founding) };
    assert_eq!(reason(&run(&mut store, &bad.encode_to_vec()).unwrap()), "INVALID_ARGUMENT");
}

#[test]
fn a_refused_handler_leaves_no_trace_of_what_it_wrote_before() {
    let mut store = MemoryStore::default();
    // Founding writes the cluster's record before it looks at the admin's name.
    let founding = Body::FoundCluster(FoundCluster { cluster_id: "c".into(), ..FoundCluster::default() });
    let applied = run(&mut store, &command(7, founding).encode_to_vec()).unwrap();
    assert_eq!((reason(&applied), applied.events.len()), ("INVALID_ARGUMENT", 0));
    let cluster = lookup::cluster(&store).unwrap();
    assert_eq!((cluster.cluster_id.as_str(), cluster.now_ms), ("", 7));
}
