//! Prometheus metrics, over HTTP.

use std::net::SocketAddr;
use std::time::Duration;

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder};

/// Buckets for times in seconds, from a fast disk's sync to a slow election.
const SECONDS: &[f64] =
    &[0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];
/// Buckets for counts of entries.
const ENTRIES: &[f64] = &[1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1_000.0, 5_000.0];

/// How often sizes are measured.
pub(crate) const SIZES_INTERVAL: Duration = Duration::from_secs(5);

/// Serves the metrics at `http://{listen}/metrics`. Must be called within the runtime.
pub fn serve(listen: SocketAddr) -> Result<(), BuildError> {
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), SECONDS)?
        .set_buckets_for_metric(Matcher::Suffix("_entries".into()), ENTRIES)?
        .with_http_listener(listen)
        .install()?;
    describe();
    Ok(())
}

fn describe() {
    metrics::describe_gauge!("lectern_raft_term", "Current term");
    metrics::describe_gauge!("lectern_raft_commit_index", "Last committed entry");
    metrics::describe_gauge!("lectern_raft_applied_index", "Last applied entry");
    metrics::describe_gauge!("lectern_raft_last_index", "Last entry of the log");
    metrics::describe_gauge!("lectern_raft_leader", "Number of the leader as this node knows it, 0 when none");
    metrics::describe_gauge!("lectern_raft_is_leader", "1 while this node leads");
    metrics::describe_counter!("lectern_raft_elections_total", "Elections this node began");
    metrics::describe_histogram!("lectern_log_fsync_seconds", "Syncs of the log");
    metrics::describe_counter!("lectern_proposals_total", "Commands proposed at this node");
    metrics::describe_gauge!("lectern_proposals_waiting", "Proposals without an outcome");
    metrics::describe_gauge!("lectern_reads_waiting", "Reads without a read point");
    metrics::describe_histogram!("lectern_apply_batch_entries", "Entries in one batch of apply");
    metrics::describe_counter!("lectern_applied_entries_total", "Entries applied");
    metrics::describe_gauge!("lectern_peer_reachable", "1 while the stream to the peer is open");
    metrics::describe_counter!("lectern_peer_messages_dropped_total", "Messages to a peer that found no room");
    metrics::describe_gauge!("lectern_clock_offset_seconds", "This node's clock minus the median of the cluster's");
    metrics::describe_gauge!("lectern_log_bytes", "Bytes of the log's table files");
    metrics::describe_gauge!("lectern_state_bytes", "Bytes of the state's table and blob files");
    metrics::describe_counter!("lectern_snapshots_made_total", "Checkpoints made for peers");
    metrics::describe_counter!("lectern_snapshots_installed_total", "Snapshots installed from peers");
    metrics::describe_counter!("lectern_snapshot_bytes_total", "Bytes of snapshots moved, by direction");
    metrics::describe_counter!(
        "lectern_snapshot_bytes_saved_total",
        "Bytes of snapshots that need not move, because the receiver had them, by direction"
    );
    metrics::describe_counter!("lectern_scrub_bytes_total", "Bytes of this node's disk read to find damage");
    metrics::describe_gauge!("lectern_scrub_finished_seconds", "When all was last found to be good, Unix seconds");
    metrics::describe_counter!("lectern_snapshots_resumed_total", "Snapshots that broke and went on, by direction");
    metrics::describe_gauge!(
        "lectern_tls_certificate_expiry_seconds",
        "When a file's certificate expires, Unix seconds"
    );
    metrics::describe_counter!("lectern_tls_reloads_total", "Times certificates were read again, by result");
    metrics::describe_counter!("lectern_refused_connections_total", "Connections refused, by listener and reason");
}
