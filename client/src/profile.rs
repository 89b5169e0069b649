//! Profiles and tokens on this machine: which cluster, and who one is there. Shared by all programs.
//!
//! `profiles.toml` in the configuration directory names clusters; `tokens.toml` in the state directory holds what is
//! secret. Both are for the user alone.

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};

use lectern_receipt::PublicKey;
use lectern_tls::{OwnCertificate, Trust};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::address::{normalise_endpoint, trust_of};
use crate::local::read_at_most;
use crate::{ClientError, ClientOptions, ClusterAddress, Dirs, OperatorKey, Secret, private_file};

/// A file that is larger holds no token.
const MAX_TOKEN_FILE_BYTES: u64 = 1 << 20;

/// The profile used when none is named.
pub const DEFAULT_PROFILE: &str = "default";

/// A cluster as this machine knows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// Addresses of nodes, the one given first, then those learned.
    #[serde(default)]
    pub endpoints: Vec<String>,
    /// SHA-256 of the cluster's authority, lower hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// A file with the cluster's authorities, instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
    /// The cluster's id, as it said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_id: Option<String>,
    /// The public keys that its receipts are verified with, in hexadecimal. Keys are added and never taken away.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub receipt_keys: Vec<String>,
}

impl Profile {
    /// What is taken for the cluster.
    pub fn trust(&self) -> Result<Trust, ClientError> {
        match (&self.fingerprint, &self.ca) {
            (Some(digits), _) => {
                let damaged =
                    || ClientError::usage(format!("the profile's fingerprint {digits:?} is none; connect again"));
                Ok(Trust::Fingerprint(digits.parse().map_err(|_| damaged())?))
            }
            (None, Some(file)) => read_authorities(file),
            (None, None) => Ok(Trust::Loopback),
        }
    }
}

/// How a cluster is made known, as it can be saved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// What is trusted.
    pub trust: Trust,
    /// The file that it came from, where it did.
    pub ca: Option<PathBuf>,
}

impl Known {
    /// The authorities in a file, with where it is whatever folder the program is next started in.
    fn given(ca: Option<PathBuf>) -> Result<Self, ClientError> {
        let Some(ca) = ca else { return Ok(Self::default()) };
        let ca = std::path::absolute(&ca).map_err(|error| ClientError::io(&ca, error))?;
        Ok(Self { trust: read_authorities(&ca)?, ca: Some(ca) })
    }

    /// As a profile says.
    fn kept(profile: &Profile) -> Result<Self, ClientError> {
        Ok(Self { trust: profile.trust()?, ca: profile.ca.clone() })
    }

    /// This, unless a fingerprint among the addresses says otherwise.
    fn at(&self, endpoints: &[String]) -> Result<Self, ClientError> {
        match trust_of(endpoints, &self.trust)? {
            same if same == self.trust => Ok(self.clone()),
            trust => Ok(Self { trust, ca: None }),
        }
    }

    fn save_in(&self, profile: &mut Profile) {
        (profile.fingerprint, profile.ca) = match &self.trust {
            Trust::Fingerprint(fingerprint) => (Some(fingerprint.digits()), None),
            Trust::Authorities(_) => (None, self.ca.clone()),
            Trust::Loopback => (None, None),
        };
    }
}

/// Who one is in a cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedToken {
    /// The bearer token.
    pub token: Secret,
    /// Its id in the token list.
    #[serde(default)]
    pub token_id: String,
    /// Whose it is.
    #[serde(default)]
    pub username: String,
    /// Until when it is good, Unix milliseconds.
    #[serde(default)]
    pub expires_at_ms: i64,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct ProfilesFile {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    current: Option<String>,
    #[serde(default)]
    profiles: BTreeMap<String, Profile>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct TokensFile {
    #[serde(default)]
    tokens: BTreeMap<String, SavedToken>,
}

/// The profiles and tokens in two directories.
#[derive(Clone, Debug)]
pub struct Profiles {
    dirs: Dirs,
}

/// What was asked for on the command line, where it was; the environment and the profile fill in the rest.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// `--profile`.
    pub profile: Option<String>,
    /// `--endpoint`, repeated.
    pub endpoints: Vec<String>,
    /// `--token-file`.
    pub token_file: Option<PathBuf>,
    /// `--ca`.
    pub ca: Option<PathBuf>,
    /// `--cert` and `--key`.
    pub certificate: Option<(PathBuf, PathBuf)>,
    /// `--operator-key`, and the name of the operator.
    pub operator_key: Option<(PathBuf, String)>,
}

