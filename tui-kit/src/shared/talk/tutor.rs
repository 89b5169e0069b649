//! The tutor's answer while it is on its way, below the thread that it will be in.

use lectern_client::cited_pages;
use lectern_proto::v1::{self, ask_event::Event};
use ratatui::text::{Line, Span};

use super::{Conversation, Effect, Role};
use crate::action::Action;
use crate::look::Look;
use crate::remote::{Failure, RequestId};
use crate::text;
use crate::widgets::markdown;

/// From the tutor to the staff.
pub const HAND_OVER: Action =
    Action::new("hand-over", &["i"], "instructor", "Send the question to your instructor instead of the tutor.");
/// What the tutor's last answer stands on.
pub const CITED: Action =
    Action::new("cited", &["c"], "cited page", "Open a page that the tutor's last answer names; again: the next one.");
/// Vouch for an answer.
pub const ENDORSE: Action =
    Action::new("endorse", &["v"], "endorse", "Vouch for the tutor's last answer, or take that back.");

/// What comes while the tutor answers.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// What happens.
    Event(Event),
    /// Why it answers no more.
    Failed(Failure),
}

/// An answer on its way, or why there is none.
#[derive(Debug, Default)]
pub(super) struct Watched {
    awaited: Option<RequestId>,
    /// The message that the tutor was asked to answer.
    asked: u32,
    before: u32,
    found: Vec<v1::Excerpt>,
    text: String,
    failure: Option<Failure>,
}

impl Watched {
    /// The effect that asks, where the last message is a question to the tutor that it was not asked to answer yet.
    pub fn ask(&mut self, conversation: &Conversation, again: bool) -> Option<Effect> {
        let thread = &conversation.thread;
        let last = conversation.messages.last().filter(|message| message.tutor.is_none() && !message.from_staff)?;
        let due = thread.asked_of() == v1::AskedOf::Tutor && (again || last.number > self.asked);
        if !due || self.awaited.is_some() {
            return None;
        }
        *self = Self { asked: last.number, ..Self::default() };
        Some(Effect::AskTutor { course: thread.course_slug.clone(), number: thread.number })
    }

    /// It was asked.
    pub fn start(&mut self, request: RequestId) {
        self.awaited = Some(request);
    }

    /// Takes what came; true when the answer is in the thread.
    pub fn take(&mut self, request: RequestId, news: News) -> bool {
        if self.awaited != Some(request) {
            return false;
        }
        match news {
            News::Event(Event::Waiting(before)) => self.before = before,
            News::Event(Event::Excerpts(found)) => self.found = found.excerpts,
            News::Event(Event::Piece(piece)) => {
                self.before = 0;
                self.text += &piece.text;
            }
            News::Event(Event::Done(_)) => {
                *self = Self { asked: self.asked, ..Self::default() };
                return true;
            }
            News::Failed(failure) => *self = Self { asked: self.asked, failure: Some(failure), ..Self::default() },
        }
        false
    }

    /// The answer so far, as lines of this width.
    pub fn lines(&self, width: u16, look: &Look) -> Vec<Line<'static>> {
        let theme = look.theme;
        if let Some(failure) = &self.failure {
            let words = format!("The tutor does not answer: {}", text::clean(&failure.message));
            let advice = "Ask again with ctrl-r, or send it to your instructor with i.";
            let mut lines = vec![Line::default()];
            lines.extend(text::wrap(&words, width.into()).into_iter().map(|line| Line::styled(line, theme.bad)));
            lines.push(Line::styled(advice, theme.dim));
            return lines;
        }
        if self.awaited.is_none() {
            return Vec::new();
        }
        let state = match self.before {
            1 => "one question is before yours".into(),
            2.. => format!("{} questions are before yours", self.before),
            0 if self.text.is_empty() && self.found.is_empty() => "looking in the course".into(),
            0 if self.text.is_empty() => "reading".into(),
            0 => "writing".into(),
        };
        let mut lines = vec![Line::default()];
        let dim = Span::styled(format!(" {} {state}", look.glyphs.separator), theme.dim);
        lines.push(Line::from(vec![Span::styled("Tutor", theme.title), dim]));
        if self.text.is_empty() {
            lines.extend(self.found.iter().map(|excerpt| Line::styled(place(excerpt), theme.dim)));
        } else {
            lines.extend(markdown::message(self.text.trim_end(), width, look));
        }
        lines
    }
}

