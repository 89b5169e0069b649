//! `receipt …`: receipts that students show, and the keys that sign them.

use clap::Subcommand;
use lectern_cli::receipt;

use super::ReasonArg;

/// Receipts.
#[derive(Subcommand, Debug)]
pub enum ReceiptCommand {
    /// Show one, and the keys that sign.
    #[command(flatten)]
    Shared(receipt::ReceiptCommand),
    /// Verify a receipt by the cluster's keys, and compare it with what the cluster holds. Ends with 0 when it is good; otherwise with 1
    /// and the reason `RECEIPT_CHANGED`, `RECEIPT_KEY_UNKNOWN`, `NOT_A_RECEIPT` or `RECEIPT_DIFFERS`.
    Verify {
        /// The receipt.
        #[command(flatten)]
        args: receipt::VerifyArgs,
        /// Verify the signature alone, by the keys that are pinned; asks no cluster.
        #[arg(long)]
        offline: bool,
    },
    /// Let another key sign from now on (administrators). Receipts that were signed before stay valid.
    RotateKey {
        /// Why.
        #[command(flatten)]
        reason: ReasonArg,
    },
}