/// Which cluster, and who.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Name of the profile: what is learned or signed in to is saved under it.
    pub profile: String,
    /// Whether that profile is saved, or none was asked for by name.
    pub profile_is_known: bool,
    /// Where to begin.
    pub endpoints: Vec<String>,
    /// What is taken for the cluster.
    pub known: Known,
    /// What `--ca` or `LECTERN_CA` says, for a cluster that is connected to anew.
    pub given: Known,
    /// The certificate to show, for operators.
    pub certificate: Option<OwnCertificate>,
    /// The key that proves calls of operators where there are no certificates.
    pub operator: Option<OperatorKey>,
    /// The token, if there is one.
    pub token: Option<Secret>,
    /// Whose token it is, where it is a saved one.
    pub username: Option<String>,
    /// The token came from a file or the environment: signing out must not touch a saved one.
    pub token_is_given: bool,
}

impl Identity {
    /// Options for [`crate::Client::connect`].
    pub fn options(&self) -> ClientOptions {
        let mut options = ClientOptions::new(self.endpoints.clone()).with_token(self.token.clone());
        options.trust = self.known.trust.clone();
        options.certificate.clone_from(&self.certificate);
        options.operator.clone_from(&self.operator);
        options
    }

    /// How a cluster is to be taken that somebody connects to: by its fingerprint, else by what the command line says.
    pub fn known_at(&self, address: &ClusterAddress) -> Known {
        match address.fingerprint {
            Some(fingerprint) => Known { trust: Trust::Fingerprint(fingerprint), ca: None },
            None => self.given.clone(),
        }
    }
}

impl Profiles {
    /// Those kept in `dirs`.
    pub fn new(dirs: Dirs) -> Self {
        Self { dirs }
    }

    /// Where they are kept.
    pub fn dirs(&self) -> &Dirs {
        &self.dirs
    }

    /// Decides which cluster and who: the command line first, then `LECTERN_PROFILE`, `LECTERN_ENDPOINTS` and
    /// `LECTERN_TOKEN`, then the profile. What is trusted goes the same way: a fingerprint in an address, `--ca`,
    /// `LECTERN_CA`, the profile. A profile that knows its cluster is not talked out of it by other addresses, since its token
    /// is for that cluster alone.
    pub fn resolve(&self, overrides: &Overrides) -> Result<Identity, ClientError> {
        self.resolve_with(overrides, |name| env::var(name).ok().filter(|value| !value.is_empty()))
    }

