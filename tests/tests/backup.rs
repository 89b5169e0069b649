//! Backups and what becomes of them: the restore drill, and what a stopped node shows.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use lectern_tests::cluster::{PASSWORD, PATIENCE, make_file};
use lectern_tests::program::bin;
use lectern_tests::{Class, Person, Ran, wait};
use serde_json::Value;

/// Large beside everything else in these clusters, and nothing makes it shorter.
const ESSAY_BYTES: usize = 3_000_000;

fn server(args: &[&str]) -> Ran {
    let output = Command::new(bin("lectern-server")).args(args).stdin(Stdio::null()).output().expect("it starts");
    Ran::new(format!("lectern-server {}", args.join(" ")), output)
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// A repository beside the cluster, and its passphrase.
struct Repository {
    dir: PathBuf,
    passphrase: PathBuf,
}

impl Repository {
    fn init(class: &Class) -> Self {
        let repository = Self { dir: class.cluster.path("backups"), passphrase: class.cluster.path("passphrase") };
        let args = ["backup", "init", "--to", text(&repository.dir), "--passphrase-file", text(&repository.passphrase)];
        let ran = server(&args).ok();
        assert!(ran.stdout.contains("Keep a copy"), "{}", ran.stdout);
        repository
    }

    fn back_up(&self, data: &Path) -> Ran {
        let (dir, passphrase) = (text(&self.dir), text(&self.passphrase));
        server(&["backup", "--data", text(data), "--to", dir, "--passphrase-file", passphrase, "--json"])
    }

    fn backup(&self, action: &[&str]) -> Ran {
        let rest = ["--from", text(&self.dir), "--passphrase-file", text(&self.passphrase), "--json"];
        server(&[&["backup"], action, &rest].concat())
    }

    fn restore(&self, data: &Path, more: &[&str]) -> Ran {
        let (dir, passphrase) = (text(&self.dir), text(&self.passphrase));
        let base = ["restore", "--from", dir, "--passphrase-file", passphrase, "--data", text(data), "--json"];
        server(&[&base[..], more].concat())
    }

    /// The same backups, with one bit changed in the largest file.
    fn damaged(&self, to: PathBuf) -> Self {
        copy(&self.dir, &to);
        let (mut largest, mut bytes) = (PathBuf::new(), 0);
        for (path, (length, _)) in files(&to.join("objects")) {
            if length > bytes {
                (largest, bytes) = (path, length);
            }
        }
        let mut content = fs::read(&largest).expect("it was just copied");
        let middle = content.len() / 2;
        content[middle] ^= 1;
        fs::write(&largest, content).expect("it was just copied");
        Self { dir: to, passphrase: self.passphrase.clone() }
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("the folder is writable");
    for entry in fs::read_dir(from).expect("it can be read") {
        let path = entry.expect("it can be read").path();
        let target = to.join(path.file_name().expect("it has a name"));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).expect("it can be copied");
        }
    }
}

/// Every file below a directory, with its length and when it was changed.
fn files(dir: &Path) -> BTreeMap<PathBuf, (u64, SystemTime)> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(dir).expect("it can be read") {
        let path = entry.expect("it can be read").path();
        let metadata = fs::symlink_metadata(&path).expect("it is there");
        if metadata.is_dir() {
            found.extend(files(&path));
        } else {
            found.insert(path, (metadata.len(), metadata.modified().expect("the system knows")));
        }
    }
    found
}

