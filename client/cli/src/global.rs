//! What every command of every program takes, and what it works with.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use clap::Args;
use jiff::tz::TimeZone;
use lectern_client::{Client, Dirs, Identity, Overrides, Profiles};

use crate::dates::parse_duration;
use crate::{Failure, Output};

/// Arguments of every command: `#[command(flatten)]` them into the program's own.
#[derive(Args, Clone, Debug, Default)]
pub struct GlobalArgs {
    /// Print JSON: one line for a result, one line for each item of a watch
    #[arg(long, global = true, help_heading = "Global options")]
    pub json: bool,
    /// Use this profile (see `connect --name`)
    #[arg(long, global = true, value_name = "NAME", help_heading = "Global options")]
    pub profile: Option<String>,
    /// Begin at this node, HOST:PORT; may be repeated, or several with commas
    #[arg(
        long = "endpoint",
        global = true,
        value_name = "ADDRESS",
        value_delimiter = ',',
        help_heading = "Global options"
    )]
    pub endpoints: Vec<String>,
    /// Read the bearer token from this file
    #[arg(long, global = true, value_name = "FILE", help_heading = "Global options")]
    pub token_file: Option<PathBuf>,
    /// How long a call is retried (30s, 2m)
    #[arg(long, global = true, value_name = "DURATION", value_parser = parse_duration, help_heading = "Global options")]
    pub timeout: Option<Duration>,
    /// No progress bars
    #[arg(long, global = true, help_heading = "Global options")]
    pub plain: bool,
    /// Print only results and errors
    #[arg(long, short, global = true, help_heading = "Global options")]
    pub quiet: bool,
}

impl GlobalArgs {
    /// How the command speaks.
    pub fn output(&self) -> Output {
        Output::new(self.json, self.quiet, self.plain)
    }

    /// Which cluster and who was asked for.
    pub fn overrides(&self) -> Overrides {
        Overrides {
            profile: self.profile.clone(),
            endpoints: self.endpoints.clone(),
            token_file: self.token_file.clone(),
        }
    }
}

/// What a command works with: its output, the profiles, and one client, made when first asked for. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Context {
    /// How it speaks.
    pub output: Output,
    /// What is saved on this machine.
    pub profiles: Profiles,
    global: GlobalArgs,
    client: Arc<OnceLock<(Client, Identity)>>,
}

impl Context {
    /// For these arguments, with the directories the environment names.
    pub fn new(global: &GlobalArgs) -> Result<Self, Failure> {
        Ok(Self::with_profiles(global, Profiles::new(Dirs::from_env()?)))
    }

    /// The same with other directories, for tests.
    pub fn with_profiles(global: &GlobalArgs, profiles: Profiles) -> Self {
        Self { output: global.output(), profiles, global: global.clone(), client: Arc::default() }
    }

    /// The arguments of every command.
    pub fn global(&self) -> &GlobalArgs {
        &self.global
    }

    /// Which cluster and who, anew from the disk.
    pub fn identity(&self) -> Result<Identity, Failure> {
        Ok(self.profiles.resolve(&self.global.overrides())?)
    }

    /// A client of the cluster, signed in or not. The same one each time.
    pub fn client(&self) -> Result<Client, Failure> {
        self.connected().map(|(client, _)| client.clone())
    }

    /// A client that carries a token; without one the command ends here.
    pub fn signed_in(&self) -> Result<Client, Failure> {
        let client = self.client()?;
        if client.has_token() { Ok(client) } else { Err(Failure::not_signed_in()) }
    }

    /// For whom things are kept on this machine: the `scope` of `hand_in`.
    pub fn scope(&self) -> Result<String, Failure> {
        let identity = &self.connected()?.1;
        Ok(format!("{}/{}", identity.profile, identity.username.as_deref().unwrap_or("-")))
    }

    /// This machine's time zone.
    pub fn zone(&self) -> TimeZone {
        TimeZone::system()
    }

    fn connected(&self) -> Result<&(Client, Identity), Failure> {
        if let Some(connected) = self.client.get() {
            return Ok(connected);
        }
        let identity = self.identity()?;
        let mut options = identity.options();
        if let Some(timeout) = self.global.timeout {
            options.call_deadline = timeout;
            options.first_contact_deadline = timeout;
        }
        options.user_agent = format!("{}/{}", program_name(), env!("CARGO_PKG_VERSION"));
        let client = Client::connect(options)?;
        Ok(self.client.get_or_init(|| (client, identity)))
    }

    /// Saves the nodes that were learned, so that the next command finds the cluster without the first one.
    pub(crate) fn remember_nodes(&self) {
        // Addresses given for this one command say nothing about the profile.
        if let Some((client, identity)) = self.client.get()
            && self.profiles.profile(&identity.profile).is_ok_and(|profile| {
                profile.is_some_and(|profile| identity.endpoints.iter().all(|own| profile.endpoints.contains(own)))
            })
            && let Err(error) = self.profiles.remember_nodes(&identity.profile, &client.addresses())
        {
            self.output.note(format!("the addresses of the nodes could not be saved: {error}"));
        }
    }
}

/// The name this program was called by.
pub(crate) fn program_name() -> String {
    let path = std::env::args_os().next().map(PathBuf::from).unwrap_or_default();
    let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or("lectern");
    name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect()
}
