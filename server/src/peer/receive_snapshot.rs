//! Staging a peer's snapshot: every file is written, checked against the manifest and synced before the replica hears of
//! it.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use lectern_proto::internal::v1::{SnapshotFile, SnapshotFrame, SnapshotPiece, SnapshotStart, snapshot_frame::Kind};
use lectern_raft::Input;
use lectern_tls::Name;
use tokio::sync::mpsc;
use tonic::Streaming;

use super::{Hub, manifest};
use crate::node::Moving;
use crate::store::sync_dir;

/// Pieces read ahead of the disk.
const PIECES_AHEAD: usize = 4;

/// Takes one snapshot from the peer that the connection's certificate is for; `Ok` once it is staged and the replica was
/// told.
pub(super) async fn receive(
    hub: &Hub,
    mut frames: Streaming<SnapshotFrame>,
    certified: Option<&Name>,
) -> Result<(), String> {
    let Some(Kind::Start(vouched)) = next(&mut frames).await? else {
        return Err("a snapshot begins with its manifest".into());
    };
    let start = hub.conversations.open(&vouched)?;
    let hello = start.hello.clone().unwrap_or_default();
    hub.greet(&hello, false, certified).await.map_err(|refused| refused.reason)?;
    let SnapshotStart { snapshot_id: id, raft_message, files, .. } = start;
    manifest::check(&id, &files)?;
    let dir = hub.data.staging(&id);
    // The directory's creation is the lock: two streams with one snapshot cannot stage it both.
    fs::create_dir(&dir).map_err(|error| format!("cannot stage the snapshot {id}: {error}"))?;
    tracing::info!(from = hello.node_id, id, files = files.len(), "receiving a snapshot");
    let total = files.iter().map(|file| file.size).sum();
    let moving = hub.shared.board.vitals().transfer(hello.node_id, false, total);
    let staged = stage(&dir, files, &mut frames, &moving).await;
    if let Err(problem) = staged {
        let _leftover = fs::remove_dir_all(&dir);
        return Err(problem);
    }
    tracing::info!(from = hello.node_id, id, "staged a snapshot");
    hub.shared.inbox.push(Input::SnapshotStaged { id, from: hello.node_id, bytes: raft_message });
    Ok(())
}

async fn next(frames: &mut Streaming<SnapshotFrame>) -> Result<Option<Kind>, String> {
    match frames.message().await {
        Ok(frame) => Ok(frame.and_then(|frame| frame.kind)),
        Err(status) => Err(status.message().into()),
    }
}

/// Writes what comes to `dir` on a thread of its own.
async fn stage(
    dir: &Path,
    files: Vec<SnapshotFile>,
    frames: &mut Streaming<SnapshotFrame>,
    moving: &Moving,
) -> Result<(), String> {
    let (pieces, incoming) = mpsc::channel(PIECES_AHEAD);
    let dir = dir.to_path_buf();
    let writer = tokio::task::spawn_blocking(move || write_all(&dir, &files, incoming));
    let ended = loop {
        match next(frames).await {
            Ok(Some(Kind::Piece(piece))) => {
                moving.moved(piece.data.len());
                if pieces.send(piece).await.is_err() {
                    break Ok(());
                }
            }
            Ok(Some(Kind::End(_))) => break Ok(()),
            Ok(_) => break Err("the stream ended before the snapshot did".to_string()),
            Err(problem) => break Err(problem),
        }
    };
    drop(pieces);
    let written = writer.await.map_err(|error| error.to_string())?;
    ended.and(written)
}

fn write_all(dir: &Path, files: &[SnapshotFile], mut incoming: mpsc::Receiver<SnapshotPiece>) -> Result<(), String> {
    for (number, listed) in (0_u32..).zip(files) {
        let mut file = StagedFile::create(dir, listed).map_err(|error| disk(listed, &error))?;
        while file.hasher.count() < listed.size {
            let piece = incoming.blocking_recv().ok_or("the stream ended before the snapshot did")?;
            if piece.file != number || piece.offset != file.hasher.count() || piece.data.is_empty() {
                return Err("the snapshot's pieces are out of order".into());
            }
            file.add(&piece.data).map_err(|error| disk(listed, &error))?;
        }
        file.finish(listed)?;
    }
    if incoming.blocking_recv().is_some() {
        return Err("the snapshot is longer than its manifest".into());
    }
    sync_dir(dir).map_err(|error| format!("cannot sync the staged snapshot: {error}"))
}

struct StagedFile {
    path: PathBuf,
    file: File,
    hasher: blake3::Hasher,
}

impl StagedFile {
    fn create(dir: &Path, listed: &SnapshotFile) -> io::Result<Self> {
        let path = dir.join(&listed.name);
        let file = File::create_new(&path)?;
        Ok(Self { path, file, hasher: blake3::Hasher::new() })
    }

    fn add(&mut self, data: &[u8]) -> io::Result<()> {
        self.hasher.update(data);
        self.file.write_all(data)
    }

    fn finish(self, listed: &SnapshotFile) -> Result<(), String> {
        if self.hasher.count() != listed.size || self.hasher.finalize().as_bytes()[..] != listed.digest[..] {
            return Err(format!("{} came damaged", self.path.display()));
        }
        self.file.sync_all().map_err(|error| disk(listed, &error))
    }
}

fn disk(listed: &SnapshotFile, error: &io::Error) -> String {
    format!("cannot write the snapshot's {}: {error}", listed.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(name: &str, contents: &[u8]) -> SnapshotFile {
        let digest = blake3::hash(contents).as_bytes().to_vec();
        SnapshotFile { name: name.into(), size: contents.len() as u64, digest }
    }

    fn piece(file: u32, offset: u64, data: &[u8]) -> SnapshotPiece {
        SnapshotPiece { file, offset, data: data.to_vec() }
    }

    fn write(files: &[SnapshotFile], pieces: Vec<SnapshotPiece>) -> (tempfile::TempDir, Result<(), String>) {
        let temp = tempfile::tempdir().unwrap();
        let (sender, receiver) = mpsc::channel(pieces.len().max(1));
        for piece in pieces {
            sender.try_send(piece).unwrap();
        }
        drop(sender);
        let written = write_all(temp.path(), files, receiver);
        (temp, written)
    }

    #[test]
    fn a_snapshot_that_fits_its_manifest_is_staged() {
        let files = [listed("a", b"one two"), listed("empty", b""), listed("b", b"three")];
        let (temp, written) = write(&files, vec![piece(0, 0, b"one "), piece(0, 4, b"two"), piece(2, 0, b"three")]);
        assert_eq!(written, Ok(()));
        assert_eq!(fs::read(temp.path().join("a")).unwrap(), b"one two");
        assert_eq!(fs::read(temp.path().join("empty")).unwrap(), b"");
    }

    #[test]
    fn damaged_short_long_or_disordered_snapshots_are_refused() {
        let files = [listed("a", b"one two")];
        for pieces in [
            vec![piece(0, 0, b"one twO")],
            vec![piece(0, 0, b"one")],
            vec![piece(0, 0, b"one two"), piece(0, 7, b"more")],
            vec![piece(0, 4, b"two"), piece(0, 0, b"one ")],
            vec![piece(0, 0, b"one two three")],
            vec![],
        ] {
            assert!(write(&files, pieces.clone()).1.is_err(), "{pieces:?}");
        }
    }
}
