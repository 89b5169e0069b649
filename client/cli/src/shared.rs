//! Subcommands of every program a person signs in to: connection, account, tokens.

use clap::{Args, Subcommand};
use lectern_client::ClusterAddress;
use lectern_proto::v1;
use serde_json::json;

use crate::table::{cut, keep, spare};
use crate::{Connected, Error, Result, Session, input, json, pages, text};

/// What they are.
#[derive(Subcommand, Debug)]
pub enum SharedCommand {
    /// Save a connection: `lectern://HOST[:PORT][#sha256:FINGERPRINT]`
    Connect {
        /// The address.
        address: ClusterAddressArg,
    },
    /// Sign in, and keep the token for the next commands.
    SignIn {
        /// Your username.
        username: String,
        /// How you know this device in the list of tokens.
        #[arg(long)]
        device: Option<String>,
        /// Read the password from standard input.
        #[arg(long)]
        password_stdin: bool,
    },
    /// Turn an invitation into an account: give the one-time code and choose a password.
    Activate(ActivateArgs),
    /// Sign out: the token stops working everywhere.
    SignOut,
    /// Show who is signed in.
    #[command(name = "whoami")]
    WhoAmI,
    /// Your password.
    #[command(subcommand)]
    Password(PasswordCommand),
    /// Tokens for scripts and devices.
    #[command(subcommand)]
    Token(TokenCommand),
}

/// An address as `connect` takes it.
pub type ClusterAddressArg = ClusterAddress;

/// How an invitation is used.
#[derive(Args, Debug)]
pub struct ActivateArgs {
    /// Your username.
    pub username: String,
    /// Read the one-time code from standard input (before the password).
    #[arg(long)]
    pub code_stdin: bool,
    /// Read the new password from standard input.
    #[arg(long)]
    pub password_stdin: bool,
}

/// The password.
#[derive(Subcommand, Debug)]
pub enum PasswordCommand {
    /// Choose another password; every other sign-in ends.
    Change {
        /// Read the old and the new password from standard input, a line each.
        #[arg(long)]
        password_stdin: bool,
    },
}

/// Tokens.
#[derive(Subcommand, Debug)]
pub enum TokenCommand {
    /// List your tokens.
    List,
    /// Make a token for scripts; it is shown once.
    Create {
        /// Its name.
        name: String,
        /// How many days it works, 1 to 365.
        #[arg(long, default_value_t = 90)]
        days: u32,
    },
    /// Make a token stop working.
    Revoke {
        /// Its id, as `token list` shows it.
        token: String,
    },
}

/// Runs one of them.
pub async fn run(command: SharedCommand, session: &Session) -> Result<()> {
    match command {
        SharedCommand::Connect { address } => connect(&address, session).await,
        SharedCommand::SignIn { username, device, password_stdin } => {
            sign_in(username, device, password_stdin, session).await
        }
        SharedCommand::Activate(args) => activate(args, session).await,
        SharedCommand::SignOut => sign_out(session).await,
        SharedCommand::WhoAmI => who_am_i(session).await,
        SharedCommand::Password(PasswordCommand::Change { password_stdin }) => {
            change_password(password_stdin, session).await
        }
        SharedCommand::Token(command) => token(command, session).await,
    }
}

async fn connect(address: &ClusterAddress, session: &Session) -> Result<()> {
    let Connected { status, endpoints, trust, receipt_keys } = session.connect(address).await?;
    let profile = &session.identity().profile;
    let value = json!({
        "profile": profile, "cluster_id": status.cluster_id, "nodes": endpoints, "secure": trust.is_secure(),
        "receipt_keys": receipt_keys,
    });
    session.show(value, || {
        let nodes = text::count(status.nodes.len(), "node", "nodes");
        format!("Connected to a cluster of {nodes}; saved as `{profile}`. Now sign in.")
    })
}

async fn sign_in(username: String, device: Option<String>, from_stdin: bool, session: &Session) -> Result<()> {
    let password = input::secret("Password", from_stdin)?;
    let device_label = device.unwrap_or_else(|| session.device_label());
    let response = session.call(v1::SignInRequest { username, password, device_label }).await?;
    signed_in(&response, session)
}

