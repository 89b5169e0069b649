//! `receipt list`, `show`, `save`, `verify`, `keys`.

use lectern_cli::{Result, Session, receipt, transfer};

use crate::cli::ReceiptCommand;

pub async fn run(command: ReceiptCommand, session: &Session) -> Result<()> {
    let (dirs, profile) = (session.profiles().dirs(), &session.identity().profile);
    match command {
        ReceiptCommand::List => receipt::list(&lectern_client::receipt::kept(dirs, profile)?, session),
        ReceiptCommand::Shared(command) => receipt::run(command, session).await,
        ReceiptCommand::Save { assignment, attempt, output, force } => {
            let place = transfer::output_place(output.as_deref(), force)?;
            let kept = receipt::of_attempt(&assignment.course, &assignment.assignment, attempt, session);
            let (signed, path) = kept.await?;
            if let Some(place) = place {
                place.write(signed.text.as_bytes(), force.force)?;
            }
            let mut value = receipt::to_json(&signed);
            value["path"] = path.display().to_string().into();
            session.show(value, || format!("Kept as {}.", path.display()))
        }
        ReceiptCommand::Verify(args) => {
            let signed = receipt::verify(&args, session)?;
            session.show(receipt::to_json(&signed), || receipt::words(&signed))
        }
    }
}
