//! Asking, of the instructor or of the tutor, and what comes of it.

use clap::{Args, Subcommand};
use lectern_client::v1::ask_event::Event;
use lectern_client::{TUTOR_AWAY, cited_pages};
use lectern_proto::v1;
use serde_json::{Value, json};

use crate::args::{NumberedArg, ScopeArg};
use crate::{Error, Result, Session, input, json, output, text};

/// The longest title that is made from a question.
const TITLE_BYTES: usize = 100;

/// A question.
#[derive(Args, Debug)]
pub struct AskArgs {
    /// `cs101`, or `cs101/hw3` for a question on an assignment.
    pub scope: ScopeArg,
    /// What you want to know (Markdown); `-` for standard input.
    pub question: String,
    /// Ask the tutor; otherwise the course's staff is asked. The staff can read what you ask the tutor.
    #[arg(long)]
    pub tutor: bool,
    /// Go on in this thread, by its number, instead of beginning one.
    #[arg(long, value_name = "NUMBER")]
    pub thread: Option<u64>,
}

/// What can become of a question to the tutor.
#[derive(Subcommand, Debug)]
pub enum HandOverCommand {
    /// Hand a question that was put to the tutor over to the course's staff.
    HandOver {
        /// Such as `cs101/12`.
        thread: NumberedArg,
    },
}

/// What the staff do with answers of the tutor. To correct one, answer in its thread.
#[derive(Subcommand, Debug)]
pub enum EndorseCommand {
    /// Vouch for an answer of the tutor.
    Endorse {
        /// Such as `cs101/12`.
        thread: NumberedArg,
        /// The answer's number in the thread.
        message: u32,
        /// Take it back.
        #[arg(long)]
        withdraw: bool,
    },
}

/// Asks.
pub async fn ask(args: AskArgs, session: &Session) -> Result<()> {
    session.require_token()?;
    let AskArgs { scope, question, tutor, thread } = args;
    let body = input::words(&question)?;
    let course = scope.course.clone();
    let number = match thread {
        Some(number) => {
            session.call(v1::ReplyThreadRequest { course: course.clone(), number, body }).await?;
            number
        }
        None => begin(scope, body, tutor, session).await?.number,
    };
    if tutor {
        return relay(&course, number, session).await;
    }
    session.show(json!({"course": course, "number": number}), || {
        format!("Asked as {course}/{number}. The course's staff sees it.")
    })
}

async fn begin(scope: ScopeArg, body: String, tutor: bool, session: &Session) -> Result<v1::Thread> {
    let asked_of = if tutor { v1::AskedOf::Tutor } else { v1::AskedOf::Instructor };
    let request = v1::CreateThreadRequest {
        course: scope.course,
        assignment: scope.assignment,
        title: title(&body),
        body,
        visibility: v1::ThreadVisibility::Private.into(),
        anonymous: false,
        asked_of: asked_of.into(),
    };
    Ok(session.call(request).await?.thread.unwrap_or_default())
}

/// The question's first line, as far as a title goes.
fn title(question: &str) -> String {
    let line = question.trim().lines().next().unwrap_or_default();
    let line = line.trim_start_matches(['#', ' ']).trim();
    if line.len() <= TITLE_BYTES {
        line.to_owned()
    } else {
        format!("{}…", &line[..line.floor_char_boundary(TITLE_BYTES)])
    }
}

/// Prints an answer as it comes. For scripts: an object a line, the last with the answer as it stands in the thread.
async fn relay(course: &str, number: u64, session: &Session) -> Result<()> {
    let mut answering = session.client().ask_tutor(course, number).await?;
    let mut pieces = 0_u32;
    loop {
        let Some(event) = answering.next().await? else {
            return Err(Error::not_done(TUTOR_AWAY, "the tutor went away before the answer was done"));
        };
        if session.is_json() {
            output::show(true, value(course, number, &event), String::new);
        } else {
            print(course, number, &event, pieces);
        }
        pieces += u32::from(matches!(event, Event::Piece(_)));
        if let Event::Done(_) = event {
            return Ok(());
        }
    }
}

