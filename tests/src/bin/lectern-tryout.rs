//! The smallest full-screen program of the kit: what the tests in a terminal cannot ask of the real ones, such as to panic.

use std::fmt;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use crossterm::event::KeyEvent;
use lectern_cli::Session;
use lectern_cli::args::GlobalArgs;
use lectern_tui_kit::action::{Action, Group, Scope};
use lectern_tui_kit::launch::{Opening, launch};
use lectern_tui_kit::look::Canvas;
use lectern_tui_kit::program::{KitAnswer, Program, Reply};
use lectern_tui_kit::remote::RequestId;
use lectern_tui_kit::screen::{Cx, KitWork, Screen};
use lectern_tui_kit::settings::TuiArgs;
use lectern_tui_kit::text;
use lectern_tui_kit::widgets::line::LineInput;
use lectern_tui_kit::widgets::{Outcome, Part as _};
use ratatui::layout::Rect;
use ratatui::text::Line;

/// Try the kit: write, edit outside, panic.
#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    global: GlobalArgs,
    #[command(flatten)]
    tui: TuiArgs,
}

const WRITE: Action = Action::new("write", &["w"], "write", "Write into the line.").in_bar();
const EDIT: Action = Action::new("edit", &["e"], "edit", "Edit the text outside.").in_bar();
const COUNT: Action = Action::new("count", &["j"], "count", "Count this key.").in_bar();
const PANIC: Action = Action::new("panic", &["!"], "panic", "Come to a defect.");
const GROUP: Group = Group { name: "tryout", title: "Tryout", actions: &[WRITE, EDIT, COUNT, PANIC] };
const SCOPE: Scope = Scope { name: "tryout", title: "Tryout", groups: &[&GROUP] };

#[derive(Debug)]
struct Tryout;

/// This program does nothing outside its update.
#[derive(Clone, Copy, Debug)]
enum Nothing {}

impl Program for Tryout {
    type Model = ();
    type Effect = Nothing;
    type Message = Nothing;
    type Env = Arc<Session>;

    const NAME: &'static str = "lectern-tryout";
    const SCOPES: &'static [Scope] = &[SCOPE];

    async fn perform(_env: Arc<Session>, effect: Nothing, _reply: Reply<Self>) {
        match effect {}
    }

    fn is_change(effect: &Nothing) -> bool {
        match *effect {}
    }

    fn received(_request: RequestId, message: Nothing, _cx: &mut Cx<'_, Self>) {
        match message {}
    }

    fn headline((): &()) -> String {
        "nobody".into()
    }

    fn session(env: &Arc<Session>) -> &Session {
        env
    }
}

#[derive(Default)]
struct Page {
    line: LineInput,
    writing: bool,
    edited: String,
    counted: u32,
}

impl fmt::Display for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "The tryout is ready.\ncounted: {}\nwritten: [{}]\n", self.counted, self.line.text())?;
        write!(f, "edited: [{}]\nwriting: {}", self.edited, self.writing)
    }
}

impl Screen<Tryout> for Page {
    fn scope(&self) -> &'static Scope {
        &SCOPE
    }

    fn title(&self, (): &()) -> String {
        "tryout".into()
    }

    fn opened(&mut self, _cx: &mut Cx<'_, Tryout>) {}

    fn act(&mut self, action: &Action, cx: &mut Cx<'_, Tryout>) -> bool {
        match *action {
            WRITE => self.writing = true,
            EDIT => drop(cx.kit(KitWork::Edit { text: "before\n".into(), extension: "txt".into() })),
            COUNT => self.counted += 1,
            PANIC => panic!("the defect that was asked for"),
            lectern_tui_kit::action::BACK if self.writing => self.writing = false,
            _ => return false,
        }
        true
    }

    fn text_focus(&self) -> bool {
        self.writing
    }

    fn key(&mut self, key: KeyEvent, _cx: &mut Cx<'_, Tryout>) {
        if self.writing && matches!(self.line.key(key), Outcome::Chosen | Outcome::Left) {
            self.writing = false;
        }
    }

    fn paste(&mut self, pasted: &str, _cx: &mut Cx<'_, Tryout>) {
        self.line.paste(pasted);
    }

    fn received(&mut self, _request: RequestId, message: Nothing, _cx: &mut Cx<'_, Tryout>) {
        match message {}
    }

    fn answered(&mut self, _request: RequestId, answer: KitAnswer, _cx: &mut Cx<'_, Tryout>) {
        if let KitAnswer::Edited(edited) = answer {
            self.edited = edited.map_or_else(|failure| failure.message, |text| text.trim().replace('\n', " "));
        }
    }

    fn view(&self, (): &(), area: Rect, canvas: &mut Canvas<'_>) {
        let style = canvas.look.theme.accent;
        let words = text::clean_body(&self.to_string());
        canvas.lines(area, words.lines().map(|line| Line::styled(line.to_owned(), style)));
    }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    launch::<Tryout, Page>(&cli.global, cli.tui, |session| {
        Ok(Opening { env: Arc::new(session), model: (), first: Page::default() })
    })
}