/// What can be done about the tutor's last answer. These keys are of no use elsewhere, so they are told here and not in the bar.
pub(super) fn advice(conversation: &Conversation, role: Role, look: &Look) -> Option<Line<'static>> {
    let answer = conversation.messages.last().filter(|message| message.tutor.is_some())?;
    let cites = answer.tutor.as_ref().is_some_and(|tutor| !tutor.citations.is_empty());
    let opens = if cites { "c opens the page it names" } else { "" };
    let next = match role {
        Role::Student if conversation.thread.asked_of() != v1::AskedOf::Tutor => "",
        Role::Student => "i sends the question to your instructor",
        Role::Staff => "v vouches for it; your own answer takes the thread over",
    };
    let words: Vec<&str> = [opens, next].into_iter().filter(|words| !words.is_empty()).collect();
    (!words.is_empty()).then(|| Line::styled(words.join(&format!(" {} ", look.glyphs.separator)), look.theme.dim))
}

fn place(excerpt: &v1::Excerpt) -> String {
    let citation = excerpt.citation.clone().unwrap_or_default();
    text::clean(&format!("  {}, {}", citation.material_title, cited_pages(&citation.pages)))
}

/// What is said behind the name of who wrote an answer of the tutor.
pub(super) fn mark(message: &v1::ThreadMessage, look: &Look) -> Vec<Span<'static>> {
    let mut spans = Vec::new();
    if message.tutor.is_some() {
        spans.push(Span::styled(" (a language model)", look.theme.info));
    }
    if let Some(by) = &message.endorsed_by {
        spans.push(Span::styled(format!(" endorsed by {}", text::clean(&by.name)), look.theme.good));
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conversation(asked_of: v1::AskedOf, messages: u32, answered: bool) -> Conversation {
        let thread = v1::Thread { asked_of: asked_of.into(), number: 3, ..v1::Thread::default() };
        let message = |number| v1::ThreadMessage { number, ..v1::ThreadMessage::default() };
        let mut messages: Vec<v1::ThreadMessage> = (1..=messages).map(message).collect();
        if answered && let Some(last) = messages.last_mut() {
            last.tutor = Some(v1::TutorAnswer::default());
        }
        Conversation { thread, messages }
    }

    #[test]
    fn the_tutor_is_asked_once_for_each_question_and_again_when_a_person_says_so() {
        let mut watched = Watched::default();
        assert!(watched.ask(&conversation(v1::AskedOf::Instructor, 1, false), false).is_none());
        assert!(watched.ask(&conversation(v1::AskedOf::Tutor, 2, true), false).is_none(), "it has answered");
        let open = conversation(v1::AskedOf::Tutor, 1, false);
        assert!(watched.ask(&open, false).is_some());
        watched.start(RequestId(7));
        assert!(watched.ask(&open, true).is_none(), "it is at it");
        watched.take(RequestId(7), News::Failed(Failure::local("gone")));
        assert!(watched.ask(&open, false).is_none());
        assert!(watched.ask(&open, true).is_some());
        assert!(watched.ask(&conversation(v1::AskedOf::Tutor, 3, false), false).is_some());
    }

    #[test]
    fn pieces_of_another_request_are_not_taken() {
        let mut watched = Watched::default();
        watched.ask(&conversation(v1::AskedOf::Tutor, 1, false), false);
        watched.start(RequestId(7));
        let piece = |text: &str| News::Event(Event::Piece(v1::AnswerPiece { text: text.into(), unverified: false }));
        assert!(!watched.take(RequestId(6), piece("old")));
        assert!(!watched.take(RequestId(7), piece("new")));
        assert_eq!(watched.text, "new");
        assert!(watched.take(RequestId(7), News::Event(Event::Done(v1::AnswerDone::default()))));
        assert!(watched.awaited.is_none());
    }
}