/// Somebody who saves one draft after the other, as long as this lives.
struct Writer {
    stop: Arc<AtomicBool>,
    acknowledged: Arc<AtomicU64>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Writer {
    fn start(student: &Person) -> Self {
        let (stop, acknowledged) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (student, stopped, count) = (student.clone(), stop.clone(), acknowledged.clone());
        let thread = std::thread::spawn(move || {
            while !stopped.load(Ordering::Acquire) {
                let saved = student.run_with_input(&["draft", "save", "cs101/hw1", "-"], "a thought").json();
                count.store(saved["revision"].as_u64().expect("a revision"), Ordering::Release);
            }
        });
        let writer = Self { stop, acknowledged, thread: Some(thread) };
        wait::until("the first draft", PATIENCE, || (writer.acknowledged() > 0).then_some(()));
        writer
    }

    /// The revision that was acknowledged last.
    fn acknowledged(&self) -> u64 {
        self.acknowledged.load(Ordering::Acquire)
    }

    fn stop(mut self) -> u64 {
        self.stop.store(true, Ordering::Release);
        self.thread.take().expect("it is stopped once").join().expect("every draft was saved");
        self.acknowledged()
    }
}

/// A node of the restored cluster.
struct Restored(Child);

impl Restored {
    fn start(class: &Class, data: &Path) -> Self {
        let log = fs::File::create(class.cluster.path("restored.log")).expect("the folder is writable");
        let mut command = Command::new(bin("lectern-server"));
        command.args(["run", "--data", text(data)]);
        command.args(["--client-listen", &class.cluster.address(4), "--peer-listen", &class.cluster.peer_address(4)]);
        Self(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().expect("it starts"))
    }
}

impl Drop for Restored {
    fn drop(&mut self) {
        let _ended = self.0.kill().and_then(|()| self.0.wait());
    }
}

/// Hands in a file, and keeps drafts coming, while backups are made; returns a backup's answer and the revision that was
/// acknowledged before it was asked for.
fn back_up_under_writes(class: &Class, repository: &Repository) -> (Value, u64) {
    let writer = Writer::start(&class.student);
    let before = writer.acknowledged();
    let made = repository.back_up(&class.cluster.data_dir(1)).json();
    assert!(writer.stop() > 0);
    (made, before)
}

#[test]
fn a_cluster_that_was_lost_whole_goes_on_from_its_last_backup() {
    let mut class = Class::on(3);
    class.assignment("hw1", &[]);
    let essay = class.cluster.path("essay.bin");
    make_file(&essay, ESSAY_BYTES, 7);
    class.student.run(&["submit", "cs101/hw1", text(&essay)]).ok();
    let repository = Repository::init(&class);

    let (full, _) = back_up_under_writes(&class, &repository);
    assert_eq!(full["confirmed"], true, "{full}");
    assert!(full["added_bytes"].as_u64() > Some(ESSAY_BYTES as u64), "{full}");
    class.student.run_with_input(&["submit", "cs101/hw1", "--text", "-"], "the second attempt").ok();
    let (second, acknowledged) = back_up_under_writes(&class, &repository);
    assert!(second["index"].as_u64() > full["index"].as_u64(), "{second}");
    assert!(second["added_bytes"].as_u64() < Some(ESSAY_BYTES as u64 / 4), "the essay is there already: {second}");
    let verified = repository.backup(&["verify", "--all"]).json();
    let good = |backup: &Value| backup["good"] == true && backup["rows"].as_u64() > Some(10);
    let backups = verified["backups"].as_array().expect("backups");
    assert!(backups.len() == 2 && backups.iter().all(good), "{verified}");
    class.student.run_with_input(&["submit", "cs101/hw1", "--text", "-"], "after the last backup").ok();
    for node in 1..=3 {
        class.cluster.kill(node);
        fs::remove_dir_all(class.cluster.data_dir(node)).expect("the disks are lost");
    }

    refused_restores(&class, &repository);
    let data = class.cluster.path("restored");
    let member = format!("1={},{}", class.cluster.peer_address(4), class.cluster.address(4));
    let restored = repository.restore(&data, &["--member", &member]).json();
    assert_eq!(restored["backup"]["backup_id"], second["backup_id"], "the newest: {restored}");
    assert_ne!(restored["cluster_id"], second["cluster_id"], "{restored}");
    let _node = Restored::start(&class, &data);
    holds_what_was_acknowledged(&class, &essay, acknowledged);
    let again = repository.back_up(&data).json();
    assert_eq!((&again["cluster_id"], &again["confirmed"]), (&restored["cluster_id"], &Value::Bool(true)), "{again}");
}

/// Nothing comes of a wrong passphrase, of a damaged repository, or where something else is.
fn refused_restores(class: &Class, repository: &Repository) {
    let refused = |ran: Ran, words: &str| {
        assert!(ran.code == 1 && ran.stderr.contains(words), "{}: {}", ran.code, ran.stderr);
    };
    let wrong = class.cluster.path("wrong-passphrase");
    fs::write(&wrong, "not the passphrase\n").expect("the folder is writable");
    let private = <fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o600);
    fs::set_permissions(&wrong, private).expect("the file is ours");
    let stranger = Repository { dir: repository.dir.clone(), passphrase: wrong };
    refused(stranger.restore(&class.cluster.path("nowhere"), &[]), "does not open");
    assert!(!class.cluster.path("nowhere").exists());
    let damaged = repository.damaged(class.cluster.path("damaged"));
    let judged = damaged.backup(&["verify"]);
    assert!(judged.stdout.contains("is damaged"), "{}", judged.stdout);
    refused(judged, "the backup is not good");
    let half = class.cluster.path("half");
    refused(damaged.restore(&half, &[]), "is damaged");
    refused(repository.restore(&half, &[]), "is not empty");
    let run = ["run", "--data", text(&half), "--client-listen", "127.0.0.1:0", "--peer-listen", "127.0.0.1:0"];
    refused(server(&run), "found the node first");
}

