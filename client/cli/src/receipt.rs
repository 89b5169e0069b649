//! Receipts: fetched from the cluster, kept on this machine, verified without the cluster.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use lectern_client::receipt::{self, PublicKey, Signed};
use lectern_proto::v1;
use serde_json::{Value, json};

use crate::args::AssignmentArg;
use crate::table::{cut, keep, spare};
use crate::{Error, Result, Session, format, json, output, text};

/// What both chairs do with receipts.
#[derive(Subcommand, Debug)]
pub enum ReceiptCommand {
    /// Print an attempt's receipt, fresh from the cluster.
    Show {
        /// Such as `cs101/hw3`.
        assignment: AssignmentArg,
        /// Whose; your own when left out.
        #[arg(long)]
        user: Option<String>,
        /// The one that counts when left out.
        #[arg(long, default_value_t = 0)]
        attempt: u32,
    },
    /// Show the keys that the cluster signs receipts with, and pin them to the saved connection.
    Keys,
}

/// How a receipt is verified.
#[derive(clap::Args, Debug)]
pub struct VerifyArgs {
    /// The file with the receipt.
    pub file: PathBuf,
    /// A public key to trust, as `receipt keys` prints it, instead of those pinned to the saved connection.
    #[arg(long, value_name = "HEX")]
    pub key: Option<PublicKey>,
}

/// Runs one of them.
pub async fn run(command: ReceiptCommand, session: &Session) -> Result<()> {
    match command {
        ReceiptCommand::Show { assignment, user, attempt } => {
            let signed = fetch(&assignment, &user.unwrap_or_default(), attempt, session).await?;
            if session.is_json() {
                return session.show(to_json(&signed), String::new);
            }
            output::verbatim(&signed.text);
            Ok(())
        }
        ReceiptCommand::Keys => keys(session).await,
    }
}

/// An attempt's receipt from the cluster, verified; a key that is new here is pinned.
pub async fn fetch(assignment: &AssignmentArg, user: &str, attempt: u32, session: &Session) -> Result<Signed> {
    session.require_token()?;
    let request = v1::GetReceiptRequest {
        course: assignment.course.clone(),
        assignment: assignment.assignment.clone(),
        user: user.into(),
        attempt,
    };
    receipt::fetch(session.client(), session.profiles(), &session.identity().profile, request).await
}

/// The receipt of what was just handed in, kept in its place.
pub async fn of_submission(submission: &v1::Submission, session: &Session) -> Result<(Signed, PathBuf)> {
    of_attempt(&submission.course_slug, &submission.assignment_slug, submission.attempt, session).await
}

/// The receipt of one's own attempt, kept in its place.
pub async fn of_attempt(course: &str, assignment: &str, attempt: u32, session: &Session) -> Result<(Signed, PathBuf)> {
    let place = AssignmentArg { course: course.into(), assignment: assignment.into() };
    let signed = fetch(&place, "", attempt, session).await?;
    let path = receipt::keep(session.profiles().dirs(), &session.identity().profile, &signed)?;
    Ok((signed, path))
}

/// Verifies a file by the key that was given, or the pinned ones; asks no cluster.
pub fn verify(args: &VerifyArgs, session: &Session) -> Result<Signed> {
    let keys = match args.key {
        Some(key) => vec![key],
        None => session.profiles().receipt_keys(&session.identity().profile)?,
    };
    let signed = receipt::read(&args.file)?;
    signed.receipt.verify(&keys).map_err(|error| receipt::refused(&error))?;
    Ok(signed)
}

/// What a verified receipt proves, for people.
pub fn words(signed: &Signed) -> String {
    let fact = |name: &str| text::clean(signed.receipt.fact(name).unwrap_or_default());
    format!(
        "Good: cluster {} signed with key {} that {} handed in attempt {} of {}/{} at {} (late: {}).",
        fact("cluster"),
        fact("key"),
        fact("student").split(' ').next().unwrap_or_default(),
        fact("attempt"),
        fact("course"),
        fact("assignment"),
        fact("handed in"),
        fact("late"),
    )
}

/// A receipt for scripts: the text, and its lines by name.
pub fn to_json(signed: &Signed) -> Value {
    let of = |wanted: &str| -> Vec<&str> {
        signed.receipt.facts().filter(|(name, _)| *name == wanted).map(|(_, value)| value).collect()
    };
    let fact = |name: &str| signed.receipt.fact(name).unwrap_or_default();
    json!({
        "text": signed.text, "key_id": signed.receipt.key_id(), "cluster": fact("cluster"), "course": fact("course"),
        "assignment": fact("assignment"), "student": fact("student").split(' ').next(),
        "attempt": fact("attempt").parse::<u32>().ok(), "submission": fact("submission"),
        "submitted_at": fact("handed in"), "stamped_at": fact("stored"), "due": fact("due"), "late": fact("late") == "yes",
        "log": fact("log"), "texts": of("text"), "files": of("file"),
    })
}

/// A line for each receipt of these files; one that cannot be read says why.
pub fn list(paths: &[PathBuf], session: &Session) -> Result<()> {
    let read: Vec<(&Path, Result<Signed>)> = paths.iter().map(|path| (&**path, receipt::read(path))).collect();
    let value = read.iter().map(|(path, read)| {
        let mut value = read.as_ref().map_or_else(|error| json!({ "problem": error.to_string() }), to_json);
        value["path"] = path.display().to_string().into();
        value
    });
    session.show(json::list("receipts", value.collect()), || {
        let rows = read.iter().map(|(path, read)| {
            let path = path.display().to_string();
            let Ok(signed) = read else { return vec![String::new(), String::new(), "damaged".into(), path] };
            let fact = |name: &str| signed.receipt.fact(name).unwrap_or_default().to_owned();
            vec![format!("{}/{}", fact("course"), fact("assignment")), fact("attempt"), fact("handed in"), path]
        });
        let columns = [keep("assignment"), keep("attempt"), spare("handed in"), cut("file")];
        text::table(&columns, rows, "No receipts are kept on this machine.")
    })
}

async fn keys(session: &Session) -> Result<()> {
    let told = receipt::pin_keys(session.client(), session.profiles(), &session.identity().profile).await?;
    let value = json!({
        "cluster_id": told.cluster_id, "keys": told.keys.iter().map(key_json).collect::<Vec<_>>(),
    });
    session.show(value, || {
        let rows = told.keys.iter().map(|key| {
            let state = key.retired_at_ms.map_or_else(|| "signs".into(), |at| format!("until {}", text::time(at)));
            vec![key.key_id.clone(), text::hex(&key.public_key), text::time(key.created_at_ms), state]
        });
        let columns = [keep("id"), keep("public key"), spare("since"), spare("")];
        text::table(&columns, rows, "The cluster has no key for receipts yet.")
    })
}

/// A key for scripts.
pub fn key_json(key: &v1::ReceiptKey) -> Value {
    json!({
        "id": key.key_id, "public_key": text::hex(&key.public_key), "created_at": format::rfc3339(key.created_at_ms),
        "retired_at": json::time(key.retired_at_ms),
    })
}

/// Refuses a receipt that says something else than the cluster's record.
pub fn compare(theirs: &Signed, record: &Signed) -> Result<()> {
    let differences = theirs.receipt.differences(&record.receipt);
    let Some((there, here)) = differences.first() else { return Ok(()) };
    let message = format!(
        "the receipt is signed, and says something else than the cluster holds now: `{}` there, `{}` here",
        text::clean(there),
        text::clean(here)
    );
    Err(Error::refused(lectern_client::Code::DataLoss, "RECEIPT_DIFFERS", message))
}
