//! Where programs keep what they remember.

use std::env;
use std::path::PathBuf;

use etcetera::BaseStrategy as _;

use crate::ClientError;

/// Two directories of the person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dirs {
    /// `LECTERN_CONFIG_DIR`, else `lectern` in the XDG configuration directory.
    pub config: PathBuf,
    /// `LECTERN_STATE_DIR`, else `lectern` in the XDG state directory.
    pub state: PathBuf,
}

impl Dirs {
    /// As the environment says.
    pub fn from_env() -> Result<Self, ClientError> {
        let named = |variable: &str| env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from);
        if let (Some(config), Some(state)) = (named("LECTERN_CONFIG_DIR"), named("LECTERN_STATE_DIR")) {
            return Ok(Self { config, state });
        }
        let base = etcetera::choose_base_strategy().map_err(|error| {
            ClientError::usage(format!("no home directory: {error}; set LECTERN_CONFIG_DIR and LECTERN_STATE_DIR"))
        })?;
        let state = base.state_dir().unwrap_or_else(|| base.data_dir());
        Ok(Self {
            config: named("LECTERN_CONFIG_DIR").unwrap_or_else(|| base.config_dir().join("lectern")),
            state: named("LECTERN_STATE_DIR").unwrap_or_else(|| state.join("lectern")),
        })
    }

    /// What clusters are known.
    pub(crate) fn profiles(&self) -> PathBuf {
        self.config.join("profiles.toml")
    }

    /// What is secret.
    pub(crate) fn tokens(&self) -> PathBuf {
        self.state.join("tokens.toml")
    }
}
