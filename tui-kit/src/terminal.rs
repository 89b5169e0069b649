//! The one guard of the terminal: whatever was switched on is switched off, at the end, on a panic, on a signal, around
//! the person's editor and in the background.

use std::io::{self, BufWriter, IsTerminal, Stdout, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::cursor::{SetCursorStyle, Show};
use crossterm::event::{DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture};
use crossterm::execute;
use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};

use crate::painter::Painter;

/// Whether the terminal is ours now: what a panic has to give back.
static ENTERED: AtomicBool = AtomicBool::new(false);

/// The terminal, while the program has it.
pub struct Terminal {
    /// Draws.
    pub painter: Painter<BufWriter<Stdout>>,
    mouse: bool,
}

impl Terminal {
    /// Refuses where there is no terminal, in words.
    pub fn check() -> Result<(), String> {
        if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
            return Err("the full-screen program needs a terminal; see --help for subcommands, which do not".into());
        }
        if std::env::var("TERM").is_ok_and(|term| term == "dumb") {
            return Err("this terminal cannot move its cursor (TERM=dumb); see --help for subcommands".into());
        }
        Ok(())
    }

    /// Takes the terminal, and gives it back when a panic ends the program. `mouse`: clicks and the wheel are wanted.
    pub fn enter(mouse: bool) -> io::Result<Self> {
        restore_on_panic();
        let mut terminal = Self { painter: Painter::new(BufWriter::new(io::stdout())), mouse };
        terminal.resume()?;
        Ok(terminal)
    }

    /// Takes it again after [`Terminal::release`].
    pub fn resume(&mut self) -> io::Result<()> {
        ENTERED.store(true, Ordering::SeqCst);
        enable_raw_mode()?;
        execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste)?;
        if self.mouse {
            execute!(io::stdout(), EnableMouseCapture)?;
        }
        self.painter.forget();
        Ok(())
    }

    /// Gives it back, for the editor, the background, or the end.
    pub fn release(&mut self) -> io::Result<()> {
        give_back()
    }

    /// Columns and rows.
    pub fn size(&self) -> io::Result<(u16, u16)> {
        crossterm::terminal::size()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // A terminal that is gone needs nothing.
        let _ = give_back();
    }
}

fn give_back() -> io::Result<()> {
    if !ENTERED.swap(false, Ordering::SeqCst) {
        return Ok(());
    }
    let written = execute!(
        io::stdout(),
        DisableMouseCapture,
        DisableBracketedPaste,
        SetCursorStyle::DefaultUserShape,
        Show,
        LeaveAlternateScreen
    );
    disable_raw_mode()?;
    written?;
    io::stdout().flush()
}

fn restore_on_panic() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let tell = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            // The message is worth more than a clean screen.
            let _ = give_back();
            tell(panic);
        }));
    });
}
