//! The client of a Lectern cluster: finds the leader, repeats calls over failures with the same idempotency key, follows
//! changes, moves files, keeps profiles and tokens. It draws nothing.
//!
//! A program asks [`Profiles`] which cluster and who, makes one [`Client`], and calls by request:
//!
//! ```no_run
//! use lectern_client::{Client, Dirs, Overrides, Profiles, v1};
//!
//! # async fn example() -> Result<(), lectern_client::ClientError> {
//! let profiles = Profiles::new(Dirs::from_env()?);
//! let identity = profiles.resolve(&Overrides::default())?;
//! let client = Client::connect(identity.options())?;
//! let course = client.call(v1::GetCourseRequest { course: "cs101".into() }).await?.course;
//!
//! let mut events = client.watch(0, vec!["cs101".into()]);
//! while let Some(item) = events.next().await {
//!     match item? {
//!         lectern_client::WatchItem::Event(event) => drop(event), // ask again for the thing it names
//!         lectern_client::WatchItem::Resync { .. } => break,      // ask again for everything shown
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! What fails is a [`ClientError`]: it says what happened, what to do ([`ClientError::advice`]) and what a program exits
//! with ([`ClientError::exit_code`]).

mod address;
mod backoff;
mod call;
mod client;
mod diagnosis;
mod dirs;
mod download;
mod error;
mod export;
mod link;
mod local;
mod nodes;
mod operator;
mod options;
pub mod outbox;
pub mod private_file;
mod profile;
pub mod receipt;
mod save;
mod secret;
mod submit;
mod tutor;
mod upload;
mod watch;

pub use address::{ClusterAddress, DEFAULT_PORT};
pub use client::{Client, new_key};
pub use dirs::Dirs;
pub use download::download;
pub use error::{BadRow, ClientError, TUTOR_AWAY};
pub use lectern_proto::v1;
pub use lectern_rpc::{Call, Kind};
pub use lectern_tls::{Fingerprint, OwnCertificate, Trust, is_operator_name};
pub use link::Link;
pub use local::{LocalFile, STARTER_FILE, Skipped, Walk, declare, read_at_most, read_regular, walk_directory};
pub use operator::OperatorKey;
pub use options::ClientOptions;
pub use profile::{DEFAULT_PROFILE, Identity, Known, Overrides, Profile, Profiles, SavedToken};
pub use save::{Destination, Saved, save};
pub use secret::Secret;
pub use submit::{HandIn, HandedIn, OnStage, Stage, hand_in};
pub use tonic::Code;
pub use tutor::{Answering, cited_pages};
pub use upload::{OnProgress, Progress, upload, upload_files};
pub use watch::{EventStream, StatusStream, WatchItem};
