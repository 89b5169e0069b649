//! One run of a program: who, which cluster, and how to answer.

use std::time::Duration;

use lectern_client::receipt;
use lectern_client::{
    Client, ClientOptions, ClusterAddress, Dirs, Identity, Known, Overrides, Profiles, SavedToken, Trust,
};
use lectern_proto::v1;
use lectern_rpc::Call;
use serde_json::Value;

use crate::args::GlobalArgs;
use crate::{Error, Result, output};

/// The connection, the person's profile, and the way of printing.
pub struct Session {
    client: Client,
    profiles: Profiles,
    identity: Identity,
    as_json: bool,
}

/// A cluster that answered, and is saved.
pub struct Connected {
    /// What it said.
    pub status: v1::GetStatusResponse,
    /// Where its nodes are.
    pub endpoints: Vec<String>,
    /// What is taken for it.
    pub trust: Trust,
    /// How many keys of its receipts it told, which are pinned now. A cluster that cannot say now tells them with the first
    /// receipt.
    pub receipt_keys: usize,
}

/// How long connecting waits for the keys of receipts: they are not what somebody connects for.
const KEYS_PATIENCE: Duration = Duration::from_secs(3);

impl Session {
    /// As the options, the environment and the saved profile say. Connects when the first call is made.
    pub fn open(global: &GlobalArgs) -> Result<Self> {
        let profiles = Profiles::new(Dirs::from_env()?);
        let overrides = Overrides {
            profile: global.profile.clone(),
            endpoints: global.endpoints.clone(),
            token_file: global.token_file.clone(),
            ca: global.ca.clone(),
            certificate: global.certificate.clone(),
            operator_key: global.operator_key.clone(),
        };
        let identity = profiles.resolve(&overrides)?;
        let mut options = identity.options();
        options.user_agent = concat!("lectern-cli/", env!("CARGO_PKG_VERSION")).into();
        if let Some(timeout) = global.timeout {
            options.call_deadline = timeout;
            options.first_contact_deadline = timeout;
        }
        if options.endpoints.is_empty() {
            // Where a node of this machine listens; `connect` and `completions` work without any.
            options.endpoints.push(format!("127.0.0.1:{}", lectern_client::DEFAULT_PORT));
        }
        Ok(Self { client: Client::connect(options)?, profiles, identity, as_json: global.json })
    }

    /// Makes a call.
    pub async fn call<Q: Call>(&self, request: Q) -> Result<Q::Response> {
        self.client.call(request).await.map_err(|error| match error {
            Error::NotSignedIn { .. } if !self.client.has_token() => self.nobody(),
            other => other,
        })
    }

    /// Prints a result: JSON for scripts, text for people.
    pub fn show(&self, value: Value, human: impl FnOnce() -> String) -> Result<()> {
        output::show(self.as_json, value, human);
        Ok(())
    }

    /// The client.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Saved connections and tokens.
    pub fn profiles(&self) -> &Profiles {
        &self.profiles
    }

    /// Who, and which cluster.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Whether scripts read the output.
    pub fn is_json(&self) -> bool {
        self.as_json
    }

    /// What drafts and tokens call this machine.
    pub fn device_label(&self) -> String {
        let name = std::fs::read_to_string("/etc/hostname").ok().map(|name| name.trim().to_owned());
        let name = name.filter(|name| !name.is_empty()).or_else(|| std::env::var("HOSTNAME").ok());
        name.unwrap_or_else(|| "terminal".into())
    }

    /// Keeps the token of a sign-in, and the cluster it is for, for the next start.
    pub fn keep(&self, response: &v1::SignInResponse) -> Result<()> {
        let profile = &self.identity.profile;
        let token = SavedToken {
            token: lectern_client::Secret::new(response.token.clone()),
            token_id: response.token_id.clone(),
            username: response.user.as_ref().map(|user| user.username.clone()).unwrap_or_default(),
            expires_at_ms: response.expires_at_ms,
        };
        self.profiles.save_token(profile, token)?;
        self.profiles.adopt(profile, &self.known(), &self.client.addresses())
    }

    /// How the cluster that is called now is known, as it can be saved.
    fn known(&self) -> Known {
        let (own, trust) = (&self.identity.known, self.client.trust());
        if own.trust == trust { own.clone() } else { Known { trust, ca: self.identity.given.ca.clone() } }
    }

    /// Looks whether a cluster answers at an address, and saves it under the profile's name. The client goes on calling the
    /// one that it called before.
    pub async fn connect(&self, address: &ClusterAddress) -> Result<Connected> {
        let known = self.identity.known_at(address);
        address.check_reachable_safely(&known.trust)?;
        let mut options = ClientOptions::new([address.endpoint()]);
        options.trust = known.trust.clone();
        options.certificate.clone_from(&self.identity.certificate);
        let client = Client::connect(options)?;
        let status = client.status().await?;
        let saved =
            self.profiles.connect(&self.identity.profile, address, &known, &status.cluster_id, &client.addresses())?;
        let asked = receipt::pin_keys(&client, &self.profiles, &self.identity.profile);
        let told = tokio::time::timeout(KEYS_PATIENCE, asked).await;
        let receipt_keys = told.ok().and_then(std::result::Result::ok).map_or(0, |told| told.keys.len());
        Ok(Connected { status, endpoints: saved.endpoints, trust: known.trust, receipt_keys })
    }

    /// Whose uploads these are: the same files of two people are two things.
    pub fn upload_scope(&self) -> String {
        format!("{}/{}", self.identity.profile, self.identity.username.as_deref().unwrap_or_default())
    }

    /// Refuses early, and clearly, what needs a sign-in.
    pub fn require_token(&self) -> Result<()> {
        if self.client.has_token() {
            return Ok(());
        }
        Err(self.nobody())
    }

    /// Nobody is signed in: because the profile that was asked for does not exist, where it does not.
    fn nobody(&self) -> Error {
        if self.identity.profile_is_known {
            Error::NotSignedIn { message: "nobody is signed in".into() }
        } else {
            self.profiles.no_such_profile(&self.identity.profile)
        }
    }
}