    fn resolve_with(
        &self,
        overrides: &Overrides,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Identity, ClientError> {
        let saved: ProfilesFile = read_toml(&self.dirs.profiles())?;
        let asked_for = overrides.profile.clone().or_else(|| variable("LECTERN_PROFILE"));
        let profile = asked_for.clone().or_else(|| saved.current.clone()).unwrap_or_else(|| DEFAULT_PROFILE.into());
        let mut endpoints = overrides.endpoints.clone();
        if endpoints.is_empty() {
            endpoints = variable("LECTERN_ENDPOINTS").map(|list| split_list(&list)).unwrap_or_default();
        }
        if endpoints.is_empty() {
            endpoints = saved.profiles.get(&profile).map(|profile| profile.endpoints.clone()).unwrap_or_default();
        }
        if endpoints.is_empty() && asked_for.is_some() {
            return Err(no_profile(&profile, &saved));
        }
        let given_token = match &overrides.token_file {
            Some(path) => Some(read_token_file(path)?),
            None => variable("LECTERN_TOKEN").map(|token| Secret::new(token.trim())),
        };
        let given = Known::given(overrides.ca.clone().or_else(|| variable("LECTERN_CA").map(PathBuf::from)))?;
        let kept = saved.profiles.get(&profile).map(Known::kept).transpose()?.unwrap_or_default();
        let known = if given.trust.is_secure() { &given } else { &kept };
        let known = known.at(&endpoints)?;
        // A token of a cluster that is known goes to that cluster alone.
        let is_ours = !kept.trust.is_secure() || kept.trust.agrees_with(&known.trust);
        let own = self.token(&profile)?.filter(|_| is_ours);
        let certificate = overrides.certificate.as_ref();
        let certificate = certificate.map(|(certificate, key)| OwnCertificate::load(certificate, key)).transpose();
        let certificate = certificate.map_err(|error| ClientError::usage(error.to_string()))?;
        let operator = overrides.operator_key.as_ref();
        let operator = operator.map(|(key, name)| OperatorKey::load(key, name)).transpose()?;
        Ok(Identity {
            profile_is_known: asked_for.is_none() || saved.profiles.contains_key(&profile),
            profile,
            endpoints,
            known,
            given,
            certificate,
            operator,
            token_is_given: given_token.is_some(),
            username: if given_token.is_some() { None } else { own.as_ref().map(|own| own.username.clone()) },
            token: given_token.or_else(|| own.map(|own| own.token)),
        })
    }

    /// The refusal of a profile that is not saved: it names those that are.
    pub fn no_such_profile(&self, name: &str) -> ClientError {
        match read_toml(&self.dirs.profiles()) {
            Ok(saved) => no_profile(name, &saved),
            Err(error) => error,
        }
    }

    /// Saves a cluster under `name` and makes it the current one. A token kept under that name for another cluster is
    /// forgotten.
    pub fn connect(
        &self,
        name: &str,
        address: &ClusterAddress,
        known: &Known,
        cluster_id: &str,
        nodes: &[String],
    ) -> Result<Profile, ClientError> {
        check_name(name)?;
        address.check_reachable_safely(&known.trust)?;
        let first = address.endpoint();
        let mut endpoints = vec![first.clone()];
        endpoints.extend(nodes.iter().filter(|node| **node != first).cloned());
        let cluster_id = Some(cluster_id.to_owned()).filter(|id| !id.is_empty());
        let mut profile = Profile { endpoints, cluster_id, ..Profile::default() };
        known.save_in(&mut profile);
        // Anyone can say the id of a cluster, so the authority has to be the same, too.
        let identity =
            |profile: &Profile| (profile.cluster_id.clone(), profile.fingerprint.clone(), profile.ca.clone());
        let is_another = self.change_profiles(|file| {
            file.current = Some(name.into());
            let before = file.profiles.remove(name);
            let is_another = before.as_ref().is_some_and(|before| identity(before) != identity(&profile));
            if !is_another {
                profile.receipt_keys = before.map(|before| before.receipt_keys).unwrap_or_default();
            }
            file.profiles.insert(name.into(), profile.clone());
            is_another
        })?;
        if is_another {
            self.forget_token(name)?;
        }
        Ok(profile)
    }

    /// Notes that the token under `name` is now one of the cluster at `endpoints`: makes the profile where there is none,
    /// and gives it these addresses where it had only others.
    pub fn adopt(&self, name: &str, known: &Known, endpoints: &[String]) -> Result<(), ClientError> {
        check_name(name)?;
        let endpoints = endpoints.iter().map(|endpoint| normalise_endpoint(endpoint, &known.trust));
        let endpoints = endpoints.collect::<Result<Vec<_>, _>>()?;
        let saved = self.profile(name)?.unwrap_or_default();
        if saved.trust()? == known.trust && endpoints.iter().any(|endpoint| saved.endpoints.contains(endpoint)) {
            return self.remember_nodes(name, &endpoints);
        }
        self.change_profiles(|file| {
            let mut profile = Profile { endpoints, ..Profile::default() };
            known.save_in(&mut profile);
            file.profiles.insert(name.into(), profile);
        })
    }

    /// Notes nodes that were learned, for the next start. Makes the profile where there is none yet.
    pub fn remember_nodes(&self, name: &str, nodes: &[String]) -> Result<(), ClientError> {
        let saved = self.profile(name)?.unwrap_or_default();
        let trust = saved.trust()?;
        let mut nodes: Vec<String> = nodes.iter().filter_map(|node| normalise_endpoint(node, &trust).ok()).collect();
        if nodes.iter().all(|node| saved.endpoints.contains(node)) {
            return Ok(());
        }
        self.change_profiles(|file| {
            let profile = file.profiles.entry(name.into()).or_default();
            nodes.retain(|node| !profile.endpoints.contains(node));
            profile.endpoints.append(&mut nodes);
        })
    }

    /// Adds keys that the cluster's receipts are verified with. Makes the profile where there is none yet.
    pub fn pin_receipt_keys(&self, name: &str, keys: &[PublicKey]) -> Result<(), ClientError> {
        let known = self.receipt_keys(name)?;
        if keys.iter().all(|key| known.contains(key)) {
            return Ok(());
        }
        self.change_profiles(|file| {
            let pinned = &mut file.profiles.entry(name.into()).or_default().receipt_keys;
            let new = keys.iter().map(ToString::to_string).filter(|key| !pinned.contains(key));
            let new: Vec<String> = new.collect();
            pinned.extend(new);
        })
    }

    /// The keys that are pinned.
    pub fn receipt_keys(&self, name: &str) -> Result<Vec<PublicKey>, ClientError> {
        let pinned = self.profile(name)?.unwrap_or_default().receipt_keys;
        let damaged =
            |key: &str| ClientError::usage(format!("the profile's receipt key {key:?} is none; connect again"));
        pinned.iter().map(|key| key.parse().map_err(|_| damaged(key))).collect()
    }

    /// One profile.
    pub fn profile(&self, name: &str) -> Result<Option<Profile>, ClientError> {
        let mut saved: ProfilesFile = read_toml(&self.dirs.profiles())?;
        Ok(saved.profiles.remove(name))
    }

    /// The token kept for a profile.
    pub fn token(&self, name: &str) -> Result<Option<SavedToken>, ClientError> {
        let mut saved: TokensFile = read_toml(&self.dirs.tokens())?;
        Ok(saved.tokens.remove(name))
    }

    /// Keeps a token for a profile.
    pub fn save_token(&self, name: &str, token: SavedToken) -> Result<(), ClientError> {
        check_name(name)?;
        self.change_tokens(|file| {
            file.tokens.insert(name.into(), token);
        })
    }

    /// Forgets the token of a profile.
    pub fn forget_token(&self, name: &str) -> Result<(), ClientError> {
        if self.token(name)?.is_none() {
            return Ok(());
        }
        self.change_tokens(|file| {
            file.tokens.remove(name);
        })
    }

    fn change_profiles<T>(&self, change: impl FnOnce(&mut ProfilesFile) -> T) -> Result<T, ClientError> {
        change_toml(&self.dirs.config, &self.dirs.profiles(), change)
    }

    fn change_tokens<T>(&self, change: impl FnOnce(&mut TokensFile) -> T) -> Result<T, ClientError> {
        change_toml(&self.dirs.state, &self.dirs.tokens(), change)
    }
}

fn change_toml<F: Default + Serialize + DeserializeOwned, T>(
    directory: &Path,
    path: &Path,
    change: impl FnOnce(&mut F) -> T,
) -> Result<T, ClientError> {
    private_file::while_locked(directory, || {
        let mut file: F = read_toml(path)?;
        let changed = change(&mut file);
        let text =
            toml::to_string(&file).map_err(|error| ClientError::usage(format!("{}: {error}", path.display())))?;
        private_file::replace(path, &text)?;
        Ok(changed)
    })
}

fn read_toml<F: Default + DeserializeOwned>(path: &Path) -> Result<F, ClientError> {
    let Some(text) = private_file::read(path)? else { return Ok(F::default()) };
    // The parser's own words may quote the line, which may hold a token.
    toml::from_str(&text)
        .map_err(|_| ClientError::local_file(format!("{} is damaged: correct or delete it", path.display())))
}

fn read_authorities(path: &Path) -> Result<Trust, ClientError> {
    Trust::from_file(path).map_err(|error| ClientError::usage(error.to_string()))
}

fn read_token_file(path: &Path) -> Result<Secret, ClientError> {
    // A pipe will do: shells make one of the output of a password manager.
    let file = std::fs::File::open(path).map_err(|error| ClientError::io(path, error))?;
    let bytes = read_at_most(file, path, MAX_TOKEN_FILE_BYTES)?;
    match std::str::from_utf8(&bytes).map(str::trim) {
        Ok(token) if !token.is_empty() => Ok(Secret::new(token)),
        _ => Err(ClientError::local_file(format!("{} holds no token", path.display()))),
    }
}

fn no_profile(name: &str, saved: &ProfilesFile) -> ClientError {
    let known: Vec<_> = saved.profiles.keys().cloned().collect();
    let known = if known.is_empty() { "none".into() } else { known.join(", ") };
    ClientError::usage(format!("there is no profile {name:?}; known: {known}"))
}

fn split_list(list: &str) -> Vec<String> {
    list.split(',').map(str::trim).filter(|item| !item.is_empty()).map(Into::into).collect()
}

fn check_name(name: &str) -> Result<(), ClientError> {
    let sensible = !name.is_empty()
        && name.len() <= 40
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    if sensible {
        return Ok(());
    }
    Err(ClientError::usage(format!("{name:?} is no name for a profile: use letters, digits, '-', '_' and '.'")))
}

#[cfg(test)]
#[path = "profile_tests.rs"]
mod tests;
