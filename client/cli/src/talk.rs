//! Threads and announcements, from both chairs.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use lectern_client::Code;
use lectern_proto::v1;
use serde_json::json;

use crate::args::{CourseArg, NumberedArg, ScopeArg};
use crate::table::{cut, keep, spare};
use crate::{Error, Result, Session, input, json, pages, text};

/// Questions and answers.
#[derive(Subcommand, Debug)]
pub enum ThreadCommand {
    /// Ask a question in a course or on an assignment.
    Ask {
        /// `cs101`, or `cs101/hw3` for a question on an assignment.
        scope: ScopeArg,
        /// The question in a line.
        #[arg(long)]
        title: String,
        /// What you want to ask.
        #[command(flatten)]
        body: BodyArgs,
        /// Only the course's staff sees it.
        #[arg(long)]
        private: bool,
        /// Other students do not see who asks.
        #[arg(long)]
        anonymous: bool,
    },
    /// List the threads of a course.
    List {
        /// Such as `cs101`.
        course: CourseArg,
        /// Only those that wait for an answer.
        #[arg(long)]
        open: bool,
    },
    /// Show a thread, and mark it as read.
    Show {
        /// Such as `cs101/12`.
        thread: NumberedArg,
    },
    /// Answer, or add to a thread.
    #[command(alias = "answer")]
    Reply {
        /// Such as `cs101/12`.
        thread: NumberedArg,
        /// What you want to say.
        #[command(flatten)]
        body: BodyArgs,
    },
    /// Close a thread as resolved.
    Resolve {
        /// Such as `cs101/12`.
        thread: NumberedArg,
    },
    /// Open a resolved thread again.
    Reopen {
        /// Such as `cs101/12`.
        thread: NumberedArg,
    },
}

/// Text given in words or as a file.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
pub struct BodyArgs {
    /// The text itself (Markdown); `-` for standard input.
    #[arg(long)]
    pub body: Option<String>,
    /// A file with the text; `-` for standard input.
    #[arg(long)]
    pub body_file: Option<PathBuf>,
}

impl BodyArgs {
    /// The text.
    pub fn read(&self) -> Result<String> {
        match (&self.body, &self.body_file) {
            (Some(body), _) => input::words(body),
            (None, Some(file)) => input::read_text(file),
            (None, None) => Err(Error::usage("give the text with --body or --body-file")),
        }
    }
}

/// Runs one of the thread commands.
pub async fn thread(command: ThreadCommand, session: &Session) -> Result<()> {
    match command {
        ThreadCommand::Ask { scope, title, body, private, anonymous } => {
            let visibility = if private { v1::ThreadVisibility::Private } else { v1::ThreadVisibility::Course };
            let request = v1::CreateThreadRequest {
                course: scope.course,
                assignment: scope.assignment,
                title,
                body: body.read()?,
                visibility: visibility.into(),
                anonymous,
                ..Default::default()
            };
            let thread = session.call(request).await?.thread.unwrap_or_default();
            session.show(json::thread(&thread), || format!("Asked as {}/{}.", thread.course_slug, thread.number))
        }
        ThreadCommand::List { course, open } => list(&course, open, session).await,
        ThreadCommand::Show { thread } => show(&thread, session).await,
        ThreadCommand::Reply { thread, body } => {
            let request =
                v1::ReplyThreadRequest { course: thread.course.clone(), number: thread.number, body: body.read()? };
            let response = session.call(request).await?;
            let message = response.message.unwrap_or_default();
            session.show(json::message(&message), || format!("Added to {thread} as message {}.", message.number))
        }
        ThreadCommand::Resolve { thread } => set_state(&thread, v1::ThreadState::Resolved, session).await,
        ThreadCommand::Reopen { thread } => set_state(&thread, v1::ThreadState::Open, session).await,
    }
}

async fn list(course: &CourseArg, open_only: bool, session: &Session) -> Result<()> {
    let threads = pages::all(session, |page_token| v1::ListThreadsRequest {
        course: course.to_string(),
        open_only,
        page_token,
        ..Default::default()
    })
    .await?;
    let value = json::list("threads", threads.iter().map(json::thread).collect());
    session.show(value, || {
        let rows = threads.iter().map(|thread| {
            vec![
                format!("{}/{}", thread.course_slug, thread.number),
                thread.title.clone(),
                author(thread.author.as_ref(), "anonymous"),
                json::name(thread.state().as_str_name(), "THREAD_STATE"),
                if thread.unread_count > 0 { format!("{} new", thread.unread_count) } else { String::new() },
                text::time(thread.updated_at_ms),
            ]
        });
        let columns = [keep("thread"), cut("title"), cut("asked by"), keep("state"), keep(""), spare("last")];
        let empty = if open_only { "No question waits for an answer." } else { "No questions were asked yet." };
        text::table(&columns, rows, empty)
    })
}