/// People sign in again and find everything up to the backup, to the byte; and go on.
fn holds_what_was_acknowledged(class: &Class, essay: &Path, acknowledged: u64) {
    let endpoint = class.cluster.address(4);
    let (student, instructor) = (class.student.through(&endpoint), class.instructor.through(&endpoint));
    wait::until("the restored node to lead", PATIENCE, || {
        let status = student.with("lectern-monitor").run(&["status"]);
        let status: Value = serde_json::from_str(&status.stdout).ok()?;
        status["leader"].as_u64()
    });
    student.run(&["course", "list"]).refused(3, "NOT_SIGNED_IN");
    student.run_with_input(&["sign-in", "ada", "--password-stdin"], PASSWORD).ok();
    instructor.run_with_input(&["sign-in", "noether", "--password-stdin"], PASSWORD).ok();
    assert_eq!(class.attempts(&student, "cs101/hw1"), 2, "the third came after the backup");
    let fetched = class.cluster.path("fetched");
    let fetch = ["submission", "fetch", "cs101/hw1", "--attempt", "1", "--dir", text(&fetched)];
    student.run(&fetch).ok();
    let name = essay.file_name().expect("it has a name");
    let back = files(&fetched).into_keys().find(|path| path.file_name() == Some(name)).expect("the essay");
    assert!(fs::read(back).expect("fetched") == fs::read(essay).expect("it is there"), "the essay is another one");
    let draft = student.run(&["draft", "show", "cs101/hw1"]).json();
    assert!(draft["revision"].as_u64() >= Some(acknowledged), "{draft}, but {acknowledged} was acknowledged");
    student.run_with_input(&["submit", "cs101/hw1", "--text", "-"], "in the new cluster").ok();
    instructor.run(&["grade", "set", "cs101/hw1", "ada", "9", "--attempt", "3"]).ok();
    let admin = class.admin.through(&endpoint);
    admin.run_with_input(&["sign-in", "admin", "--password-stdin"], PASSWORD).ok();
    let audit = admin.run(&["audit", "list"]).json();
    let entries = audit["entries"].as_array().expect("entries");
    assert!(entries.iter().any(|entry| entry["action"] == "cluster.restore"), "{audit}");
}

#[test]
fn a_node_alone_and_a_stopped_one_are_backed_up_as_far_as_they_are() {
    let mut class = Class::on(3);
    class.assignment("hw1", &[]);
    class.student.run_with_input(&["submit", "cs101/hw1", "--text", "-"], "work").ok();
    let repository = Repository::init(&class);
    class.cluster.await_caught_up();
    class.cluster.kill(2);
    class.cluster.kill(3);
    let alone = repository.back_up(&class.cluster.data_dir(1)).json();
    assert_eq!(alone["confirmed"], false, "no majority: {alone}");
    assert_eq!(class.cluster.terminate(1), Some(0));
    let stopped = repository.back_up(&class.cluster.data_dir(1)).json();
    assert!(stopped["index"].as_u64() >= alone["index"].as_u64(), "{stopped}");
    let list = repository.backup(&["list"]).json();
    let ids: Vec<&Value> = list["backups"].as_array().expect("backups").iter().map(|it| &it["backup_id"]).collect();
    assert_eq!(ids, [&alone["backup_id"], &stopped["backup_id"]]);
    let pruned = repository.backup(&["prune", "--keep", "1"]).json();
    assert_eq!(pruned["deleted"][0], alone["backup_id"], "{pruned}");
    repository.backup(&["verify"]).ok();
    class.cluster.start_all();
}

/// Runs a command of `lectern-server` and kills it after a while.
fn kill_after(args: &[&str], milliseconds: u64) {
    let mut command = Command::new(bin("lectern-server"));
    let mut child =
        command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    // The moment is what is tried.
    std::thread::sleep(Duration::from_millis(milliseconds));
    child.kill().expect("it can be killed, or has ended");
    child.wait().expect("it ends");
}

