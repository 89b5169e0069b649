//! Making certificates: a cluster's authority, and what it signs. `lectern-server certs` is the program.
//!
//! An authority is a folder on an operator's machine:
//!
//! | file | what | who needs it |
//! |---|---|---|
//! | `ca.pem` | the authority, and those before it that are still trusted | every node (`[tls] ca`), `--ca` |
//! | `ca.key` | its key | nobody but the one who signs |
//! | `succession.pem` | each authority signed by the one before it, and those before it | nobody: it is in each new certificate's chain |
//! | `node-N.pem`, `node-N.key` | node N's certificate with its chain, and its key | node N |
//! | `operator-NAME.pem`, `.key` | an operator's | that operator |
//! | `old/` | what was replaced | nobody |
//!
//! A new authority is signed by the one before it as well. Nodes show that signature in their chains: a program that was
//! told the fingerprint of an old authority follows to the new one, for as long as the old one is valid.
//!
//! Nothing is overwritten: what exists stays unless it is to be renewed, and then it is moved to `old/`. Keys are for their
//! owner's eyes only.

mod authority;
mod error;
mod files;
mod issue;

pub use authority::{Authority, Term};
pub use error::CertsError;
pub use issue::Issued;
