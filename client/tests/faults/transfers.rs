//! Uploads, submissions, downloads and watches over nodes that break off and die.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::support::{Cluster, Fault};
use lectern_client::{
    Client, ClientError, Code, Destination, Dirs, HandIn, LocalFile, Saved, Stage, WatchItem, declare, download,
    hand_in, save, upload, v1,
};
use lectern_proto::CHUNK_BYTES;

struct Desk {
    dir: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn file(&self, name: &str, bytes: &[u8]) -> LocalFile {
        fs::write(self.path(name), bytes).unwrap();
        LocalFile::new(self.path(name)).unwrap()
    }

    fn dirs(&self) -> Dirs {
        Dirs { config: self.path("config"), state: self.path("state") }
    }

    fn journals(&self) -> usize {
        fs::read_dir(self.path("state/uploads")).map_or(0, Iterator::count)
    }
}

fn bytes(count: usize) -> Vec<u8> {
    (0..count).map(|n| u8::try_from(n * 31 % 251).unwrap()).collect()
}

fn stored(cluster: &Cluster, file: u32) -> Vec<u8> {
    cluster.world().chunks.iter().filter(|((own, _), _)| *own == file).flat_map(|(_, data)| data.clone()).collect()
}

async fn pledge(client: &Client, files: &[LocalFile]) -> v1::Upload {
    let files = declare(files, &|_| {}).await.unwrap();
    client.call(v1::PledgeRequest { files, ..Default::default() }).await.unwrap().pledge.unwrap().upload.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_survives_the_death_of_the_leader() {
    let (cluster, desk) = (Cluster::start(3), Desk::new());
    let big = bytes(20 * CHUNK_BYTES + 17);
    let files = [desk.file("empty", b""), desk.file("big", &big), desk.file("small", b"x")];
    let client = cluster.client(&[0]);
    client.status().await.unwrap();
    let session = pledge(&client, &files).await;
    let total = big.len() as u64 + 1;
    let killed = std::sync::Once::new();
    upload(&client, session, &files, &|progress| {
        assert_eq!(progress.bytes_total, total);
        if progress.bytes_done > total / 2 {
            killed.call_once(|| cluster.kill(0));
        }
    })
    .await
    .unwrap();
    assert!(killed.is_completed());
    assert!(stored(&cluster, 1) == big && stored(&cluster, 2) == b"x");
    assert!(cluster.seen::<v1::PutChunkRequest>().iter().all(|call| call.key.is_none()));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_missing_chunks_are_sent() {
    let (cluster, desk) = (Cluster::start(1), Desk::new());
    let big = bytes(4 * CHUNK_BYTES);
    let files = [desk.file("big", &big)];
    let client = cluster.client(&[0]);
    for chunk in [0, 2] {
        let begin = usize::try_from(chunk).unwrap() * CHUNK_BYTES;
        cluster.world().chunks.insert((0, chunk), big[begin..begin + CHUNK_BYTES].to_vec());
    }
    let session = pledge(&client, &files).await;
    upload(&client, session, &files, &|_| {}).await.unwrap();
    assert_eq!(cluster.seen::<v1::PutChunkRequest>().len(), 2);
    assert!(stored(&cluster, 0) == big);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_shrinks_while_it_is_uploaded_is_told() {
    let (cluster, desk) = (Cluster::start(1), Desk::new());
    let files = [desk.file("big", &bytes(2 * CHUNK_BYTES))];
    let client = cluster.client(&[0]);
    let session = pledge(&client, &files).await;
    fs::write(desk.path("big"), b"short").unwrap();
    let error = upload(&client, session, &files, &|_| {}).await.unwrap_err();
    assert!(matches!(error, ClientError::DigestMismatch { .. }), "{error:?}");
}

fn homework(files: Vec<LocalFile>) -> HandIn {
    HandIn { course: "cs101".into(), assignment: "hw3".into(), text: "see file".into(), files, ..Default::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_command_again_goes_on_with_the_same_pledge() {
    let (cluster, desk) = (Cluster::start(1), Desk::new());
    let what = homework(vec![desk.file("a", &bytes(3 * CHUNK_BYTES))]);
    let mut options = cluster.options(&[0]);
    options.call_deadline = Duration::from_millis(200);
    options.transfer_patience = Duration::ZERO;
    cluster.fail::<v1::PutChunkRequest>(std::iter::repeat_n(Fault::Say(Code::Unavailable, "NO_LEADER"), 400));
    let impatient = Client::connect(options).unwrap();
    let error = hand_in(&impatient, &desk.dirs(), "ada", &what, &|_| {}).await.unwrap_err();
    assert_eq!((error.exit_code(), desk.journals()), (4, 1));

    cluster.heal();
    let pledged = std::sync::Mutex::new(Vec::new());
    let handed_in = hand_in(&cluster.client(&[0]), &desk.dirs(), "ada", &what, &|stage| {
        if let Stage::Pledged(pledge) = stage {
            pledged.lock().unwrap().push(pledge.pledge_id.clone());
        }
    })
    .await
    .unwrap();
    assert!(handed_in.resumed && handed_in.submission.is_some());
    assert_eq!(*pledged.lock().unwrap(), ["P1"]);
    assert_eq!((cluster.done::<v1::PledgeRequest>(), cluster.done::<v1::SubmitRequest>()), (1, 1));
    assert_eq!(desk.journals(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_submission_whose_answer_was_lost_is_not_made_twice_by_the_next_run() {
    let (cluster, desk) = (Cluster::start(1), Desk::new());
    let what = homework(Vec::new());
    let mut options = cluster.options(&[0]);
    options.call_deadline = Duration::from_millis(200);
    cluster.fail::<v1::SubmitRequest>(std::iter::repeat_n(Fault::LoseReply, 1000));
    let error = hand_in(&Client::connect(options).unwrap(), &desk.dirs(), "ada", &what, &|_| {}).await.unwrap_err();
    assert_eq!((error.exit_code(), desk.journals()), (6, 1));

    cluster.heal();
    let handed_in = hand_in(&cluster.client(&[0]), &desk.dirs(), "ada", &what, &|_| {}).await.unwrap();
    assert!(handed_in.resumed);
    assert_eq!(cluster.done::<v1::SubmitRequest>(), 1);
    // And once it is known to have arrived, the same command is a new attempt.
    let again = hand_in(&cluster.client(&[0]), &desk.dirs(), "ada", &what, &|_| {}).await.unwrap();
    assert!(!again.resumed);
    assert_eq!(cluster.done::<v1::SubmitRequest>(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_submission_leaves_nothing_behind() {
    let (cluster, desk) = (Cluster::start(1), Desk::new());
    cluster.fail::<v1::SubmitRequest>([Fault::Say(Code::FailedPrecondition, "NO_ATTEMPTS_LEFT")]);
    let client = cluster.client(&[0]);
    let error = hand_in(&client, &desk.dirs(), "ada", &homework(Vec::new()), &|_| {}).await.unwrap_err();
    assert!(error.is_refused_for("NO_ATTEMPTS_LEFT"));
    assert_eq!(desk.journals(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_does_not_keep_anyone_from_handing_in() {
    let (cluster, desk) = (Cluster::start(1), Desk::new());
    let what = homework(vec![desk.file("a", &bytes(CHUNK_BYTES))]);
    // A file where the folder of the state should be: nothing can be written there, whoever runs this.
    fs::write(desk.path("state"), "").unwrap();
    let told = std::sync::Mutex::new(Vec::new());
    let handed_in = hand_in(&cluster.client(&[0]), &desk.dirs(), "ada", &what, &|stage| {
        if let Stage::Unkept(problem) = stage {
            told.lock().unwrap().push(problem.to_string());
        }
    })
    .await
    .unwrap();
    assert!(handed_in.submission.is_some());
    let told = told.into_inner().unwrap();
    assert!(!told.is_empty() && told.iter().all(|words| words.contains("state")), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pledge_of_a_file_that_changed_is_withdrawn() {
    let (cluster, desk) = (Cluster::start(1), Desk::new());
    let what = homework(vec![desk.file("a", &bytes(2 * CHUNK_BYTES))]);
    let shorten = |stage: Stage<'_>| {
        if let Stage::Pledged(_) = stage {
            fs::write(desk.path("a"), b"short").unwrap();
        }
    };
    let error = hand_in(&cluster.client(&[0]), &desk.dirs(), "ada", &what, &shorten).await.unwrap_err();
    assert!(matches!(error, ClientError::DigestMismatch { .. }), "{error:?}");
    assert_eq!(cluster.seen::<v1::WithdrawPledgeRequest>().len(), 1);
    assert_eq!(desk.journals(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_file_is_not_fetched_again_and_a_changed_one_not_replaced_unasked() {
    let (cluster, desk) = (Cluster::start(1), Desk::new());
    let content = bytes(1000);
    cluster.world().download = content.clone();
    let client = cluster.client(&[0]);
    let path = desk.path("notes.pdf");
    let digest = blake3::hash(&content).as_bytes().to_vec();
    let file = v1::FileRef { file_id: "F1".into(), size: 1000, digest, ..Default::default() };
    let fetch = async |replace| save(&client, &file, &Destination::at(&path).unwrap(), replace, &|_| {}).await;
    assert_eq!(fetch(false).await.unwrap(), Saved::Written);
    assert_eq!(fetch(false).await.unwrap(), Saved::AlreadyThere);
    assert_eq!(cluster.world().offsets.len(), 1);
    fs::write(&path, "my own notes").unwrap();
    assert_eq!(fetch(false).await.unwrap_err().exit_code(), 1);
    assert_eq!(fs::read(&path).unwrap(), b"my own notes");
    assert_eq!(fetch(true).await.unwrap(), Saved::Written);
    assert!(fs::read(&path).unwrap() == content);
}

fn names_in(path: &Path) -> Vec<String> {
    let names = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_goes_on_at_the_last_whole_chunk() {
    let (cluster, desk) = (Cluster::start(2), Desk::new());
    let content = bytes(3 * CHUNK_BYTES + 5);
    cluster.world().download = content.clone();
    cluster.world().break_after = Some(400_000);
    let client = cluster.client(&[0, 1]);
    let file = download(&client, "F1", &desk.path("out.pdf"), false, &|_| {}).await.unwrap();
    assert_eq!((file.name.as_str(), file.size), ("notes.pdf", content.len() as u64));
    assert!(fs::read(desk.path("out.pdf")).unwrap() == content);
    assert_eq!(cluster.world().offsets, [0, CHUNK_BYTES as u64]);
    assert_eq!(names_in(desk.dir.path()), ["out.pdf"]);

    let error = download(&client, "F1", &desk.path("out.pdf"), false, &|_| {}).await.unwrap_err();
    assert_eq!(error.exit_code(), 1);
    download(&client, "F1", &desk.path("out.pdf"), true, &|_| {}).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_not_what_the_digest_says_never_take_the_files_place() {
    let (cluster, desk) = (Cluster::start(1), Desk::new());
    cluster.world().download = bytes(1000);
    cluster.world().download_digest = Some(vec![0; 32]);
    let error = download(&cluster.client(&[0]), "F1", &desk.path("out"), false, &|_| {}).await.unwrap_err();
    assert!(matches!(error, ClientError::DigestMismatch { .. }), "{error:?}");
    assert!(names_in(desk.dir.path()).is_empty());
}

fn event(index: u64, kind: v1::EventKind) -> v1::WatchEvent {
    v1::WatchEvent { index, kind: kind.into(), ..Default::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_goes_on_where_it_broke_off() {
    let cluster = Cluster::start(2);
    cluster.world().events =
        vec![event(5, v1::EventKind::Grade), event(6, v1::EventKind::Heartbeat), event(7, v1::EventKind::Resync)];
    cluster.world().watches_to_end = 2;
    let mut stream = cluster.client(&[0, 1]).watch(4, vec!["cs101".into()]);
    assert!(matches!(stream.next().await, Some(Ok(WatchItem::Event(event))) if event.index == 5));
    assert!(matches!(stream.next().await, Some(Ok(WatchItem::Resync { index: 7 }))));
    assert_eq!(cluster.world().watched_from, [4, 5, 6]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_from_now_that_breaks_off_before_it_saw_anything_says_so() {
    let cluster = Cluster::start(1);
    cluster.world().watches_to_end = 1;
    let mut stream = cluster.client(&[0]).watch(0, Vec::new());
    assert!(matches!(stream.next().await, Some(Ok(WatchItem::Resync { index: 0 }))));
}
