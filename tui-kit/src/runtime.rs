//! The loop: signals, then input, then answers, then the frame. The only place that waits, reads the clock and has the
//! terminal.

use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crossterm::event::{Event, EventStream};
use rustix::process::Signal;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio_stream::StreamExt as _;

use crate::app::{App, Input};
use crate::program::{Feed, Incoming, KitAnswer, Program};
use crate::screen::{Issued, KitWork, Work};
use crate::tasks::Tasks;
use crate::terminal::Terminal;

/// Between two frames at least.
const FRAME: Duration = Duration::from_millis(16);
/// How long a signal's end waits for what is being saved.
const LAST_SAVES: Duration = Duration::from_secs(2);
/// Answers taken in a row before the keyboard is looked at again.
const BATCH: usize = 64;

/// This machine's time, from one reading of its clock: it never goes backwards.
struct Clock {
    started: Instant,
    started_ms: i64,
}

impl Clock {
    fn new() -> Self {
        Self { started: Instant::now(), started_ms: lectern_cli::text::now_ms() }
    }

    fn now_ms(&self) -> i64 {
        self.started_ms + i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX / 2)
    }

    fn instant(&self, at_ms: i64) -> tokio::time::Instant {
        let since = u64::try_from(at_ms - self.started_ms).unwrap_or(0);
        tokio::time::Instant::from_std(self.started + Duration::from_millis(since))
    }
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The person left.
    Left,
    /// A signal ended it: the number.
    Signal(i32),
}

/// What a run needs beside the program.
pub struct Setup<P: Program> {
    /// For effects.
    pub env: P::Env,
    /// The way into the update, which tasks may have from before.
    pub feed: Feed<P>,
    /// Its other end.
    pub incoming: mpsc::Receiver<Incoming<P>>,
    /// Where texts lie while the person's editor has them.
    pub edit_dir: PathBuf,
    /// Whether clicks and the wheel are wanted.
    pub mouse: bool,
}

/// Makes the program with this machine's time, and runs it to its end.
pub async fn run<P: Program>(setup: Setup<P>, make: impl FnOnce(i64) -> (App<P>, Vec<Issued<P>>)) -> io::Result<End> {
    let clock = Clock::new();
    let (app, issued) = make(clock.now_ms());
    let mut run = Run {
        app,
        clock,
        terminal: Terminal::enter(setup.mouse)?,
        input: Some(EventStream::new()),
        tasks: Tasks::new(setup.env, setup.feed, setup.edit_dir),
        incoming: setup.incoming,
        dirty: true,
        drawn: None,
    };
    run.begin(issued)?;
    run.turn().await
}

struct Run<P: Program> {
    app: App<P>,
    clock: Clock,
    terminal: Terminal,
    /// None while the person's editor has the terminal.
    input: Option<EventStream>,
    tasks: Tasks<P>,
    incoming: mpsc::Receiver<Incoming<P>>,
    dirty: bool,
    drawn: Option<Instant>,
}

/// One of the things a turn waits for.
enum Happened<P: Program> {
    Signal(Signal),
    Event(Option<io::Result<Event>>),
    Incoming(Incoming<P>),
    Done(crate::remote::RequestId),
    Frame,
    Wake,
}

