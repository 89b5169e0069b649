//! The running node's side: a socket where its operator asks for a checkpoint.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use lectern_raft::Identity;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;

use super::control::{self, Answer, Ask, CheckpointMade, FORMAT, MAX_LINE_BYTES, Want};
use super::repository::make_dir;
use crate::node::Node;

/// Who connects says what they want by then.
const ASK_DEADLINE: Duration = Duration::from_secs(10);

/// Serves the socket of a node from now on, and deletes what a backup left behind when the node last ended. Must be called
/// within the runtime. A node whose socket cannot be made serves all the same, and says so.
pub(crate) fn serve(node: Node, identity: Identity, data_dir: &Path) {
    let directory = control::directory(data_dir);
    match bind(&directory) {
        Ok(listener) => {
            tokio::spawn(accept(Arc::new(Asked { node, identity, directory, turn: Semaphore::new(1) }), listener));
        }
        Err(problem) => tracing::error!(
            directory = %directory.display(),
            %problem,
            "cannot make the socket for backups: this node can only be backed up while it is stopped"
        ),
    }
}

fn bind(directory: &Path) -> io::Result<UnixListener> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    make_dir(directory).map_err(io::Error::other)?;
    UnixListener::bind(&control::socket(directory)?.path)
}

async fn accept(asked: Arc<Asked>, listener: UnixListener) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(asked.clone().converse(stream));
            }
            Err(problem) => {
                tracing::warn!(%problem, "cannot take a connection on the socket for backups");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

/// The node that is asked.
struct Asked {
    node: Node,
    identity: Identity,
    directory: PathBuf,
    /// One checkpoint at a time: each keeps files from being deleted.
    turn: Semaphore,
}

/// A checkpoint's directory, deleted when nobody needs it any more.
struct Kept(PathBuf);

impl Drop for Kept {
    fn drop(&mut self) {
        if let Err(problem) = fs::remove_dir_all(&self.0)
            && problem.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(path = %self.0.display(), %problem, "could not delete a checkpoint; the next start does");
        }
    }
}

impl Asked {
    async fn converse(self: Arc<Self>, stream: UnixStream) {
        let (reader, mut writer) = stream.into_split();
        let mut reader = BufReader::new(reader.take(MAX_LINE_BYTES));
        let mut line = String::new();
        let asked = tokio::time::timeout(ASK_DEADLINE, reader.read_line(&mut line)).await;
        if !matches!(asked, Ok(Ok(read)) if read > 0) {
            return;
        }
        let _turn;
        let (answer, _kept) = match (serde_json::from_str(&line), self.turn.try_acquire()) {
            (Ok(Ask { format: FORMAT, want: Want::Checkpoint }), Ok(turn)) => {
                _turn = turn;
                self.checkpoint().await
            }
            (Ok(Ask { format: FORMAT, .. }), Err(_)) => {
                (Answer::Problem("another backup of this node is under way; wait until it has ended".into()), None)
            }
            _ => {
                (Answer::Problem("this node does not understand the question; use its own lectern-server".into()), None)
            }
        };
        if writer.write_all(control::line(&answer).as_bytes()).await.is_ok() {
            // Nothing more is said: the connection's end is the checkpoint's.
            let _end = reader.read_line(&mut line).await;
        }
    }

    async fn checkpoint(&self) -> (Answer, Option<Kept>) {
        let name = ulid::Ulid::generate().to_string();
        let kept = Kept(self.directory.join(&name));
        let confirmed = match self.node.checkpoint(kept.0.clone()).await {
            Ok(confirmed) => confirmed,
            Err(problem) => {
                tracing::warn!(%problem, "could not make a checkpoint for a backup");
                return (Answer::Problem(problem.to_string()), None);
            }
        };
        tracing::info!(id = name, confirmed, "made a checkpoint for a backup");
        let Identity { cluster_id, epoch, node, incarnation } = self.identity.clone();
        (Answer::Checkpoint(CheckpointMade { name, cluster_id, epoch, node, incarnation, confirmed }), Some(kept))
    }
}