#[test]
fn a_backup_and_a_restore_that_are_killed_at_any_moment_are_simply_done_again() {
    let class = Class::on(1);
    class.assignment("hw1", &[]);
    let essay = class.cluster.path("essay.bin");
    make_file(&essay, ESSAY_BYTES, 5);
    class.student.run(&["submit", "cs101/hw1", text(&essay)]).ok();
    let repository = Repository::init(&class);
    let (from, passphrase) = (text(&repository.dir), text(&repository.passphrase));
    let node = class.cluster.data_dir(1);
    let moments = [1, 20, 50, 100, 200, 400, 800];
    for moment in moments {
        kill_after(&["backup", "--data", text(&node), "--to", from, "--passphrase-file", passphrase], moment);
        let listed = repository.backup(&["list"]).json();
        if listed["backups"].as_array().is_some_and(|backups| !backups.is_empty()) {
            repository.backup(&["verify", "--all"]).ok();
        }
    }
    let made = wait::until("the node to be free", PATIENCE, || {
        let ran = repository.back_up(&node);
        (ran.code == 0).then(|| ran.json())
    });
    assert_eq!(made["confirmed"], true, "{made}");
    for moment in moments {
        let half = class.cluster.path(&format!("half{moment}"));
        let restore = ["restore", "--from", from, "--passphrase-file", passphrase, "--data", text(&half)];
        kill_after(&restore, moment);
        let again = server(&restore);
        if again.code != 0 {
            assert!(again.stderr.contains("is not empty"), "{}", again.stderr);
            fs::remove_dir_all(&half).expect("it is there");
            server(&restore).ok();
        }
    }
    let whole = class.cluster.path("whole");
    let restored = repository.restore(&whole, &[]).json();
    assert_eq!(restored["backup"]["backup_id"], made["backup_id"], "{restored}");
}

#[test]
fn what_is_older_or_was_never_confirmed_is_restored_only_by_who_says_so() {
    let mut class = Class::on(3);
    class.assignment("hw1", &[]);
    let repository = Repository::init(&class);
    let first = repository.back_up(&class.cluster.data_dir(1)).json();
    class.cluster.kill(2);
    class.cluster.kill(3);
    let unconfirmed = repository.back_up(&class.cluster.data_dir(1)).json();
    assert_eq!((&first["confirmed"], &unconfirmed["confirmed"]), (&Value::Bool(true), &Value::Bool(false)));
    let id = |backup: &Value| backup["backup_id"].as_str().expect("an id").to_owned();
    let data = class.cluster.path("restored");
    let refused = repository.restore(&data, &[]);
    assert!(refused.code == 1 && refused.stderr.contains("no majority confirmed"), "{}", refused.stderr);
    let refused = repository.restore(&data, &["--backup", &id(&first)]);
    assert!(refused.code == 1 && refused.stderr.contains("was made after it"), "{}", refused.stderr);
    assert!(refused.stderr.contains("--accept-loss") && !data.exists(), "{}", refused.stderr);
    let restored = repository.restore(&data, &["--backup", &id(&first), "--accept-loss"]).json();
    assert_eq!(restored["backup"]["backup_id"], first["backup_id"], "{restored}");
    let listed =
        server(&["backup", "list", "--from", text(&repository.dir), "--passphrase-file", text(&repository.passphrase)]);
    let column: Vec<&str> = listed.stdout.lines().filter_map(|line| line.split_whitespace().last()).collect();
    assert_eq!(column, ["confirmed", "yes", "no"], "{}", listed.stdout);
    let odd = repository.backup(&["verify", "--backup", "123"]);
    assert!(odd.code == 1 && odd.stderr.contains("there is no backup \"123\""), "{}", odd.stderr);
    class.cluster.start_all();
}

#[test]
fn a_checkpoint_lives_as_long_as_the_backup_that_asked_for_it() {
    let class = Class::on(1);
    let directory = class.cluster.data_dir(1).join("backup");
    let ask = || {
        let mut stream = UnixStream::connect(directory.join("socket")).expect("the node serves it");
        stream.write_all(b"{\"format\":1,\"want\":\"checkpoint\"}\n").expect("the node reads");
        let mut line = String::new();
        BufReader::new(stream.try_clone().expect("a second handle")).read_line(&mut line).expect("the node answers");
        (stream, serde_json::from_str::<Value>(&line).expect("JSON"))
    };
    let (stream, answer) = ask();
    let checkpoint = directory.join(answer["checkpoint"]["name"].as_str().expect("a name"));
    assert!(checkpoint.join("CURRENT").is_file(), "{answer}");
    let (_second, busy) = ask();
    assert!(busy["problem"].as_str().is_some_and(|problem| problem.contains("another backup")), "{busy}");
    let repository = Repository::init(&class);
    let refused = repository.back_up(&class.cluster.data_dir(1));
    assert!(refused.code == 1 && refused.stderr.contains("another backup"), "{}", refused.stderr);
    // It was killed.
    drop(stream);
    wait::until("the checkpoint to be deleted", PATIENCE, || (!checkpoint.exists()).then_some(()));
    let made = wait::until("the node to be free", PATIENCE, || {
        let ran = repository.back_up(&class.cluster.data_dir(1));
        (ran.code == 0).then(|| ran.json())
    });
    assert_eq!(made["confirmed"], true);
    let mut nonsense = UnixStream::connect(directory.join("socket")).expect("the node serves it");
    nonsense.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
    nonsense.write_all(b"hello\n").expect("the node reads");
    let mut answer = [0; 64];
    let read = nonsense.read(&mut answer).expect("the node answers");
    assert!(answer[..read].starts_with(b"{\"problem\":"));
}

