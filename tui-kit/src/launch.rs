//! From the command line to the full screen and back: terminal, settings, log file, runtime, exit code.

use std::fs;
use std::os::unix::fs::OpenOptionsExt as _;
use std::process::ExitCode;

use lectern_cli::args::GlobalArgs;
use lectern_cli::{Error, Session, output};
use lectern_client::{Client, Dirs};
use tracing_subscriber::EnvFilter;

use crate::app::App;
use crate::program::{Feed, Incoming, Program};
use crate::runtime::{self, End, Setup};
use crate::screen::{Issued, Screen};
use crate::settings::{Settings, TuiArgs};
use crate::terminal::Terminal;

/// What a program begins with.
pub struct Opening<P: Program, S: Screen<P>> {
    /// For its effects.
    pub env: P::Env,
    /// What its screens share.
    pub model: P::Model,
    /// The first screen.
    pub first: S,
}

/// Runs a program full screen. `open` makes its opening out of the person's session; it is called inside the runtime.
pub fn launch<P, S>(
    global: &GlobalArgs,
    args: TuiArgs,
    open: impl FnOnce(Session) -> Result<Opening<P, S>, Error>,
) -> ExitCode
where
    P: Program,
    S: Screen<P> + 'static,
{
    if let Err(words) = Terminal::check() {
        return output::fail(&Error::usage(words), false);
    }
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return output::fail(&Error::usage(format!("the program cannot start: {error}")), false),
    };
    let ended = runtime.block_on(start(global, args, open));
    // A task that waits for the network must not hold the end up.
    runtime.shutdown_background();
    match ended {
        Ok(End::Left) => ExitCode::SUCCESS,
        Ok(End::Signal(number)) => ExitCode::from(u8::try_from(128 + number).unwrap_or(u8::MAX)),
        Err(error) => output::fail(&error, false),
    }
}

async fn start<P, S>(
    global: &GlobalArgs,
    args: TuiArgs,
    open: impl FnOnce(Session) -> Result<Opening<P, S>, Error>,
) -> Result<End, Error>
where
    P: Program,
    S: Screen<P> + 'static,
{
    let session = Session::open(global)?;
    let dirs = session.profiles().dirs().clone();
    let Settings { look, keymap, mouse } = Settings::load(&dirs, args, P::SCOPES).map_err(Error::usage)?;
    log_to_file(&dirs, P::NAME);
    let client = session.client().clone();
    let opening = open(session)?;
    let (feed, incoming) = Feed::new();
    if P::TELLS_LINK {
        tokio::spawn(follow_link(client, feed.clone()));
    }
    let edit_dir = dirs.state.join("edit");
    let setup = Setup { env: opening.env, feed, incoming, edit_dir, mouse };
    let make = |now_ms| -> (App<P>, Vec<Issued<P>>) { App::new(opening.model, opening.first, keymap, look, now_ms) };
    runtime::run(setup, make).await.map_err(|error| Error::io("the terminal", error))
}

/// Tells the update of each state of the connection.
async fn follow_link<P: Program>(client: Client, feed: Feed<P>) {
    let mut link = client.link();
    loop {
        let state = link.borrow_and_update().clone();
        feed.send(Incoming::Link(state)).await;
        if link.changed().await.is_err() {
            return;
        }
    }
}

/// What `LECTERN_LOG` asks for (warnings by default) goes to a file: the screen is taken.
fn log_to_file(dirs: &Dirs, name: &str) {
    let dir = dirs.state.join("log");
    let file = fs::create_dir_all(&dir).and_then(|()| {
        fs::OpenOptions::new().create(true).append(true).mode(0o600).open(dir.join(format!("{name}.log")))
    });
    // A program without a log is better than none.
    let Ok(file) = file else { return };
    let filter = EnvFilter::try_from_env("LECTERN_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    let log =
        tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(std::sync::Mutex::new(file));
    let _ = log.try_init();
}
