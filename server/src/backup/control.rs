//! What a running node is asked on its socket, and what it answers: one line of JSON each.
//!
//! The socket is in the node's data directory, in a directory of its owner's: whoever may use it could read the state anyway.
//! The checkpoint lives until the connection that asked for it ends, however it ends.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// The format of both lines.
pub(super) const FORMAT: u32 = 1;
/// No line is longer.
pub(super) const MAX_LINE_BYTES: u64 = 64 << 10;
/// A socket's address has room for 108 bytes, with the end.
const MAX_SOCKET_PATH: usize = 100;

/// What is asked.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub(super) struct Ask {
    pub(super) format: u32,
    pub(super) want: Want,
}

#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum Want {
    /// The state as it is now, for as long as this connection is open.
    Checkpoint,
}

/// What is answered.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum Answer {
    Checkpoint(CheckpointMade),
    /// There is none: why, and what to do.
    Problem(String),
}

/// A checkpoint of the running node, and who that node is.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub(super) struct CheckpointMade {
    /// The directory's name beside the socket.
    pub(super) name: String,
    pub(super) cluster_id: String,
    pub(super) epoch: u64,
    pub(super) node: u64,
    pub(super) incarnation: String,
    /// A majority confirmed that nothing acknowledged before is missing.
    pub(super) confirmed: bool,
}

/// Where a node keeps its socket and the checkpoint that is being backed up.
pub(super) fn directory(data_dir: &Path) -> PathBuf {
    data_dir.join("backup")
}

/// The socket in that directory.
pub(super) fn socket(directory: &Path) -> io::Result<SocketPath> {
    let path = directory.join("socket");
    if path.as_os_str().len() <= MAX_SOCKET_PATH {
        return Ok(SocketPath { path, _directory: None });
    }
    // Too long for an address: the same by way of the open directory.
    let open = File::open(directory)?;
    let path = PathBuf::from(format!("/proc/self/fd/{}/socket", open.as_raw_fd()));
    Ok(SocketPath { path, _directory: Some(open) })
}

/// An address that is short enough, good while this lives.
pub(super) struct SocketPath {
    pub(super) path: PathBuf,
    _directory: Option<File>,
}

/// A line of the conversation.
pub(super) fn line(message: &impl Serialize) -> String {
    let mut line = serde_json::to_string(message).expect("strings and numbers are always JSON");
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::{UnixListener, UnixStream};

    use super::*;

    #[test]
    fn a_socket_is_reached_however_long_its_directorys_name_is() {
        let temp = tempfile::tempdir().unwrap();
        for directory in [temp.path().to_path_buf(), temp.path().join("long".repeat(30)).join("long".repeat(30))] {
            std::fs::create_dir_all(&directory).unwrap();
            let address = socket(&directory).unwrap();
            let listener = UnixListener::bind(&address.path).unwrap();
            assert!(UnixStream::connect(socket(&directory).unwrap().path).is_ok());
            assert!(directory.join("socket").exists());
            drop(listener);
        }
    }

    #[test]
    fn what_is_asked_and_answered_is_one_line() {
        let ask = Ask { format: FORMAT, want: Want::Checkpoint };
        assert_eq!(line(&ask), "{\"format\":1,\"want\":\"checkpoint\"}\n");
        assert_eq!(serde_json::from_str::<Ask>(&line(&ask)).unwrap(), ask);
        assert_eq!(line(&Answer::Problem("a\nb".into())), "{\"problem\":\"a\\nb\"}\n");
    }
}