/// The secrets of a class, and their hashes in hexadecimal as a careless program would print them.
fn secrets(class: &Class, token: &str) -> Vec<String> {
    let code = fs::read_to_string(class.cluster.path("admin-code")).expect("the cluster was founded");
    let genesis = fs::read_to_string(class.cluster.data_dir(1).join("genesis.json")).expect("the node's genesis");
    let genesis: Value = serde_json::from_str(&genesis).expect("JSON");
    let bytes: Vec<u8> = token
        .trim_start_matches("lct_")
        .as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).expect("digits"), 16).expect("digits"))
        .collect();
    let normal: String = code.chars().filter(|c| c.is_alphanumeric()).collect();
    vec![
        PASSWORD.into(),
        "$argon2".into(),
        token.into(),
        token.trim_start_matches("lct_").into(),
        blake3::hash(&bytes).to_hex().to_string(),
        code.trim().into(),
        blake3::hash(normal.as_bytes()).to_hex().to_string(),
        genesis["cluster_secret"].as_str().expect("a secret").into(),
    ]
}

#[test]
fn a_stopped_node_shows_what_it_holds_and_none_of_its_secrets() {
    let mut class = Class::on(1);
    class.assignment("hw1", &[]);
    let file = class.file("essay.txt", "To be shown as a length.".repeat(1000));
    class.student.run(&["submit", "cs101/hw1", &file]).ok();
    let made = class.student.run(&["token", "create", "script"]).json();
    let token = made["token"].as_str().expect("a token").to_owned();
    let data = class.cluster.data_dir(1);
    let inspect = |more: &[&str]| server(&[&["inspect", "--data", text(&data)], more].concat());
    let running = inspect(&[]);
    assert!(running.code == 1 && running.stderr.contains("stop it first"), "{}", running.stderr);
    assert_eq!(class.cluster.terminate(1), Some(0));

    let before = files(&data);
    let all = inspect(&["--log", "--tables", "--limit", "0"]).ok();
    assert_eq!(files(&data), before, "nothing is written");
    for secret in secrets(&class, &token) {
        assert!(!all.stdout.contains(&secret) && !all.stderr.contains(&secret), "{secret} is shown");
        assert!(!class.cluster.log(1).contains(&secret), "{secret} is in the log");
    }
    let shown = all.json();
    assert_eq!(shown["identity"]["node"], 1);
    assert_eq!(shown["state"]["configuration"]["voters"][0], 1);
    let entries = shown["entries"].as_array().expect("entries");
    assert_eq!(entries.last().expect("an entry")["index"], shown["log"]["last"]);
    let submit = entries.iter().find(|entry| entry["command"] == "submit").expect("a submission");
    let users = shown["tables"]["users"]["rows"].as_array().expect("users");
    let ada = users.iter().find(|row| row["value"]["user"]["username"] == "ada").expect("ada");
    assert_eq!(submit["actor"], ada["key"]["user_id"], "{submit}");
    assert_eq!(ada["value"]["password_hash"], "(secret)");
    assert_eq!(shown["tables"]["submissions"]["rows"][0]["value"]["attempt"], 1);
    let problems = |row: &Value| !row["problem"].is_null() || !row["key"]["problem"].is_null();
    for (name, table) in shown["tables"].as_object().expect("tables") {
        let rows = table["rows"].as_array().expect("rows");
        assert!(!rows.iter().any(problems), "{name}: {table}");
    }

    let page = inspect(&["--log", "--from", "3", "--to", "9", "--limit", "4", "--table", "users", "--key", "0"]).json();
    let indexes: Vec<u64> =
        page["entries"].as_array().expect("entries").iter().filter_map(|it| it["index"].as_u64()).collect();
    assert_eq!((indexes, &page["more_entries"]), (vec![3, 4, 5, 6], &Value::Bool(true)));
    assert_eq!(page["tables"]["users"]["rows"].as_array().map(Vec::len), Some(3), "{page}");
    let unknown = inspect(&["--table", "passwords"]);
    assert!(unknown.code == 2 && unknown.stderr.contains("users_by_name"), "{}", unknown.stderr);
}
