//! A person's terminal: a program in a pseudo-terminal, its screen as an emulator shows it, keys as a keyboard sends them.
//!
//! Nothing here sleeps for luck: whatever is awaited has a deadline, and a failure prints the screen.

mod keys;
mod modes;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, Signal};
use tokio::net::unix::pipe::Receiver;

use crate::wait;

/// What a screen may take to show something, an election included, on a busy machine.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// A program about to be started in a terminal, with nothing of this process's environment but `PATH`.
#[derive(Clone, Debug)]
pub struct Launch {
    program: PathBuf,
    args: Vec<OsString>,
    env: BTreeMap<OsString, OsString>,
    size: (u16, u16),
    directory: Option<PathBuf>,
}

impl Launch {
    /// A program by its path, at 80×24 cells, with its home in `home`, which is made where it is not there.
    pub fn new(program: &Path, home: &Path) -> Self {
        std::fs::create_dir_all(home).expect("the folder is writable");
        let mut env: BTreeMap<OsString, OsString> = BTreeMap::new();
        env.insert("PATH".into(), std::env::var_os("PATH").unwrap_or_default());
        env.insert("HOME".into(), home.into());
        for (name, value) in [("TERM", "xterm-256color"), ("LANG", "C.UTF-8"), ("TZ", "UTC")] {
            env.insert(name.into(), value.into());
        }
        Self { program: program.to_owned(), args: Vec::new(), env, size: (80, 24), directory: None }
    }

    /// With one more argument.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// With a variable of the environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.env.insert(name.into(), value.into());
        self
    }

    /// In a directory.
    #[must_use]
    pub fn directory(mut self, directory: &Path) -> Self {
        self.directory = Some(directory.to_owned());
        self
    }

    /// A variable it was given, as a path.
    pub fn variable(&self, name: &str) -> PathBuf {
        self.env.get(std::ffi::OsStr::new(name)).unwrap_or_else(|| panic!("{name} was not given")).into()
    }

    /// In a terminal of so many columns and rows.
    #[must_use]
    pub fn size(mut self, columns: u16, rows: u16) -> Self {
        self.size = (columns, rows);
        self
    }

    /// The same program as a command without a terminal, its environment and arguments set.
    pub fn command(&self) -> std::process::Command {
        let mut command = std::process::Command::new(&self.program);
        command.args(&self.args).env_clear().envs(&self.env);
        command
    }

    /// An interactive shell in the terminal, whose environment the program has when its name is typed.
    pub fn shell(&self) -> Terminal {
        let mut shell = Self { program: "/bin/sh".into(), args: vec!["-i".into()], ..self.clone() };
        shell.env.insert("PS1".into(), format!("{SHELL_PROMPT} ").into());
        let mut terminal = shell.start();
        terminal.wait_for(SHELL_PROMPT);
        terminal
    }

    /// What is typed at the shell to start the program.
    pub fn line(&self) -> String {
        let args = self.args.iter().map(|arg| format!(" '{}'", arg.display()));
        format!("'{}'{}", self.program.display(), args.collect::<String>())
    }

    /// Starts it.
    pub fn start(&self) -> Terminal {
        Terminal::start(self)
    }
}

/// What [`Launch::shell`] shows when it waits for a line.
pub const SHELL_PROMPT: &str = "shell>";

/// How a program ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exit {
    /// Its exit code.
    pub code: u32,
    /// The signal that ended it, if one did.
    pub signal: Option<String>,
}

impl Exit {
    /// It ended by itself with this code.
    pub fn code(code: u32) -> Self {
        Self { code, signal: None }
    }
}

/// What the program has written.
struct Shown {
    parser: vt100::Parser,
    raw: Vec<u8>,
    /// Nobody has the terminal open any more.
    closed: bool,
    /// Nobody looks at the terminal any more.
    abandoned: bool,
}

struct Screen {
    shown: Mutex<Shown>,
    changed: Condvar,
}

