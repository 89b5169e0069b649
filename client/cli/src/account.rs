//! Subcommands of the student's and the instructor's program that are about the cluster and oneself: `connect`,
//! `sign-in`, `activate`, `sign-out`, `whoami`, `password change`, `token …`.

use clap::Subcommand;
use lectern_client::{Client, ClientError, ClientOptions, ClusterAddress, DEFAULT_PROFILE, SavedToken, Secret, v1};
use serde_json::{Value, json};

use crate::dates::{local_time, relative, time_and_distance};
use crate::{Context, Failure, Table, json as values, secrets};

/// Rows asked for at once.
const PAGE_ROWS: u32 = 200;

/// `#[command(flatten)]` them into the program's own subcommands.
#[derive(Subcommand, Clone, Debug)]
pub enum AccountCommand {
    /// Save a cluster as a profile, which all programs then use
    Connect {
        /// lectern://HOST[:PORT][#sha256:FINGERPRINT]
        address: ClusterAddress,
        /// Name of the profile
        #[arg(long, default_value = DEFAULT_PROFILE)]
        name: String,
    },
    /// Sign in with a username and a password
    SignIn {
        /// Your username
        username: String,
        /// Read the password from standard input, one line
        #[arg(long)]
        password_stdin: bool,
        /// What the token list calls this device
        #[arg(long, value_name = "LABEL")]
        device: Option<String>,
    },
    /// Turn a one-time code into an account with a password of your own, and sign in
    Activate {
        /// Your username
        username: String,
        /// Read the code from standard input, one line
        #[arg(long)]
        code_stdin: bool,
        /// Read the new password from standard input, one line (after the code's, if that comes from there too)
        #[arg(long)]
        password_stdin: bool,
        /// What the token list calls this device
        #[arg(long, value_name = "LABEL")]
        device: Option<String>,
    },
    /// Revoke this machine's token and forget it
    SignOut,
    /// Show who is signed in, and where
    Whoami,
    /// Your password
    #[command(subcommand)]
    Password(PasswordCommand),
    /// Your tokens: one for each device, further ones for scripts
    #[command(subcommand)]
    Token(TokenCommand),
}

/// About the password.
#[derive(Subcommand, Clone, Debug)]
pub enum PasswordCommand {
    /// Change it; all your other tokens are revoked
    Change {
        /// Read the old and the new password from standard input, one a line
        #[arg(long)]
        password_stdin: bool,
    },
}

/// About tokens.
#[derive(Subcommand, Clone, Debug)]
pub enum TokenCommand {
    /// List them
    List,
    /// Make one for a script; it is shown once
    Create {
        /// What the list calls it
        name: String,
        /// Days until it expires, 1 to 365
        #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=365))]
        days: u32,
    },
    /// Revoke one: it stops working at once
    Revoke {
        /// Its id, as `token list` shows it
        token_id: String,
    },
}

impl AccountCommand {
    /// Does it.
    pub async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Connect { address, name } => connect(context, &address, &name).await,
            Self::SignIn { username, password_stdin, device } => {
                let client = context.client()?;
                let password = secrets::ask("Password", password_stdin)?;
                sign_in(context, &client, username, &password, device).await
            }
            Self::Activate { username, code_stdin, password_stdin, device } => {
                let client = context.client()?;
                let code = secrets::ask("One-time code", code_stdin)?;
                let password = secrets::ask_new("New password", password_stdin)?;
                activate(context, &client, username, &code, &password, device).await
            }
            Self::SignOut => sign_out(context).await,
            Self::Whoami => who_am_i(context).await,
            Self::Password(PasswordCommand::Change { password_stdin }) => {
                change_password(context, password_stdin).await
            }
            Self::Token(command) => token(context, command).await,
        }
    }
}

async fn connect(context: &Context, address: &ClusterAddress, name: &str) -> Result<(), Failure> {
    address.check_reachable_safely()?;
    let client = Client::connect(ClientOptions::new([address.endpoint()]))?;
    let status = client.status().await?;
    let profile = context.profiles.connect(name, address, &status.cluster_id, &client.addresses())?;
    if address.fingerprint.is_some() {
        context.output.warn("the fingerprint is kept, but not checked yet: nodes speak clear text on loopback");
    }
    context.output.result(
        json!({ "profile": name, "cluster_id": status.cluster_id, "endpoints": profile.endpoints }),
        format!(
            "Profile {name}: {}. Now `sign-in USERNAME`, or `activate USERNAME` with a one-time code.",
            profile.endpoints.join(", ")
        ),
    )
}

async fn sign_in(
    context: &Context,
    client: &Client,
    username: String,
    password: &Secret,
    device: Option<String>,
) -> Result<(), Failure> {
    let device_label = device.unwrap_or_else(device_label);
    let request = v1::SignInRequest { username, password: password.expose().into(), device_label };
    keep_sign_in(context, client, client.call(request).await?)
}

async fn activate(
    context: &Context,
    client: &Client,
    username: String,
    code: &Secret,
    password: &Secret,
    device: Option<String>,
) -> Result<(), Failure> {
    let request = v1::ActivateRequest {
        username,
        code: code.expose().trim().into(),
        new_password: password.expose().into(),
        device_label: device.unwrap_or_else(device_label),
    };
    keep_sign_in(context, client, client.call(request).await?)
}

