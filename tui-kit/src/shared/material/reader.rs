//! One material, read here: PDF and text by page, Markdown as it is meant to look.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::ops::Range;

use crossterm::event::MouseEvent;
use lectern_proto::v1;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::{Effect, Message, Pages, READER_SCOPE, Saver, VIEW, list};
use crate::action::{Action, BACK, Group, REFRESH, Scope};
use crate::look::Canvas;
use crate::program::KitAnswer;
use crate::remote::{Failure, RequestId};
use crate::screen::{Cx, Screen, Tone};
use crate::shared::{self, Shares};
use crate::widgets::line::LineInput;
use crate::widgets::markdown::MarkdownView;
use crate::widgets::reader::{Page, Reader};
use crate::widgets::reading::flow;
use crate::widgets::{Outcome, Part};
use crate::{states, text};

/// Go to a page.
pub const GO_TO_PAGE: Action = Action::new("page", &["p"], "page …", "Go to a page by its number.").in_bar();

/// One page on.
pub const NEXT_PAGE: Action = Action::new("next-page", &["l", "right"], "next page", "Go to the next page.").in_bar();
/// One page back.
pub const PREVIOUS_PAGE: Action = Action::new("previous-page", &["h", "left"], "page before", "Go to the page before.");

/// Reading a material.
pub const TEXT: Group =
    Group { name: "material", title: "A material", actions: &[GO_TO_PAGE, NEXT_PAGE, PREVIOUS_PAGE] };

/// Pages of a Markdown text that are asked for at once: as many as an answer may have.
const ALL: u32 = 100;

/// How it is read.
enum Text {
    /// By page, as they come.
    Paged(Reader),
    /// As a whole.
    Markdown { view: MarkdownView, pages: BTreeMap<u32, String>, total: Option<u32>, failure: Option<Failure> },
    /// Not here.
    None,
}

impl Text {
    fn part(&self) -> Option<&dyn Part> {
        match self {
            Self::Paged(reader) => Some(reader),
            Self::Markdown { view, .. } => Some(view),
            Self::None => None,
        }
    }

    fn part_mut(&mut self) -> Option<&mut dyn Part> {
        match self {
            Self::Paged(reader) => Some(reader),
            Self::Markdown { view, .. } => Some(view),
            Self::None => None,
        }
    }
}

/// The reader.
pub struct ReaderScreen<P> {
    course: String,
    material: v1::Material,
    text: Text,
    /// Pages that were asked for, by request.
    asked: BTreeMap<RequestId, Range<u32>>,
    page: Option<LineInput>,
    saver: Saver,
    noted: bool,
    /// The page to begin at, once it is known how many there are.
    begin_at: Option<u32>,
    program: PhantomData<fn() -> P>,
}

impl<P: Shares> ReaderScreen<P> {
    /// A material of a course.
    pub fn new(course: &str, material: v1::Material) -> Self {
        let text = match material.kind() {
            v1::MaterialKind::Pdf | v1::MaterialKind::Text => Text::Paged(Reader::new()),
            v1::MaterialKind::Markdown => {
                Text::Markdown { view: MarkdownView::new(""), pages: BTreeMap::new(), total: None, failure: None }
            }
            v1::MaterialKind::Other | v1::MaterialKind::Unspecified => Text::None,
        };
        Self {
            course: course.into(),
            noted: material.opened,
            material,
            text,
            asked: BTreeMap::new(),
            page: None,
            saver: Saver::default(),
            begin_at: None,
            program: PhantomData,
        }
    }

    /// A material of a course, opened at a page where it has pages.
    pub fn at_page(course: &str, material: v1::Material, page: u32) -> Self {
        Self { begin_at: Some(page), ..Self::new(course, material) }
    }

    /// Asks for the pages that are needed next.
    fn fetch(&mut self, cx: &mut Cx<'_, P>) {
        let wanted = match &mut self.text {
            Text::Paged(reader) => reader.wanted().inspect(|pages| reader.asked(pages.clone())),
            Text::Markdown { pages, total, .. } if self.asked.is_empty() => {
                let next = pages.last_key_value().map_or(1, |(number, _)| number + 1);
                total.is_none_or(|total| next <= total).then_some(next..next + ALL)
            }
            Text::Markdown { .. } | Text::None => None,
        };
        if let Some(pages) = wanted {
            let (first, count) = (pages.start, pages.end - pages.start);
            let (course, material) = (self.course.clone(), self.material.slug.clone());
            let effect = Effect::Pages { course, material, first, count };
            let request = cx.share(shared::Effect::Material(effect));
            self.asked.insert(request, pages);
        }
    }

