//! What every full-screen program must do in a real terminal, whatever it shows.
//!
//! A program's file of tests makes a [`Subject`] and names it once:
//!
//! ```text
//! fn subject() -> Subject { … }
//! lectern_tests::pty_suite!(subject);
//! ```

use std::any::Any;
use std::fs;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::Signal;

use crate::terminal::{Exit, Launch, SHELL_PROMPT, Terminal};

/// What the help says it is.
const HELP_TITLE: &str = "Keys of this screen";
/// The smallest screen that is drawn, and one below it.
const SMALLEST: (u16, u16) = (40, 10);
const TOO_SMALL: (u16, u16) = (39, 9);
/// What a program at rest is watched for.
const AT_REST: Duration = Duration::from_secs(5);

/// A program to be tried in a terminal.
pub struct Subject {
    /// How it is started.
    pub launch: Launch,
    /// On its first screen once that is complete.
    pub ready: &'static str,
    /// Keys after which it is at rest: nothing on its screen changes by itself.
    pub rest: &'static str,
    /// What must live as long as the program, such as its cluster.
    pub keep: Box<dyn Any>,
}

impl Subject {
    /// Starts it and waits for its first screen.
    pub fn start(&self) -> Terminal {
        let mut terminal = self.launch.start();
        terminal.wait_for(self.ready);
        terminal
    }
}

