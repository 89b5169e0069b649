//! `draft save`, `show`, `list`.

use lectern_cli::args::AssignmentArg;
use lectern_cli::{Result, Session, json, output, pages, text};
use lectern_proto::v1;

use crate::cli::DraftCommand;

pub async fn run(command: DraftCommand, session: &Session) -> Result<()> {
    match command {
        DraftCommand::Save { assignment, file, base } => {
            let text = lectern_cli::input::read_text(&file)?;
            let base = match base {
                Some(base) => base,
                None => latest_revision(&assignment, session).await?,
            };
            save(&assignment, text, base, session).await
        }
        DraftCommand::Show { assignment, revision } => {
            let draft = get(&assignment, revision.unwrap_or(0), session).await?;
            if session.is_json() {
                return session.show(json::draft(&draft), String::new);
            }
            output::verbatim(&draft.text);
            Ok(())
        }
        DraftCommand::List { assignment } => list(&assignment, session).await,
    }
}

/// A draft of the caller; a refusal when there is none.
pub async fn get(assignment: &AssignmentArg, revision: u64, session: &Session) -> Result<v1::DraftRevision> {
    let request =
        v1::GetDraftRequest { course: assignment.course.clone(), assignment: assignment.assignment.clone(), revision };
    Ok(session.call(request).await?.draft.unwrap_or_default())
}

/// The latest revision, 0 when nothing was saved.
async fn latest_revision(assignment: &AssignmentArg, session: &Session) -> Result<u64> {
    match get(assignment, 0, session).await {
        Ok(draft) => Ok(draft.revision),
        Err(error) if error.is_refused_for("NOT_FOUND") => Ok(0),
        Err(error) => Err(error),
    }
}

async fn save(assignment: &AssignmentArg, text: String, base_revision: u64, session: &Session) -> Result<()> {
    let request = v1::SaveDraftRequest {
        course: assignment.course.clone(),
        assignment: assignment.assignment.clone(),
        text,
        base_revision,
        device_label: session.device_label(),
    };
    let response = session.call(request).await?;
    let saved = response.saved.unwrap_or_default();
    let mut value = json::draft(&saved);
    value["conflicting_revision"] = response.conflicting_revision.into();
    session.show(value, || match response.conflicting_revision {
        None => format!("Draft saved on the server as revision {}.", saved.revision),
        Some(other) => format!(
            "Draft saved as revision {}. Another device saved revision {other} in between: both are kept.\n\
             Compare them with `draft show {assignment} --revision {other}`.",
            saved.revision
        ),
    })
}

async fn list(assignment: &AssignmentArg, session: &Session) -> Result<()> {
    let revisions = pages::all(session, |page_token| v1::ListDraftRevisionsRequest {
        course: assignment.course.clone(),
        assignment: assignment.assignment.clone(),
        page_token,
        ..Default::default()
    })
    .await?;
    let value = json::list("revisions", revisions.iter().map(json::draft).collect());
    session.show(value, || {
        let rows = revisions.iter().map(|draft| {
            vec![
                draft.revision.to_string(),
                text::time(draft.saved_at_ms),
                text::size(draft.text_bytes),
                draft.device_label.clone(),
            ]
        });
        text::table(&["revision", "saved", "size", "device"], rows, "No draft is saved.")
    })
}