    fn arrived(&mut self, asked: Range<u32>, answer: Result<Pages, Failure>, cx: &mut Cx<'_, P>) {
        let good = answer.is_ok();
        match (&mut self.text, answer) {
            (Text::Paged(reader), Ok(answer)) => {
                reader.set_total(answer.total);
                if let Some(page) = self.begin_at.take() {
                    reader.go_to_page(page);
                }
                for page in answer.pages {
                    let text = text::clean_body(&page.text);
                    let is_paper = self.material.kind() == v1::MaterialKind::Pdf;
                    let text = if is_paper { flow::paragraphs(&text) } else { text };
                    reader.put(&Page { number: page.number, text, scanned: page.scanned });
                }
            }
            (Text::Paged(reader), Err(failure)) => {
                let message = format!("{}; ctrl-r asks again", states::sentence(&failure));
                reader.failed(asked, &Failure { message, advice: String::new(), ..failure });
            }
            (Text::Markdown { view, pages, total, failure }, Ok(answer)) => {
                *total = Some(answer.total);
                *failure = None;
                // A page that did not come must not be asked for for ever.
                pages.extend(asked.take_while(|number| *number <= answer.total).map(|number| (number, String::new())));
                pages.extend(answer.pages.into_iter().map(|page| (page.number, page.text)));
                view.set(&pages.values().map(String::as_str).collect::<Vec<_>>().join("\n"));
            }
            (Text::Markdown { failure, .. }, Err(why)) => *failure = Some(why),
            (Text::None, _) => {}
        }
        if good {
            self.note_opened(cx);
            self.fetch(cx);
        }
    }

    /// Notes, once, that the person opened it.
    fn note_opened(&mut self, cx: &mut Cx<'_, P>) {
        if !std::mem::replace(&mut self.noted, true) {
            let (course, material) = (self.course.clone(), self.material.slug.clone());
            let effect = Effect::MarkOpened { key: lectern_client::new_key(), course, material };
            cx.share(shared::Effect::Material(effect));
        }
    }

    /// What a key came to while the number of a page was typed.
    fn page_used(&mut self, outcome: Outcome, cx: &mut Cx<'_, P>) {
        if !matches!(outcome, Outcome::Chosen | Outcome::Left) {
            return;
        }
        let number = self.page.take().and_then(|line| line.text().trim().parse::<u32>().ok());
        if let (Outcome::Chosen, Some(number), Text::Paged(reader)) = (outcome, number, &mut self.text) {
            if let Some(total) = reader.total().filter(|total| !(1..=*total).contains(&number)) {
                return cx.toast(Tone::Bad, format!("There is no page {number}: the last one is {total}."));
            }
            reader.go_to_page(number.max(1));
        }
    }

    fn view_text(&self, area: Rect, canvas: &mut Canvas<'_>) {
        let dim = canvas.look.theme.dim;
        match &self.text {
            Text::Paged(reader) => reader.view(area, canvas, true),
            Text::Markdown { view, .. } if !view.is_empty() => view.view(area, canvas, true),
            Text::Markdown { failure: Some(failure), .. } => states::failed(failure, "the text", area, canvas),
            Text::Markdown { total: None, .. } => canvas.line(area, Line::styled("Asking for the text …", dim)),
            Text::Markdown { .. } => canvas.line(area, Line::styled("This text is empty.", dim)),
            Text::None => {
                let words = format!(
                    "This is a {}, which cannot be read here. `o` opens it in your own viewer, `w` saves it.",
                    list::kind(&self.material)
                );
                let lines = text::wrap(&words, area.width.into()).into_iter();
                canvas.lines(area, lines.map(|line| Line::styled(line, dim)));
            }
        }
    }
}