async fn activate(args: ActivateArgs, session: &Session) -> Result<()> {
    let code = input::secret("One-time code", args.code_stdin)?;
    let new_password = input::new_password("New password", args.password_stdin)?;
    let request =
        v1::ActivateRequest { username: args.username, code, new_password, device_label: session.device_label() };
    let response = session.call(request).await?;
    signed_in(&response, session)
}

fn signed_in(response: &v1::SignInResponse, session: &Session) -> Result<()> {
    session.keep(response)?;
    let user = response.user.clone().unwrap_or_default();
    let value = json!({
        "user": json::user(&user), "token_id": response.token_id,
        "expires_at": crate::format::rfc3339(response.expires_at_ms),
    });
    session.show(value, || {
        format!(
            "Signed in as {} ({}) until {}.",
            text::clean(&user.name),
            user.username,
            text::time(response.expires_at_ms)
        )
    })
}

async fn sign_out(session: &Session) -> Result<()> {
    session.require_token()?;
    let ended = session.call(v1::SignOutRequest {}).await;
    // A token the cluster no longer knows is as good as signed out.
    match ended {
        Ok(_) | Err(Error::NotSignedIn { .. }) => {}
        Err(error) => return Err(error),
    }
    if !session.identity().token_is_given {
        session.profiles().forget_token(&session.identity().profile)?;
    }
    session.show(json!({"signed_out": true}), || "Signed out.".into())
}

async fn who_am_i(session: &Session) -> Result<()> {
    session.require_token()?;
    let me = session.call(v1::WhoAmIRequest {}).await?;
    let user = me.user.clone().unwrap_or_default();
    let value = json!({
        "user": json::user(&user), "token_id": me.token_id,
        "token_expires_at": crate::format::rfc3339(me.token_expires_at_ms), "now": crate::format::rfc3339(me.now_ms),
    });
    session.show(value, || {
        format!(
            "{} ({}), signed in until {}",
            text::clean(&user.name),
            user.username,
            text::time(me.token_expires_at_ms)
        )
    })
}

async fn change_password(from_stdin: bool, session: &Session) -> Result<()> {
    session.require_token()?;
    let old_password = input::secret("Old password", from_stdin)?;
    let new_password = input::new_password("New password", from_stdin)?;
    session.call(v1::ChangePasswordRequest { old_password, new_password }).await?;
    session.show(json!({"changed": true}), || "The password is changed; every other sign-in has ended.".into())
}

async fn token(command: TokenCommand, session: &Session) -> Result<()> {
    match command {
        TokenCommand::List => list_tokens(session).await,
        TokenCommand::Create { name, days } => {
            let made = session.call(v1::CreateTokenRequest { name, lifetime_days: days }).await?;
            let info = made.info.clone().unwrap_or_default();
            let mut value = token_json(&info);
            value["token"] = made.token.clone().into();
            session.show(value, || {
                let until = text::time(info.expires_at_ms);
                format!("{}\nKeep it now: it is not shown again. It works until {until}.", made.token)
            })
        }
        TokenCommand::Revoke { token } => {
            session.call(v1::RevokeTokenRequest { token_id: token.clone() }).await?;
            session.show(json!({"revoked": token}), || "The token no longer works.".into())
        }
    }
}

async fn list_tokens(session: &Session) -> Result<()> {
    let tokens = pages::all(session, |page_token| v1::ListTokensRequest { page_token, ..Default::default() }).await?;
    let value = json::list("tokens", tokens.iter().map(token_json).collect());
    session.show(value, || {
        let rows = tokens.iter().map(|token| {
            vec![
                token.token_id.clone(),
                token.name.clone(),
                text::time(token.expires_at_ms),
                text::optional_time(token.last_used_at_ms),
                if token.current { "this one".into() } else { String::new() },
            ]
        });
        let columns = [keep("token"), cut("name"), spare("expires"), spare("last used"), keep("")];
        text::table(&columns, rows, "There are no tokens.")
    })
}

fn token_json(token: &v1::Token) -> serde_json::Value {
    json!({
        "id": token.token_id, "name": token.name, "created_at": crate::format::rfc3339(token.created_at_ms),
        "expires_at": crate::format::rfc3339(token.expires_at_ms), "last_used_at": json::time(token.last_used_at_ms),
        "current": token.current,
    })
}