async fn show(thread: &NumberedArg, session: &Session) -> Result<()> {
    let mut messages = Vec::new();
    let mut page_token = String::new();
    let head = loop {
        let request = v1::GetThreadRequest {
            course: thread.course.clone(),
            number: thread.number,
            page_token,
            ..Default::default()
        };
        let mut page = session.call(request).await?;
        messages.append(&mut page.messages);
        if page.next_page_token.is_empty() {
            break page.thread.unwrap_or_default();
        }
        page_token = page.next_page_token;
    };
    let read = v1::MarkReadRequest {
        course: thread.course.clone(),
        thread_number: thread.number,
        through_message: messages.last().map_or(0, |message| message.number),
        ..Default::default()
    };
    session.call(read).await?;
    let value = json!({
        "thread": json::thread(&head), "messages": messages.iter().map(json::message).collect::<Vec<_>>(),
    });
    session.show(value, || {
        let state = json::name(head.state().as_str_name(), "THREAD_STATE");
        let mut blocks = vec![format!("{thread} – {} ({state})", text::clean(&head.title))];
        blocks.extend(messages.iter().map(|message| {
            let staff = match (message.from_staff, &message.tutor, &message.endorsed_by) {
                (true, ..) => " (staff)".into(),
                (_, Some(_), Some(by)) => format!(" (a language model; endorsed by {})", text::clean(&by.name)),
                (_, Some(_), None) => " (a language model)".into(),
                _ => String::new(),
            };
            let who = author(message.author.as_ref(), "anonymous");
            format!("{who}{staff}, {}:\n{}", text::time(message.created_at_ms), text::clean_body(&message.body))
        }));
        blocks.join("\n\n")
    })
}

async fn set_state(thread: &NumberedArg, state: v1::ThreadState, session: &Session) -> Result<()> {
    let request =
        v1::SetThreadStateRequest { course: thread.course.clone(), number: thread.number, state: state.into() };
    let changed = session.call(request).await?.thread.unwrap_or_default();
    session.show(json::thread(&changed), || {
        format!("{thread} is {}.", json::name(changed.state().as_str_name(), "THREAD_STATE"))
    })
}

fn author(person: Option<&v1::PersonRef>, otherwise: &str) -> String {
    match person {
        Some(person) if !person.name.is_empty() => text::clean(&person.name),
        _ => otherwise.into(),
    }
}

/// What everyone may do with announcements.
#[derive(Subcommand, Debug)]
pub enum AnnouncementCommand {
    /// Print the announcements of a course, newest first, and mark them as read.
    List {
        /// Such as `cs101`.
        course: CourseArg,
        /// At most this many.
        #[arg(long, default_value_t = 20)]
        limit: usize,
    },
    /// Show one announcement, and mark it as read.
    Show {
        /// Such as `cs101`.
        course: CourseArg,
        /// Its id, as the list shows it.
        announcement: String,
    },
}

/// Runs one of them.
pub async fn announcement(command: AnnouncementCommand, session: &Session) -> Result<()> {
    match command {
        AnnouncementCommand::List { course, limit } => {
            let announcements = announcements(&course, limit, session).await?;
            for announcement in &announcements {
                mark_announcement(&course, announcement, session).await?;
            }
            let value = json::list("announcements", announcements.iter().map(json::announcement).collect());
            session.show(value, || {
                let blocks: Vec<String> = announcements.iter().map(describe_announcement).collect();
                if blocks.is_empty() { "No announcements yet.".into() } else { blocks.join("\n\n") }
            })
        }
        AnnouncementCommand::Show { course, announcement } => {
            let all = announcements(&course, usize::MAX, session).await?;
            let found = all.into_iter().find(|it| it.announcement_id == announcement).ok_or_else(|| {
                let message = format!("{course} has no announcement {announcement}");
                Error::refused(Code::NotFound, "NOT_FOUND", message)
            })?;
            mark_announcement(&course, &found, session).await?;
            session.show(json::announcement(&found), || describe_announcement(&found))
        }
    }
}

async fn announcements(course: &CourseArg, limit: usize, session: &Session) -> Result<Vec<v1::Announcement>> {
    pages::at_most(session, limit, |page_token| v1::ListAnnouncementsRequest {
        course: course.to_string(),
        page_token,
        ..Default::default()
    })
    .await
}

async fn mark_announcement(course: &CourseArg, announcement: &v1::Announcement, session: &Session) -> Result<()> {
    if announcement.unread {
        let announcement_id = announcement.announcement_id.clone();
        let read = v1::MarkReadRequest { course: course.to_string(), announcement_id, ..Default::default() };
        session.call(read).await?;
    }
    Ok(())
}

fn describe_announcement(announcement: &v1::Announcement) -> String {
    let new = if announcement.unread { " · new" } else { "" };
    format!(
        "{} – {}, {} ({}){new}\n{}",
        text::clean(&announcement.title),
        author(announcement.author.as_ref(), "staff"),
        text::time(announcement.created_at_ms),
        announcement.announcement_id,
        text::clean_body(&announcement.body)
    )
}
