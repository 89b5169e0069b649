//! Where a backup comes from: a checkpoint of the running node, or the directory of one that is stopped.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lectern_raft::Identity;

use super::BackupError;
use super::control::{self, Answer, Ask, CheckpointMade, FORMAT, MAX_LINE_BYTES, Want};
use crate::store::{DataDirError, DiskProblem, INITIAL_STATE, StoppedNode};

/// A checkpoint writes everything that is not written yet; on a slow disk that takes its time.
const ANSWER_DEADLINE: Duration = Duration::from_mins(5);

/// A state that does not change while this lives.
pub(super) struct Source {
    /// RocksDB's directory.
    pub(super) directory: PathBuf,
    /// Whose it is.
    pub(super) identity: Identity,
    /// A majority confirmed that nothing acknowledged before is missing.
    pub(super) confirmed: bool,
    /// At a stopped node: the last entry known there to be committed.
    pub(super) committed: Option<u64>,
    _kept: Kept,
}

#[allow(dead_code, reason = "held for what their ends do")]
enum Kept {
    /// The running node deletes the checkpoint when this connection ends.
    Running(UnixStream),
    /// The node cannot be started meanwhile.
    Stopped(Box<StoppedNode>),
}

impl Source {
    /// The state of the node in `data_dir`, whether it runs or not.
    pub(super) fn take(data_dir: &Path) -> Result<Self, BackupError> {
        match StoppedNode::open(data_dir) {
            Ok(node) => Ok(Self::stopped(node)),
            Err(DiskProblem::DataDir(DataDirError::Locked(_))) => Self::running(data_dir),
            Err(problem) => Err(problem.into()),
        }
    }

    fn stopped(node: StoppedNode) -> Self {
        let name = node.view.state_directory.as_deref().unwrap_or(INITIAL_STATE);
        Self {
            directory: node.data.state(name),
            identity: node.view.identity.clone(),
            confirmed: false,
            committed: Some(node.view.hard_state.commit),
            _kept: Kept::Stopped(Box::new(node)),
        }
    }

    fn running(data_dir: &Path) -> Result<Self, BackupError> {
        let directory = control::directory(data_dir);
        let (stream, answer) = ask(&directory).map_err(|error| {
            BackupError::Node(format!(
                "{} is in use, but no node answers on its socket {} ({error}); if a node runs there, see its log; if \
                 another command is at work on it, wait until that has ended",
                data_dir.display(),
                directory.join("socket").display()
            ))
        })?;
        match answer {
            Answer::Problem(problem) => Err(BackupError::Node(format!("the node made no checkpoint: {problem}"))),
            Answer::Checkpoint(CheckpointMade { name, cluster_id, epoch, node, incarnation, confirmed }) => Ok(Self {
                directory: directory.join(name),
                identity: Identity { cluster_id, epoch, node, incarnation },
                confirmed,
                committed: None,
                _kept: Kept::Running(stream),
            }),
        }
    }
}

/// Asks the running node for a checkpoint, which lives as long as the connection.
fn ask(directory: &Path) -> io::Result<(UnixStream, Answer)> {
    let mut stream = UnixStream::connect(control::socket(directory)?.path)?;
    stream.set_read_timeout(Some(ANSWER_DEADLINE))?;
    stream.write_all(control::line(&Ask { format: FORMAT, want: Want::Checkpoint }).as_bytes())?;
    let mut line = String::new();
    BufReader::new((&stream).take(MAX_LINE_BYTES)).read_line(&mut line)?;
    let answer = serde_json::from_str(&line).map_err(|_| io::Error::other("its answer is not understood"))?;
    Ok((stream, answer))
}