fn print(course: &str, number: u64, event: &Event, pieces: u32) {
    match event {
        Event::Waiting(1) => output::note("One question is before yours."),
        Event::Waiting(before) => output::note(&format!("{before} questions are before yours.")),
        Event::Excerpts(found) => {
            output::note("Found in your course:");
            for excerpt in &found.excerpts {
                output::note(&format!("  {}", place(excerpt)));
            }
        }
        Event::Piece(piece) => {
            let gap = if pieces == 0 { "\n" } else { "" };
            output::bytes(format!("{gap}{}", text::clean_body(&piece.text)).as_bytes());
        }
        Event::Done(done) => {
            let answer = done.answer.clone().unwrap_or_default();
            // What was streamed stands there already; its sources do not.
            let rest = if pieces == 0 { done.body.clone() } else { sources(&answer) };
            let gap = if pieces == 0 { "\n" } else { "\n\n" };
            output::bytes(format!("{gap}{}\n\n", text::clean_body(&rest)).as_bytes());
            output::note(&format!(
                "It is in {course}/{number}. Your instructor instead: lectern-student thread hand-over {course}/{number}"
            ));
        }
    }
}

fn place(excerpt: &v1::Excerpt) -> String {
    let citation = excerpt.citation.clone().unwrap_or_default();
    let section =
        if excerpt.section == citation.material_title { String::new() } else { format!(" – {}", excerpt.section) };
    text::clean(&format!("{}{section}, {}", citation.material_title, cited_pages(&citation.pages)))
}

fn sources(answer: &v1::TutorAnswer) -> String {
    let caution = "A language model wrote this from the pages below. It can be wrong: read them.";
    let source = |(at, citation): (usize, &v1::Citation)| {
        let mark = if citation.verified { "" } else { " (not borne out by it)" };
        let (title, slug, pages) = (&citation.material_title, &citation.material_slug, cited_pages(&citation.pages));
        format!("[{}] {title}, {pages}{mark}  (material read, {slug})", at + 1)
    };
    let sources: Vec<String> = answer.citations.iter().enumerate().map(source).collect();
    if sources.is_empty() {
        "It names no page: take it with care.".into()
    } else {
        format!("{caution}\n{}", sources.join("\n"))
    }
}

fn value(course: &str, number: u64, event: &Event) -> Value {
    match event {
        Event::Waiting(before) => json!({"event": "waiting", "before": before}),
        Event::Excerpts(found) => {
            let excerpt = |it: &v1::Excerpt| json!({"citation": it.citation.as_ref().map(json::citation), "section": it.section, "text": it.text});
            json!({"event": "excerpts", "excerpts": found.excerpts.iter().map(excerpt).collect::<Vec<_>>()})
        }
        Event::Piece(piece) => json!({"event": "piece", "text": piece.text, "unverified": piece.unverified}),
        Event::Done(done) => json!({
            "event": "done", "course": course, "number": number, "message": done.message, "body": done.body,
            "answer": done.answer.as_ref().map(json::tutor_answer),
        }),
    }
}

/// Hands a question over.
pub async fn hand_over(command: HandOverCommand, session: &Session) -> Result<()> {
    let HandOverCommand::HandOver { thread } = command;
    let request = v1::AskInstructorRequest { course: thread.course.clone(), number: thread.number };
    let changed = session.call(request).await?.thread.unwrap_or_default();
    session.show(json::thread(&changed), || format!("{thread} waits for the course's staff now."))
}

/// Vouches for an answer.
pub async fn endorse(command: EndorseCommand, session: &Session) -> Result<()> {
    let EndorseCommand::Endorse { thread, message, withdraw } = command;
    let request = v1::EndorseAnswerRequest { course: thread.course.clone(), number: thread.number, message, withdraw };
    let changed = session.call(request).await?.message.unwrap_or_default();
    session.show(json::message(&changed), || {
        if withdraw {
            format!("Nobody vouches for answer {message} of {thread} any more.")
        } else {
            format!("Answer {message} of {thread} is shown as endorsed by you.")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_the_first_line_of_the_question() {
        assert_eq!(title("# When does it end?\nI do not see it."), "When does it end?");
        let long = title(&"é".repeat(100));
        assert!(long.ends_with('…') && long.len() <= TITLE_BYTES + '…'.len_utf8(), "{long}");
    }

    #[test]
    fn what_an_answer_stands_on_is_told_with_how_to_read_it() {
        let citation = v1::Citation {
            material_slug: "notes".into(),
            material_title: "Notes".into(),
            pages: vec![3, 4],
            verified: true,
            ..Default::default()
        };
        let unsure = v1::Citation { verified: false, pages: vec![9], ..citation.clone() };
        let told = sources(&v1::TutorAnswer { citations: vec![citation, unsure], ..Default::default() });
        assert!(told.contains("[1] Notes, pages 3–4  (material read, notes)"), "{told}");
        assert!(told.contains("[2] Notes, page 9 (not borne out by it)"), "{told}");
        assert!(sources(&v1::TutorAnswer::default()).contains("no page"));
    }
}
