//! `receipt …`: verifying what students show, and rotating the key.

use lectern_cli::args::AssignmentArg;
use lectern_cli::{Result, Session, receipt, text};
use lectern_proto::v1;
use serde_json::json;

use crate::cli::ReceiptCommand;

pub async fn run(command: ReceiptCommand, session: &Session) -> Result<()> {
    match command {
        ReceiptCommand::Shared(command) => receipt::run(command, session).await,
        ReceiptCommand::Verify { args, offline } => verify(&args, offline, session).await,
        ReceiptCommand::RotateKey { reason } => {
            let rotated = session.call(v1::RotateReceiptKeyRequest { reason: reason.reason }).await?;
            let key = rotated.key.unwrap_or_default();
            session.show(json!({ "key": receipt::key_json(&key) }), || {
                format!("Receipts are signed with key {} now: {}", key.key_id, text::hex(&key.public_key))
            })
        }
    }
}

async fn verify(args: &receipt::VerifyArgs, offline: bool, session: &Session) -> Result<()> {
    if !offline && args.key.is_none() {
        lectern_client::receipt::pin_keys(session.client(), session.profiles(), &session.identity().profile).await?;
    }
    let signed = receipt::verify(args, session)?;
    if !offline {
        let fact = |name: &str| signed.receipt.fact(name).unwrap_or_default().to_owned();
        let place = AssignmentArg { course: fact("course"), assignment: fact("assignment") };
        let student = fact("student");
        let user = student.split(' ').next().unwrap_or_default();
        let attempt = fact("attempt").parse().unwrap_or_default();
        receipt::compare(&signed, &receipt::fetch(&place, user, attempt, session).await?)?;
    }
    let mut value = receipt::to_json(&signed);
    value["compared"] = (!offline).into();
    session.show(value, || {
        let compared = if offline { "" } else { "\nThe cluster's own record says the same." };
        format!("{}{compared}", receipt::words(&signed))
    })
}
