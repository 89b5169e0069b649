//! `start`: a folder to work in, with what the assignment gives.

use lectern_cli::transfer::{self, Wanted};
use lectern_cli::{Result, Session, assignment, text};
use lectern_client::Saved;
use serde_json::json;

use crate::cli::StartArgs;
use crate::starter;

pub async fn run(args: StartArgs, session: &Session) -> Result<()> {
    let found = assignment::get(&args.assignment, session).await?;
    let folder = args.dir.unwrap_or_else(|| transfer::local_name(&found.slug));
    starter::mark(&folder, &args.assignment)?;
    let wanted = Wanted::below(&folder, &found.attachments);
    let saved = transfer::save_all(&wanted, args.force, session).await?;
    let value = json!({
        "folder": folder.display().to_string(), "assignment": args.assignment.to_string(),
        "files": wanted.iter().zip(&saved).map(|(wanted, saved)| wanted.json(*saved)).collect::<Vec<_>>(),
    });
    session.show(value, || {
        let new = saved.iter().filter(|saved| **saved == Saved::Written).count();
        format!(
            "{} is for {}, with {} of it. Work there; `lectern-student submit` in it hands the folder in.",
            folder.display(),
            args.assignment,
            text::count(new, "new file", "new files")
        )
    })
}