impl Screen {
    fn lock(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A terminal with a program in it, which is killed when this is dropped.
pub struct Terminal {
    name: String,
    master: Box<dyn MasterPty + Send>,
    writer: Box<dyn Write + Send>,
    child: Guarded,
    screen: Arc<Screen>,
    reader: Option<JoinHandle<()>>,
    /// How the terminal was before the program came.
    line_settings: String,
}

impl Terminal {
    fn start(launch: &Launch) -> Self {
        let (columns, rows) = launch.size;
        let pair = native_pty_system().openpty(pty_size(columns, rows)).expect("the system has pseudo-terminals");
        let line_settings = line_settings(&*pair.master);
        let mut command = CommandBuilder::new(&launch.program);
        command.args(&launch.args);
        command.env_clear();
        launch.env.iter().for_each(|(name, value)| command.env(name, value));
        if let Some(directory) = &launch.directory {
            command.cwd(directory);
        }
        let child = Guarded(pair.slave.spawn_command(command).expect("the program starts"));
        // Only the program has the other end now: when it is gone, reading ends.
        drop(pair.slave);
        let parser = vt100::Parser::new(cells(rows), cells(columns), 0);
        let screen = Arc::new(Screen {
            shown: Mutex::new(Shown { parser, raw: Vec::new(), closed: false, abandoned: false }),
            changed: Condvar::new(),
        });
        let output = pair.master.try_clone_reader().expect("the terminal can be read");
        let reader = std::thread::spawn({
            let screen = Arc::clone(&screen);
            move || read_all(output, &screen)
        });
        let writer = pair.master.take_writer().expect("the terminal can be written to");
        let name = launch.program.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Self { name, master: pair.master, writer, child, screen, reader: Some(reader), line_settings }
    }

    fn write(&mut self, bytes: &[u8]) {
        self.writer.write_all(bytes).and_then(|()| self.writer.flush()).unwrap_or_else(|error| {
            panic!("{} cannot be typed to ({error}); its screen:\n{}", self.name, self.screen());
        });
    }

    /// Keys as people write them: `j j enter ctrl-s`. Each is read by the program before the next is sent, so that an Esc
    /// never becomes the beginning of another key.
    pub fn keys(&mut self, keys: &str) {
        for key in keys.split_whitespace() {
            self.write(&keys::bytes(key));
            self.await_taken();
        }
    }

    /// Types a text, letter by letter; a newline is Enter.
    pub fn type_text(&mut self, text: &str) {
        for letter in text.chars() {
            let bytes = if letter == '\n' { b"\r".to_vec() } else { letter.to_string().into_bytes() };
            self.write(&bytes);
        }
        self.await_taken();
    }

    /// Pastes a text, marked as a paste where the program asked for that, as terminals do.
    pub fn paste(&mut self, text: &str) {
        let bracketed = self.screen.lock().parser.screen().bracketed_paste();
        let text = text.replace('\n', "\r");
        let bytes = if bracketed { format!("\x1b[200~{text}\x1b[201~") } else { text };
        self.write(bytes.as_bytes());
        self.await_taken();
    }

    /// Waits until the program has read everything that was typed.
    fn await_taken(&self) {
        let Some(path) = self.master.tty_name() else { return };
        let flags = OFlags::RDONLY | OFlags::NOCTTY | OFlags::CLOEXEC | OFlags::NONBLOCK;
        // A terminal that is gone takes nothing any more, and what waits for its words will say so.
        let Ok(other_end) = rustix::fs::open(path, flags, Mode::empty()) else { return };
        wait::until(&format!("{} to read what was typed", self.name), PATIENCE, || {
            deliver(&other_end);
            let left = rustix::io::ioctl_fionread(&other_end).unwrap_or(0);
            (left == 0 || self.screen.lock().closed).then_some(())
        });
    }

    /// The terminal gets another size.
    pub fn resize(&mut self, columns: u16, rows: u16) {
        self.screen.lock().parser.set_size(cells(rows), cells(columns));
        self.master.resize(pty_size(columns, rows)).expect("the terminal can be resized");
    }

    /// Sends a signal to the program.
    pub fn signal(&self, signal: Signal) {
        rustix::process::kill_process(self.pid(), signal).expect("the program runs");
    }

    /// The program's process.
    pub fn pid(&self) -> Pid {
        let id = self.child.0.process_id().and_then(|id| i32::try_from(id).ok());
        id.and_then(Pid::from_raw).expect("a started program has a number")
    }

    /// The letters on the screen, without trailing spaces.
    pub fn screen(&self) -> String {
        self.screen.lock().letters()
    }

    /// Whether a letter is on the screen in any colour.
    pub fn is_coloured(&self) -> bool {
        let shown = self.screen.lock();
        let screen = shown.parser.screen();
        let (rows, columns) = screen.size();
        (0..rows.get()).flat_map(|row| (0..columns.get()).map(move |column| (row, column))).any(|(row, column)| {
            screen
                .cell(row, column)
                .is_some_and(|cell| cell.fgcolor() != vt100::Color::Default || cell.bgcolor() != vt100::Color::Default)
        })
    }

    /// Waits until a text is on the screen.
    #[track_caller]
    pub fn wait_for(&mut self, text: &str) {
        self.wait_until(&format!("`{text}`"), |screen| screen.contains(text));
    }

    /// Waits until a text is on the screen no more.
    #[track_caller]
    pub fn wait_gone(&mut self, text: &str) {
        self.wait_until(&format!("`{text}` to go"), |screen| !screen.contains(text));
    }

    /// Waits until the letters on the screen are as `wanted` says.
    #[track_caller]
    pub fn wait_until(&mut self, what: &str, wanted: impl Fn(&str) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        let mut shown = self.screen.lock();
        loop {
            let letters = shown.letters();
            if wanted(&letters) {
                return;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let closed = shown.closed;
            assert!(!closed, "{} ended while {what} was awaited; its last screen:\n{letters}", self.name);
            assert!(!left.is_zero(), "{what} was awaited in vain; the screen of {}:\n{letters}", self.name);
            shown = self.screen.changed.wait_timeout(shown, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits until the program has written more than `bytes` bytes in all.
    #[track_caller]
    pub fn wait_written(&mut self, bytes: usize) {
        let deadline = Instant::now() + PATIENCE;
        let mut shown = self.screen.lock();
        while shown.raw.len() <= bytes {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero() && !shown.closed, "{} writes nothing more:\n{}", self.name, shown.letters());
            shown = self.screen.changed.wait_timeout(shown, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits until the program has written nothing for `span`.
    #[track_caller]
    pub fn wait_quiet(&mut self, span: Duration) {
        let is_quiet = self.wait_quiet_for(span, PATIENCE);
        assert!(is_quiet, "{} is never quiet for {span:?}:\n{}", self.name, self.screen());
    }

    /// The same, for `patience` at most; whether there was such a silence.
    pub fn wait_quiet_for(&mut self, span: Duration, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        let mut shown = self.screen.lock();
        while Instant::now() < deadline {
            let before = shown.raw.len();
            let waited = self.screen.changed.wait_timeout_while(shown, span, |shown| shown.raw.len() == before);
            let (after, waited) = waited.unwrap_or_else(PoisonError::into_inner);
            if waited.timed_out() {
                return true;
            }
            shown = after;
        }
        false
    }

    /// Presses a key; returns how long the program took to write the first byte after it.
    pub fn press(&mut self, key: &str) -> Duration {
        let bytes = keys::bytes(key);
        let before = self.bytes_written();
        let pressed = Instant::now();
        self.write(&bytes);
        self.wait_written(before);
        pressed.elapsed()
    }

    /// How many bytes the program has written.
    pub fn bytes_written(&self) -> usize {
        self.screen.lock().raw.len()
    }

    /// What the program has written, as it came.
    pub fn raw(&self) -> Vec<u8> {
        self.screen.lock().raw.clone()
    }

    /// Another program writes into the same terminal, and the first one does not know of it.
    pub fn scribble(&mut self, text: &str) {
        let path = self.master.tty_name().expect("a pseudo-terminal has a name");
        let flags = OFlags::WRONLY | OFlags::NOCTTY | OFlags::CLOEXEC;
        let other_end = rustix::fs::open(path, flags, Mode::empty()).expect("the terminal can be opened");
        rustix::io::write(&other_end, text.as_bytes()).expect("the terminal can be written to");
    }

    /// Whether the program has the whole screen now.
    pub fn is_full_screen(&self) -> bool {
        self.screen.lock().parser.screen().alternate_screen()
    }

    /// Waits for the end of the program and of what it wrote.
    #[track_caller]
    pub fn exit(&mut self) -> Exit {
        let deadline = Instant::now() + PATIENCE;
        let mut shown = self.screen.lock();
        while !shown.closed {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "{} does not end; its screen:\n{}", self.name, shown.letters());
            shown = self.screen.changed.wait_timeout(shown, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        drop(shown);
        let status = wait::until(&format!("the end of {}", self.name), PATIENCE, || {
            self.child.0.try_wait().expect("the program can be waited for")
        });
        Exit { code: status.exit_code(), signal: status.signal().map(ToOwned::to_owned) }
    }

    /// Closes the terminal under the program, as a window that is closed or a line that is cut; waits for its end.
    pub fn hang_up(self) {
        let name = self.name.clone();
        let mut child = self.abandon();
        wait::until(&format!("the end of {name} after its terminal was closed"), PATIENCE, || {
            child.0.try_wait().expect("the program can be waited for")
        });
    }

    /// Gives up every handle on the terminal, and leaves the program.
    fn abandon(mut self) -> Guarded {
        self.screen.lock().abandoned = true;
        // The reader waits for bytes, and has a handle: another size makes the program draw.
        self.resize(73, 21);
        if let Some(reader) = self.reader.take() {
            reader.join().expect("the reader does not panic");
        }
        self.child
    }

    /// Fails unless the terminal is as it was before the program came.
    #[track_caller]
    pub fn assert_restored(&self) {
        let shown = self.screen.lock();
        let on = modes::on_after(&shown.raw);
        let letters = shown.letters();
        assert!(on.iter().eq([&modes::CURSOR]), "modes left on (25 is the cursor): {on:?}; the screen:\n{letters}");
        let screen = shown.parser.screen();
        assert!(!screen.alternate_screen() && !screen.bracketed_paste() && !screen.hide_cursor(), "{letters}");
        assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None, "{letters}");
        assert_eq!(line_settings(&*self.master), self.line_settings, "echo, lines or signals are not as they were");
    }
}

/// A program that ends with its test at the latest.
struct Guarded(Box<dyn Child + Send + Sync>);

impl Drop for Guarded {
    fn drop(&mut self) {
        // It has ended already, as a rule.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Shown {
    fn letters(&self) -> String {
        let screen = self.parser.screen();
        let rows = screen.rows(0, screen.size().1.get());
        rows.map(|row| row.trim_end().to_owned()).collect::<Vec<_>>().join("\n").trim_end().to_owned()
    }
}

fn read_all(mut reader: Box<dyn Read + Send>, screen: &Screen) {
    let mut buffer = [0; 16 * 1024];
    loop {
        // The terminal's end is an error on some systems and an end of file on others.
        let count = reader.read(&mut buffer).unwrap_or(0);
        let mut shown = screen.lock();
        shown.raw.extend_from_slice(&buffer[..count]);
        shown.parser.process(&buffer[..count]);
        shown.closed = count == 0;
        let over = shown.closed || shown.abandoned;
        drop(shown);
        screen.changed.notify_all();
        if over {
            return;
        }
    }
}

/// What is typed reaches the other end of a pseudo-terminal a moment later; to ask there whether something can be read, as
/// registering it with a runtime does, brings it over at once.
fn deliver(other_end: &OwnedFd) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().expect("the system has epoll");
    let _entered = runtime.enter();
    let other_end = other_end.try_clone().expect("a handle can be cloned");
    Receiver::from_owned_fd_unchecked(other_end).map(drop).expect("a terminal can be waited for");
}

fn cells(count: u16) -> NonZeroU16 {
    NonZeroU16::new(count).expect("a terminal has cells")
}

fn pty_size(cols: u16, rows: u16) -> PtySize {
    PtySize { rows, cols, ..PtySize::default() }
}

/// Echo, line editing, signals and the like, to be compared.
fn line_settings(master: &dyn MasterPty) -> String {
    format!("{:?}", master.get_termios())
}
