//! Prometheus metrics, over HTTP.

use std::io;
use std::time::Duration;

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_stream::StreamExt as _;

use crate::descriptors::COLLECTOR_CONNECTIONS;
use crate::listener::{Connection, Listener, Room, incoming};

/// Buckets for times in seconds, from a fast disk's sync to a slow election.
const SECONDS: &[f64] =
    &[0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];
/// Buckets for counts of entries.
const ENTRIES: &[f64] = &[1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1_000.0, 5_000.0];

/// How often sizes are measured.
pub(crate) const SIZES_INTERVAL: Duration = Duration::from_secs(5);

/// Sums of what was measured are brought up to date this often, whether anybody asks or not.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);
/// A collector that takes longer to ask, or to take the answer, is not waited for.
const ANSWER_DEADLINE: Duration = Duration::from_secs(5);
/// Bytes of a request: more than a line and some headers is no collector's.
const MOST_OF_A_REQUEST: usize = 8 << 10;

/// Serves the metrics at `/metrics` of the listener. Must be called within the runtime.
pub fn serve(listener: TcpListener) -> Result<(), BuildError> {
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), SECONDS)?
        .set_buckets_for_metric(Matcher::Suffix("_entries".into()), ENTRIES)?
        .install_recorder()?;
    describe();
    let upkeep = handle.clone();
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(UPKEEP_INTERVAL);
        loop {
            ticks.tick().await;
            upkeep.run_upkeep();
        }
    });
    let room = Room { total: COLLECTOR_CONNECTIONS, per_address: COLLECTOR_CONNECTIONS };
    let mut connections = incoming(listener, Listener::Metrics, room, None);
    tokio::spawn(async move {
        while let Some(Ok(connection)) = connections.next().await {
            // One that goes away, or is not understood, asks again.
            tokio::spawn(tokio::time::timeout(ANSWER_DEADLINE, answer(connection, handle.clone())));
        }
    });
    Ok(())
}

/// One request and its answer: that is all a collector needs, and a library for HTTP would keep as many connections as come.
async fn answer(mut connection: Connection, metrics: PrometheusHandle) -> io::Result<()> {
    let mut request = Vec::new();
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        if request.len() > MOST_OF_A_REQUEST || connection.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
    }
    let (status, body) = match target(&request) {
        Some("/metrics") => ("200 OK", metrics.render()),
        Some(_) => ("404 Not Found", "The metrics are at /metrics.\n".into()),
        None => ("405 Method Not Allowed", "The metrics are had with GET.\n".into()),
    };
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\nContent-Length: {length}\r\nConnection: \
         close\r\n\r\n"
    );
    connection.write_all(head.as_bytes()).await?;
    connection.write_all(body.as_bytes()).await?;
    connection.shutdown().await
}

/// What is asked for, without its query.
fn target(request: &[u8]) -> Option<&str> {
    let line = std::str::from_utf8(request.split(|byte| *byte == b'\r').next()?).ok()?;
    let target = line.strip_prefix("GET ")?.split(' ').next()?;
    target.split('?').next()
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
    metrics::describe_gauge!("lectern_membership_voters", "Voters, as this node knows");
    metrics::describe_gauge!("lectern_membership_learners", "Learners, as this node knows");
    metrics::describe_gauge!("lectern_membership_joint", "1 while two sets of voters count");
    metrics::describe_counter!("lectern_membership_changes_total", "Configurations applied");
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
    metrics::describe_counter!(
        "lectern_closed_connections_total",
        "Idle connections closed, by listener and reason: idle for long, or room for another"
    );
    metrics::describe_gauge!("lectern_connections", "Open connections, by listener");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_get_has_a_target() {
        assert_eq!(target(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"), Some("/metrics"));
        assert_eq!(target(b"GET /metrics?name[]=a HTTP/1.0\r\n\r\n"), Some("/metrics"));
        assert_eq!(target(b"POST /metrics HTTP/1.1\r\n\r\n"), None);
        assert_eq!(target(b"\xff\r\n\r\n"), None);
    }
}
