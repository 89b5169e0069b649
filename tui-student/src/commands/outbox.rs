//! `outbox list`, `send`, `discard`, and what happens to queued work when the cluster answers again.

use lectern_cli::args::AssignmentArg;
use lectern_cli::table::{cut, keep, spare};
use lectern_cli::{Error, Result, Session, format, json, output, text};
use lectern_client::outbox::{Outbox, Queued, is_away};
use lectern_client::{HandIn, HandedIn, Link};
use serde_json::{Value, json};

use crate::cli::OutboxCommand;

pub async fn run(command: OutboxCommand, session: &Session) -> Result<()> {
    let (outbox, scope) = (of(session), session.upload_scope());
    match command {
        OutboxCommand::List => list(&outbox.list(&scope)?, session),
        OutboxCommand::Send { id } => {
            let items = match id {
                Some(id) => vec![outbox.find(&scope, &id)?],
                None => outbox.list(&scope)?,
            };
            send(&outbox, &items, session).await
        }
        OutboxCommand::Discard { id } => {
            let item = outbox.find(&scope, &id)?;
            outbox.discard(&item)?;
            session.show(json!({ "discarded": id }), || format!("Discarded; {} was not submitted.", place(&item)))
        }
    }
}

/// The outbox of the session's profile.
pub fn of(session: &Session) -> Outbox {
    Outbox::of(session.profiles().dirs(), &session.identity().profile)
}

/// Keeps work that could not be handed in; the error that says so.
pub async fn queue(what: &HandIn, why: Error, session: &Session) -> Error {
    match of(session).queue(&session.upload_scope(), what, &why).await {
        Ok(item) => Error::Queued {
            message: format!(
                "NOT submitted: {why}\nYour work is kept on this machine as {}, queued, and is sent by your next command once the \
                 cluster answers. It counts from the moment the cluster stamps it, and not before.",
                item.id
            ),
        },
        // It could be neither handed in nor kept: what is wrong with the cluster is what matters, and that nothing is kept.
        Err(problem) => {
            output::note(&format!("warning: your work could not be queued either: {problem}"));
            why
        }
    }
}

/// Sends what was queued for an assignment before, so that it does not become the later attempt. Refusals are told and
/// stay; an error says that the cluster is away.
pub async fn send_earlier(assignment: &AssignmentArg, session: &Session) -> Result<()> {
    let outbox = of(session);
    for item in outbox.list(&session.upload_scope())? {
        if item.goes_by_itself() && item.course == assignment.course && item.assignment == assignment.assignment {
            match outbox.send(session.client(), &item, &|_| {}).await {
                Err(error) if is_away(&error) => return Err(error),
                sent => tell(&item, &sent, session),
            }
        }
    }
    Ok(())
}

/// After a command that reached the cluster: sends what waits for that.
pub async fn send_on_return(session: &Session) {
    if !session.client().has_token() || !matches!(*session.client().link().borrow(), Link::Up { .. }) {
        return;
    }
    let outbox = of(session);
    // A damaged outbox is told of by `outbox list`; this command has done what it was asked for.
    for item in outbox.list(&session.upload_scope()).unwrap_or_default() {
        if item.goes_by_itself() {
            let sent = outbox.send(session.client(), &item, &|_| {}).await;
            tell(&item, &sent, session);
            if sent.is_err_and(|error| is_away(&error)) {
                return;
            }
        }
    }
}

/// Says beside a command's own output what became of an item.
fn tell(item: &Queued, sent: &Result<Option<HandedIn>>, session: &Session) {
    if session.is_json() {
        return;
    }
    match sent {
        Ok(None) => {}
        Ok(Some(handed_in)) => output::note(&sent_words(item, handed_in)),
        Err(error) => output::note(&format!("{} is still queued, and NOT submitted: {error}", place(item))),
    }
}

async fn send(outbox: &Outbox, items: &[Queued], session: &Session) -> Result<()> {
    session.require_token()?;
    let (mut sent, mut lines, mut failed) = (Vec::new(), Vec::new(), None);
    for item in items {
        match outbox.send(session.client(), item, &|_| {}).await {
            Ok(Some(handed_in)) => {
                lines.push(sent_words(item, &handed_in));
                sent.push(sent_json(item, &handed_in));
            }
            Ok(None) => lines.push(format!("{} is being sent by another program.", place(item))),
            Err(error) => {
                let away = is_away(&error);
                failed = Some(error);
                if away {
                    break;
                }
            }
        }
    }
    if lines.is_empty() && failed.is_none() {
        lines.push("Nothing is queued.".into());
    }
    session.show(json::list("sent", sent), || lines.join("\n"))?;
    failed.map_or(Ok(()), Err)
}

fn list(items: &[Queued], session: &Session) -> Result<()> {
    session.show(json::list("queued", items.iter().map(item_json).collect()), || {
        let rows = items.iter().map(|item| {
            let what = if item.files.is_empty() { "text".into() } else { item.files.join(", ") };
            vec![item.id.clone(), place(item), what, text::time(item.queued_at_ms), standing(item)]
        });
        let columns = [keep("id"), keep("assignment"), cut("what"), spare("queued"), keep("state")];
        let table = text::table(&columns, rows, "Nothing is queued.");
        if items.is_empty() { table } else { format!("{table}\nOnly what the cluster has stamped is submitted.") }
    })
}

fn standing(item: &Queued) -> String {
    match (&item.problem, item.goes_by_itself()) {
        (Some(problem), _) => format!("refused: {}", text::clean(problem)),
        (None, true) => "NOT submitted, sent when the cluster answers".into(),
        (None, false) => "may be there already: see `submission list`, then send or discard it".into(),
    }
}

fn place(item: &Queued) -> String {
    format!("{}/{}", item.course, item.assignment)
}

fn sent_words(item: &Queued, handed_in: &HandedIn) -> String {
    let place = place(item);
    match (&handed_in.submission, &handed_in.extension_request) {
        (Some(submission), _) => format!(
            "Submitted {place} from the outbox, attempt {}, at {}. `receipt save {place} --attempt {}` gets its receipt.",
            submission.attempt,
            text::time(submission.submitted_at_ms),
            submission.attempt
        ),
        (None, request) => format!(
            "{place} from the outbox came after the lock date, so it is NOT submitted; it is kept as extension request {}.",
            request.as_ref().map(|request| text::clean(&request.request_id)).unwrap_or_default()
        ),
    }
}

fn sent_json(item: &Queued, handed_in: &HandedIn) -> Value {
    json!({
        "id": item.id, "submission": handed_in.submission.as_ref().map(json::submission),
        "extension_request": handed_in.extension_request.as_ref().map(json::extension_request),
    })
}

fn item_json(item: &Queued) -> Value {
    json!({
        "id": item.id, "course": item.course, "assignment": item.assignment, "files": item.files, "text": item.text,
        "comment": item.comment, "directory": item.directory, "queued_at": format::rfc3339(item.queued_at_ms),
        "submitted": false, "problem": item.problem, "goes_by_itself": item.goes_by_itself(),
    })
}
