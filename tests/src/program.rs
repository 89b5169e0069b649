//! Running the programs as people and scripts do.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

use crate::terminal::Launch;

/// The folder of the built programs.
pub fn bin_dir() -> PathBuf {
    if let Some(dir) = std::env::var_os("LECTERN_TEST_BIN") {
        return dir.into();
    }
    // A test runs as target/release/deps/NAME-HASH, a program as target/release/NAME.
    let exe = std::env::current_exe().expect("what runs has a path");
    let dir = exe.parent().expect("a file lies in a folder");
    let built = if dir.ends_with("deps") { dir.parent().expect("deps lies in a folder") } else { dir };
    built.to_owned()
}

/// The path of one program; panics, saying what to do, where it was not built.
pub fn bin(name: &str) -> PathBuf {
    let path = bin_dir().join(name);
    assert!(path.exists(), "{} is not built; run `cargo build --release --workspace` first", path.display());
    path
}

/// What a program came to.
#[derive(Debug)]
pub struct Ran {
    /// Exit code; -1 when a signal ended it.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// The command, for messages.
    pub command: String,
}

impl Ran {
    /// From a finished process.
    pub fn new(command: String, output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).expect("programs print UTF-8"),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            command,
        }
    }

    /// Panics unless the program succeeded.
    #[track_caller]
    #[allow(clippy::return_self_not_must_use, reason = "mostly used for the panic alone")]
    pub fn ok(self) -> Self {
        assert!(self.code == 0, "`{}` ended with {}:\n{}{}", self.command, self.code, self.stdout, self.stderr);
        self
    }

    /// The JSON of a program that succeeded.
    #[track_caller]
    pub fn json(self) -> Value {
        let ran = self.ok();
        serde_json::from_str(&ran.stdout)
            .unwrap_or_else(|e| panic!("`{}` printed no JSON ({e}): {}", ran.command, ran.stdout))
    }

    /// Panics unless the program was refused with exactly this reason and exit code.
    #[track_caller]
    pub fn refused(self, code: i32, reason: &str) -> Value {
        assert!(
            self.code == code,
            "`{}` ended with {}, not {code}:\n{}{}",
            self.command,
            self.code,
            self.stdout,
            self.stderr
        );
        let line = self.stderr.lines().last().unwrap_or_default();
        let error: Value = serde_json::from_str(line)
            .unwrap_or_else(|e| panic!("`{}` gave no JSON error ({e}): {}", self.command, self.stderr));
        assert_eq!(error["error"]["reason"], reason, "`{}`: {}", self.command, self.stderr);
        error
    }
}

/// Somebody at a terminal: a program, a configuration of their own, the cluster's addresses.
#[derive(Clone, Debug)]
pub struct Person {
    program: &'static str,
    home: PathBuf,
    endpoints: String,
}

impl Person {
    /// Uses `program` with configuration below `home`, against `endpoints` (comma separated).
    pub fn new(program: &'static str, home: &Path, endpoints: &str) -> Self {
        Self { program, home: home.to_owned(), endpoints: endpoints.to_owned() }
    }

    /// The same person at another program.
    #[must_use]
    pub fn with(&self, program: &'static str) -> Self {
        Self { program, ..self.clone() }
    }

    /// The same person, reaching the cluster through other addresses.
    #[must_use]
    pub fn through(&self, endpoints: &str) -> Self {
        Self { endpoints: endpoints.to_owned(), ..self.clone() }
    }

    /// The program full screen, not started yet.
    pub fn full_screen(&self) -> Launch {
        Launch::new(&bin(self.program), &self.home)
            .env("LECTERN_CONFIG_DIR", self.home.join("config"))
            .env("LECTERN_STATE_DIR", self.home.join("state"))
            .env("LECTERN_ENDPOINTS", &self.endpoints)
    }

    /// The command with `--json`, not started yet.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(bin(self.program));
        command
            .args(args)
            .arg("--json")
            .env("LECTERN_CONFIG_DIR", self.home.join("config"))
            .env("LECTERN_STATE_DIR", self.home.join("state"))
            .env("LECTERN_ENDPOINTS", &self.endpoints)
            .env_remove("LECTERN_TOKEN")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs to the end.
    pub fn run(&self, args: &[&str]) -> Ran {
        let output = self.command(args).output().expect("the program starts");
        Ran::new(self.line(args), output)
    }

    /// Runs with something on standard input.
    pub fn run_with_input(&self, args: &[&str], input: &str) -> Ran {
        let mut child = self.command(args).stdin(Stdio::piped()).spawn().expect("the program starts");
        // A program that refuses its arguments reads nothing: a broken pipe is its right.
        let _ = child.stdin.take().expect("standard input is piped").write_all(input.as_bytes());
        Ran::new(self.line(args), child.wait_with_output().expect("the program ends"))
    }

    /// Starts and does not wait.
    pub fn start(&self, args: &[&str]) -> Running {
        Running { command: self.line(args), child: self.command(args).spawn().expect("the program starts") }
    }

    fn line(&self, args: &[&str]) -> String {
        format!("{} {}", self.program, args.join(" "))
    }
}

/// A program under way.
#[derive(Debug)]
pub struct Running {
    command: String,
    child: Child,
}

impl Running {
    /// Waits for its end.
    pub fn finish(self) -> Ran {
        Ran::new(self.command, self.child.wait_with_output().expect("the program ends"))
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Kills it with SIGKILL.
    pub fn kill(mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