/// Declares the tests of this module for one program.
#[macro_export]
macro_rules! pty_suite {
    ($subject:path) => {
        $crate::pty_suite!(@ $subject:
            it_leaves_with_q_and_gives_the_terminal_back => q_leaves,
            it_leaves_with_ctrl_c => ctrl_c_leaves,
            a_termination_ends_it_and_gives_the_terminal_back => terminated,
            a_hang_up_ends_it => hung_up,
            ctrl_z_gives_the_shell_its_terminal_and_fg_goes_on => suspended,
            a_terminal_that_is_too_small_says_so_and_recovers => resized,
            no_color_draws_without_colour => no_color,
            plain_draws_in_ascii_without_frames => plain,
            without_a_terminal_it_says_so_and_ends_with_2 => no_terminal,
            a_dumb_terminal_is_refused_in_words => dumb_terminal,
            a_mistake_in_keys_toml_is_told_by_name_before_the_screen_is_taken => wrong_keys,
            a_changed_key_works => changed_key,
            help_lists_the_keys_of_the_screen => help,
            the_palette_runs_an_action_by_its_name => palette,
            what_another_program_wrote_on_the_screen_is_drawn_over => redraw,
            at_rest_it_writes_no_byte => rest,
        );
    };
    (@ $subject:path: $($test:ident => $check:ident,)*) => {
        $(#[test] fn $test() { $crate::pty_suite::$check(&$subject()); })*
    };
}

/// `q`.
pub fn q_leaves(subject: &Subject) {
    let mut terminal = subject.start();
    assert!(terminal.is_full_screen());
    terminal.keys("q");
    assert_eq!(terminal.exit(), Exit::code(0));
    terminal.assert_restored();
}

/// The other key that always works.
pub fn ctrl_c_leaves(subject: &Subject) {
    let mut terminal = subject.start();
    terminal.keys("ctrl-c");
    assert_eq!(terminal.exit(), Exit::code(0));
    terminal.assert_restored();
}

/// SIGTERM and SIGHUP, as a system that shuts down sends them.
pub fn terminated(subject: &Subject) {
    for (signal, code) in [(Signal::TERM, 143), (Signal::HUP, 129)] {
        let mut terminal = subject.start();
        terminal.signal(signal);
        assert_eq!(terminal.exit(), Exit::code(code), "{signal:?}");
        terminal.assert_restored();
    }
}

/// The window is closed.
pub fn hung_up(subject: &Subject) {
    subject.start().hang_up();
}

/// Into the background and back.
pub fn suspended(subject: &Subject) {
    let mut terminal = subject.launch.shell();
    terminal.type_text(&format!("{}\n", subject.launch.line()));
    terminal.wait_for(subject.ready);
    terminal.keys("ctrl-z");
    terminal.wait_until("the shell's word that it stopped", |screen| screen.contains("Stopped"));
    assert!(!terminal.is_full_screen());
    terminal.type_text("echo the shell $((20 + 22))\n");
    terminal.wait_for("the shell 42");
    terminal.type_text("fg\n");
    terminal.wait_until("the screen of before", |screen| screen.contains(subject.ready) && !screen.contains("Stopped"));
    assert!(terminal.is_full_screen());
    terminal.keys("q");
    terminal.wait_until("the shell", |screen| screen.ends_with(SHELL_PROMPT));
    terminal.type_text("exit\n");
    assert_eq!(terminal.exit(), Exit::code(0));
    terminal.assert_restored();
}

/// Sizes down to where nothing can be read, and back.
pub fn resized(subject: &Subject) {
    let mut terminal = subject.start();
    for (columns, rows) in [TOO_SMALL, (5, 2), (1, 1), TOO_SMALL] {
        terminal.resize(columns, rows);
    }
    terminal.wait_for("too small");
    terminal.resize(SMALLEST.0, SMALLEST.1);
    terminal.wait_gone("too small");
    terminal.resize(120, 40);
    terminal.wait_for(subject.ready);
    terminal.keys("q");
    assert_eq!(terminal.exit(), Exit::code(0));
    terminal.assert_restored();
}

/// `NO_COLOR`, and what it differs from.
pub fn no_color(subject: &Subject) {
    assert!(subject.start().is_coloured(), "without NO_COLOR there is some colour");
    let mut terminal = subject.launch.clone().env("NO_COLOR", "1").start();
    terminal.wait_for(subject.ready);
    assert!(!terminal.is_coloured());
    terminal.keys("?");
    terminal.wait_for(HELP_TITLE);
    assert!(!terminal.is_coloured());
}

/// `--plain`.
pub fn plain(subject: &Subject) {
    let mut terminal = subject.launch.clone().arg("--plain").start();
    terminal.wait_for(subject.ready);
    // The help, too: it is the screen with the most words of the program's own.
    for (keys, shown) in [("", subject.ready), ("?", HELP_TITLE)] {
        terminal.keys(keys);
        terminal.wait_for(shown);
        let screen = terminal.screen();
        let noise = screen.chars().find(|letter| !letter.is_ascii());
        assert_eq!(noise, None, "signs that are no ASCII are read aloud as noise:\n{screen}");
    }
}

/// In a pipe.
pub fn no_terminal(subject: &Subject) {
    let mut command = subject.launch.command();
    let output = command.stdin(Stdio::null()).output().expect("the program starts");
    let words = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{words}");
    assert!(words.contains("needs a terminal") && words.contains("--help"), "{words}");
    assert!(output.stdout.is_empty());
}

/// `TERM=dumb`.
pub fn dumb_terminal(subject: &Subject) {
    let mut terminal = subject.launch.clone().env("TERM", "dumb").start();
    assert_eq!(terminal.exit(), Exit::code(2));
    assert!(terminal.screen().contains("TERM=dumb"), "{}", terminal.screen());
    assert!(!terminal.raw().contains(&0x1b), "not one escape sequence");
    terminal.assert_restored();
}

/// Writes the person's `keys.toml`.
fn write_keys(subject: &Subject, text: &str) {
    let dir = subject.launch.variable("LECTERN_CONFIG_DIR");
    fs::create_dir_all(&dir).expect("the folder is writable");
    fs::write(dir.join("keys.toml"), text).expect("the folder is writable");
}

/// A clash.
pub fn wrong_keys(subject: &Subject) {
    write_keys(subject, "[global]\nhelp = ['q']\n");
    let mut terminal = subject.launch.start();
    assert_eq!(terminal.exit(), Exit::code(2));
    // A terminal breaks lines wherever they are full.
    let screen = terminal.screen().replace('\n', "");
    assert!(screen.contains("keys.toml") && screen.contains("global.quit"), "{screen}");
    terminal.assert_restored();
}

/// A key of one's own.
pub fn changed_key(subject: &Subject) {
    write_keys(subject, "[global]\nquit = ['Q']\n");
    let mut terminal = subject.start();
    terminal.keys("q :");
    terminal.type_text("quit");
    terminal.wait_for("Leave; ");
    terminal.keys("esc Q");
    assert_eq!(terminal.exit(), Exit::code(0));
}

/// `?` and back.
pub fn help(subject: &Subject) {
    let mut terminal = subject.start();
    terminal.resize(120, 50);
    terminal.keys("?");
    terminal.wait_for("Find an action by typing a part of its name.");
    terminal.keys("esc");
    terminal.wait_gone("Find an action by typing a part of its name.");
    terminal.wait_for(subject.ready);
}

/// `:`, a part of a name, Enter.
pub fn palette(subject: &Subject) {
    let mut terminal = subject.start();
    terminal.keys(":");
    terminal.type_text("quit");
    terminal.wait_for("Leave; ");
    terminal.keys("enter");
    assert_eq!(terminal.exit(), Exit::code(0));
    terminal.assert_restored();
}

/// ^L after something else wrote into the terminal.
pub fn redraw(subject: &Subject) {
    let mut terminal = subject.start();
    terminal.scribble("\x1b[1;1HA MESSAGE OF THE SYSTEM\x1b[2;1HIN THE MIDDLE OF THINGS");
    terminal.wait_for("A MESSAGE OF THE SYSTEM");
    terminal.keys("ctrl-l");
    terminal.wait_until("a clean screen", |screen| !screen.contains("SYSTEM") && !screen.contains("MIDDLE"));
    terminal.wait_for(subject.ready);
}

/// Five seconds of nothing.
pub fn rest(subject: &Subject) {
    let mut terminal = subject.start();
    terminal.keys(subject.rest);
    terminal.wait_quiet(AT_REST);
}