fn keep_sign_in(context: &Context, client: &Client, response: v1::SignInResponse) -> Result<(), Failure> {
    let user = response.user.unwrap_or_default();
    let identity = context.identity()?;
    let saved = SavedToken {
        token: Secret::new(response.token),
        token_id: response.token_id.clone(),
        username: user.username.clone(),
        expires_at_ms: response.expires_at_ms,
    };
    client.set_token(Some(saved.token.clone()));
    context.profiles.save_token(&identity.profile, saved)?;
    // Where the address came with the command, the profile that now holds a token gets it.
    context.profiles.remember_nodes(&identity.profile, &identity.endpoints)?;
    if identity.token_is_given {
        context.output.warn("LECTERN_TOKEN or --token-file goes before the token that was just saved");
    }
    let until = local_time(response.expires_at_ms, &context.zone());
    context.output.result(
        json!({
            "profile": identity.profile,
            "user": values::user(&user),
            "token_id": response.token_id,
            "expires_at": values::time(response.expires_at_ms),
        }),
        format!("Signed in as {} ({}) until {until}.", user.username, user.name),
    )
}

async fn sign_out(context: &Context) -> Result<(), Failure> {
    let client = context.signed_in()?;
    let identity = context.identity()?;
    match client.call(v1::SignOutRequest {}).await {
        // A token that is no longer one needs no revoking.
        Ok(_) | Err(ClientError::NotSignedIn { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    if !identity.token_is_given {
        context.profiles.forget_token(&identity.profile)?;
    }
    context.output.result(json!({ "profile": identity.profile, "signed_out": true }), "Signed out.")
}

async fn who_am_i(context: &Context) -> Result<(), Failure> {
    let client = context.signed_in()?;
    let response = client.call(v1::WhoAmIRequest {}).await?;
    let user = response.user.unwrap_or_default();
    let profile = context.identity()?.profile;
    let expires = time_and_distance(response.token_expires_at_ms, response.now_ms, &context.zone());
    let human = format!(
        "{} ({})\nrights: {}\nprofile: {profile}\ntoken: {}, expires {expires}",
        user.username,
        user.name,
        rights_in_words(&user),
        response.token_id,
    );
    context.output.result(
        json!({
            "profile": profile,
            "user": values::user(&user),
            "token_id": response.token_id,
            "token_expires_at": values::time(response.token_expires_at_ms),
            "now": values::time(response.now_ms),
        }),
        human,
    )
}

fn rights_in_words(user: &v1::User) -> String {
    let rights = user.rights.unwrap_or_default();
    let named = [(rights.admin, "admin"), (rights.course_creator, "course creator"), (rights.operator, "operator")];
    let held: Vec<_> = named.iter().filter(|(held, _)| *held).map(|(_, name)| *name).collect();
    if held.is_empty() { "none beside courses".into() } else { held.join(", ") }
}

async fn change_password(context: &Context, password_stdin: bool) -> Result<(), Failure> {
    let client = context.signed_in()?;
    let old = secrets::ask("Old password", password_stdin)?;
    let new = secrets::ask_new("New password", password_stdin)?;
    let request = v1::ChangePasswordRequest { old_password: old.expose().into(), new_password: new.expose().into() };
    client.call(request).await?;
    context.output.result(json!({ "changed": true }), "The password is changed; your other tokens are revoked.")
}

async fn token(context: &Context, command: TokenCommand) -> Result<(), Failure> {
    let client = context.signed_in()?;
    match command {
        TokenCommand::List => list_tokens(context, &client).await,
        TokenCommand::Create { name, days } => create_token(context, &client, name, days).await,
        TokenCommand::Revoke { token_id } => {
            client.call(v1::RevokeTokenRequest { token_id: token_id.clone() }).await?;
            context
                .output
                .result(json!({ "token_id": token_id, "revoked": true }), format!("Token {token_id} is revoked."))
        }
    }
}

async fn list_tokens(context: &Context, client: &Client) -> Result<(), Failure> {
    let mut tokens = Vec::new();
    let mut page_token = String::new();
    loop {
        let page = client.call(v1::ListTokensRequest { page_size: PAGE_ROWS, page_token }).await?;
        tokens.extend(page.tokens);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    let zone = context.zone();
    let now_ms = client.call(v1::WhoAmIRequest {}).await?.now_ms;
    let mut table = Table::new(["ID", "NAME", "LAST USED", "EXPIRES", ""]).or_else("No tokens.");
    for token in &tokens {
        let used = token.last_used_at_ms.map_or_else(|| "never".into(), |at| relative(at, now_ms));
        let expires = local_time(token.expires_at_ms, &zone);
        table.row([&*token.token_id, &token.name, &used, &expires, if token.current { "this one" } else { "" }]);
    }
    let list: Vec<Value> = tokens.iter().map(token_json).collect();
    context.output.result(json!({ "tokens": list }), table)
}

async fn create_token(context: &Context, client: &Client, name: String, lifetime_days: u32) -> Result<(), Failure> {
    let response = client.call(v1::CreateTokenRequest { name, lifetime_days }).await?;
    let info = response.info.unwrap_or_default();
    let mut value = token_json(&info);
    value["token"] = response.token.clone().into();
    context.output.note(format!(
        "Token {} ({}), good until {}. It is shown only now:",
        info.token_id,
        info.name,
        local_time(info.expires_at_ms, &context.zone())
    ));
    context.output.result(value, response.token)
}

fn token_json(token: &v1::Token) -> Value {
    json!({
        "token_id": token.token_id,
        "name": token.name,
        "created_at": values::time(token.created_at_ms),
        "expires_at": values::time(token.expires_at_ms),
        "last_used_at": values::optional_time(token.last_used_at_ms),
        "current": token.current,
    })
}

/// What this machine calls itself, as far as it says.
fn device_label() -> String {
    let from_file = || std::fs::read_to_string("/etc/hostname").ok();
    let name = std::env::var("HOSTNAME").ok().or_else(from_file).unwrap_or_default();
    let name: String = crate::sanitise_line(name.trim()).chars().take(60).collect();
    format!("{} {name}", crate::global::program_name()).trim().to_owned()
}