impl<P: Shares> Screen<P> for ReaderScreen<P> {
    fn scope(&self) -> &'static Scope {
        &READER_SCOPE
    }

    fn title(&self, _model: &P::Model) -> String {
        self.material.title.clone()
    }

    fn disabled(&self, action: &Action, _model: &P::Model) -> Option<String> {
        match (action, &self.text) {
            (&(GO_TO_PAGE | NEXT_PAGE | PREVIOUS_PAGE), Text::Markdown { .. } | Text::None) => {
                return Some("This text has no pages.".into());
            }
            (&NEXT_PAGE, Text::Paged(reader)) if reader.total().is_some_and(|last| reader.current_page() >= last) => {
                return Some("This is the last page.".into());
            }
            (&PREVIOUS_PAGE, Text::Paged(reader)) if reader.current_page() <= 1 => {
                return Some("This is the first page.".into());
            }
            _ => {}
        }
        self.saver.disabled(action, self.material.file.as_ref())
    }

    fn opened(&mut self, cx: &mut Cx<'_, P>) {
        self.fetch(cx);
    }

    fn resumed(&mut self, cx: &mut Cx<'_, P>) {
        self.fetch(cx);
    }

    fn act(&mut self, action: &Action, cx: &mut Cx<'_, P>) -> bool {
        if self.saver.file_act(action, self.material.file.as_ref(), cx) {
            if *action == VIEW {
                self.note_opened(cx);
            }
            return true;
        }
        match *action {
            BACK if self.page.is_some() => self.page = None,
            GO_TO_PAGE => self.page = Some(LineInput::default()),
            NEXT_PAGE | PREVIOUS_PAGE => {
                if let Text::Paged(reader) = &mut self.text {
                    let at = reader.current_page();
                    reader.go_to_page(if *action == NEXT_PAGE { at + 1 } else { at.saturating_sub(1) });
                }
                self.fetch(cx);
            }
            REFRESH => {
                match &mut self.text {
                    Text::Paged(reader) => reader.retry(),
                    Text::Markdown { failure, .. } => *failure = None,
                    Text::None => {}
                }
                self.fetch(cx);
            }
            _ => {
                let used = self.text.part_mut().is_some_and(|text| text.act(action));
                self.fetch(cx);
                return used;
            }
        }
        true
    }

    fn part(&self) -> Option<&dyn Part> {
        match &self.page {
            _ if self.saver.text_focus() => Some(&self.saver),
            Some(line) => Some(line),
            None => self.text.part(),
        }
    }

    fn part_mut(&mut self) -> Option<&mut dyn Part> {
        match &mut self.page {
            _ if self.saver.text_focus() => Some(&mut self.saver),
            Some(line) => Some(line),
            None => self.text.part_mut(),
        }
    }

    fn used(&mut self, outcome: Outcome, cx: &mut Cx<'_, P>) {
        if !self.saver.used(outcome, cx) {
            self.page_used(outcome, cx);
            self.fetch(cx);
        }
    }

    /// The text moves under the wheel also while a line is typed below it.
    fn mouse(&mut self, event: MouseEvent, cx: &mut Cx<'_, P>) {
        if let Some(text) = self.text.part_mut() {
            text.mouse(event);
        }
        self.fetch(cx);
    }

    fn received(&mut self, request: RequestId, message: P::Message, cx: &mut Cx<'_, P>) {
        let Some(shared::Message::Material(message)) = P::shared(message) else { return };
        match message {
            Message::Pages(answer) => {
                if let Some(asked) = self.asked.remove(&request) {
                    self.arrived(asked, answer, cx);
                }
            }
            message => self.saver.received(request, message, cx),
        }
    }

    fn answered(&mut self, request: RequestId, answer: KitAnswer, cx: &mut Cx<'_, P>) {
        self.saver.answered(request, &answer, cx);
    }

    fn confirmed(&mut self, request: RequestId, cx: &mut Cx<'_, P>) {
        self.saver.confirmed(request, cx);
    }

    fn view(&self, _model: &P::Model, area: Rect, canvas: &mut Canvas<'_>) {
        let mut area = self.saver.view(area, canvas);
        if let Some(line) = &self.page
            && area.height > 1
        {
            area.height -= 1;
            line.view("Page: ", Rect { y: area.bottom(), height: 1, ..area }, canvas, true);
        }
        self.view_text(area, canvas);
    }
}