impl<P: Program> Run<P> {
    async fn turn(&mut self) -> io::Result<End> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut hang_up = signal(SignalKind::hangup())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut resume = signal(SignalKind::from_raw(Signal::CONT.as_raw()))?;
        loop {
            if self.app.has_ended() {
                return Ok(End::Left);
            }
            self.draw_if_due()?;
            let frame_at = self.drawn.map_or_else(Instant::now, |drawn| drawn + FRAME);
            let wakes_at = self.app.wakes_at().map(|at| self.clock.instant(at));
            let happened = tokio::select! {
                biased;
                _ = terminate.recv() => Happened::Signal(Signal::TERM),
                _ = hang_up.recv() => Happened::Signal(Signal::HUP),
                _ = resume.recv() => Happened::Signal(Signal::CONT),
                _ = interrupt.recv() => Happened::Signal(Signal::INT),
                event = next_event(&mut self.input) => Happened::Event(event),
                Some(incoming) = self.incoming.recv() => Happened::Incoming(incoming),
                request = self.tasks.next_done() => Happened::Done(request),
                () = tokio::time::sleep_until(frame_at.into()), if self.dirty && self.input.is_some() => Happened::Frame,
                () = sleep_until(wakes_at) => Happened::Wake,
            };
            if let Some(end) = self.handle(happened).await? {
                return Ok(end);
            }
        }
    }

    async fn handle(&mut self, happened: Happened<P>) -> io::Result<Option<End>> {
        match happened {
            Happened::Signal(Signal::CONT) => {
                if self.input.is_some() {
                    self.terminal.resume()?;
                    self.dirty = true;
                }
            }
            // The editor gets it too, and it is meant for the editor. It is taken here all the same: left waiting, it would
            // end the program when the editor is done.
            Happened::Signal(Signal::INT) if self.input.is_none() => {}
            Happened::Signal(signal) => return self.end_by(signal).await.map(Some),
            Happened::Event(None | Some(Err(_))) => return self.end_by(Signal::HUP).await.map(Some),
            Happened::Event(Some(Ok(event))) => self.event(event)?,
            Happened::Incoming(incoming) => {
                self.take_in(incoming)?;
                for _ in 1..BATCH {
                    let Ok(incoming) = self.incoming.try_recv() else { break };
                    self.take_in(incoming)?;
                }
            }
            Happened::Done(request) => self.step(Input::Done(request))?,
            Happened::Wake => self.step(Input::Wake)?,
            Happened::Frame => {}
        }
        Ok(None)
    }

    fn event(&mut self, event: Event) -> io::Result<()> {
        match event {
            Event::Key(key) => self.step(Input::Key(key)),
            // Terminals send the end of a line as Enter does.
            Event::Paste(text) => self.step(Input::Paste(text.replace("\r\n", "\n").replace('\r', "\n"))),
            Event::Mouse(event) => self.step(Input::Mouse(event)),
            Event::Resize(..) => {
                self.dirty = true;
                Ok(())
            }
            Event::FocusGained | Event::FocusLost => Ok(()),
        }
    }

    fn take_in(&mut self, incoming: Incoming<P>) -> io::Result<()> {
        if matches!(incoming, Incoming::Kit { answer: KitAnswer::Edited(_), .. }) {
            self.terminal.resume()?;
            self.input = Some(EventStream::new());
        }
        self.step(Input::Incoming(incoming))
    }

    fn step(&mut self, input: Input<P>) -> io::Result<()> {
        let issued = self.app.update(input, self.clock.now_ms());
        self.dirty = true;
        self.begin(issued)?;
        self.tasks.cancel(self.app.take_closed());
        let wish = self.app.take_wish();
        if wish.redraw {
            self.terminal.painter.forget();
        }
        if wish.suspend { self.suspend() } else { Ok(()) }
    }

    fn begin(&mut self, issued: Vec<Issued<P>>) -> io::Result<()> {
        for work in issued {
            match &work.work {
                Work::Kit(KitWork::Copy(text)) => {
                    if !self.terminal.painter.copy(text)? {
                        self.app.update(Input::NotCopied, self.clock.now_ms());
                    }
                }
                Work::Kit(KitWork::Edit { .. }) => {
                    self.input = None;
                    self.terminal.release()?;
                }
                _ => {}
            }
            self.tasks.start(work);
        }
        Ok(())
    }

    /// Stops the whole group, so that a script around the program stops, too; goes on when the shell says so.
    fn suspend(&mut self) -> io::Result<()> {
        self.terminal.release()?;
        rustix::process::kill_current_process_group(Signal::TSTP)?;
        self.terminal.resume()?;
        self.dirty = true;
        Ok(())
    }

    fn draw_if_due(&mut self) -> io::Result<()> {
        let due = self.drawn.is_none_or(|drawn| drawn.elapsed() >= FRAME);
        if !self.dirty || !due || self.input.is_none() {
            return Ok(());
        }
        let size = self.terminal.size()?;
        let app = &self.app;
        if self.terminal.painter.frame(size, |buf| app.view(buf))? {
            self.drawn = Some(Instant::now());
        }
        self.dirty = false;
        Ok(())
    }

    /// Saves what was typed, waits a little for it, and ends.
    async fn end_by(&mut self, signal: Signal) -> io::Result<End> {
        let deadline = tokio::time::Instant::now() + LAST_SAVES;
        self.save_more(Input::Leaving);
        while self.app.is_saving() {
            tokio::select! {
                () = tokio::time::sleep_until(deadline) => break,
                Some(incoming) = self.incoming.recv() => self.save_more(Input::Incoming(incoming)),
                request = self.tasks.next_done() => self.save_more(Input::Done(request)),
            }
        }
        Ok(End::Signal(signal.as_raw()))
    }

    /// One step of the last ones: what it asks for is started, too, such as the save that waited behind another.
    fn save_more(&mut self, input: Input<P>) {
        for work in self.app.update(input, self.clock.now_ms()) {
            self.tasks.start(work);
        }
    }
}

async fn next_event(input: &mut Option<EventStream>) -> Option<io::Result<Event>> {
    match input {
        Some(stream) => stream.next().await,
        None => std::future::pending().await,
    }
}

async fn sleep_until(at: Option<tokio::time::Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
