//! Connecting to a cluster, signing in, and turning an invitation into an account.
//!
//! A program's first screen calls [`enter`] when it opens: where nobody is signed in, it gives way to these screens. A
//! sign-in that ends meanwhile leads here, too, with everything that was open left as it is below.

mod fields;
mod password;
mod screens;

use lectern_cli::Connected;
use lectern_cli::Session;
use lectern_client::{ClientError, ClusterAddress, Secret};
use lectern_proto::v1;

use super::Shares;
use crate::action::{Action, FORM, Group, Scope};
use crate::program::Reply;
use crate::remote::Failure;
use crate::screen::{Cx, Tone};

pub use password::NewPassword;
pub use screens::{Activate, Connect, SignIn};

/// Use a one-time code.
pub const USE_CODE: Action = Action::new(
    "use-code",
    &["ctrl-t"],
    "one-time code",
    "Turn an invitation into an account, with its one-time code.",
)
.in_bar()
.in_text();
/// Choose another cluster.
pub const OTHER_CLUSTER: Action =
    Action::new("other-cluster", &["ctrl-g"], "other cluster", "Give the address of another cluster.")
        .in_bar()
        .in_text();

const WAYS_IN: Group = Group { name: "sign-in", title: "Signing in", actions: &[USE_CODE, OTHER_CLUSTER] };

/// Giving the address of a cluster.
pub const CONNECT_SCOPE: Scope = Scope { name: "connect", title: "Connect", groups: &[&FORM] };
/// Signing in.
pub const SIGN_IN_SCOPE: Scope = Scope { name: "sign-in", title: "Sign in", groups: &[&FORM, &WAYS_IN] };
/// Using an invitation.
pub const ACTIVATE_SCOPE: Scope = Scope { name: "activate", title: "One-time code", groups: &[&FORM] };

/// Choosing another password.
pub const PASSWORD_SCOPE: Scope = Scope { name: "password", title: "New password", groups: &[&FORM] };
/// Open that screen.
pub const CHANGE_PASSWORD: Action =
    Action::new("change-password", &["P"], "password", "Choose another password; every other sign-in ends.");

/// What the account screens ask for.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Find a cluster, and save the connection.
    Connect {
        /// As it was typed: `lectern://HOST:PORT`.
        address: String,
    },
    /// Sign in.
    SignIn {
        /// Who.
        username: String,
        /// Their password.
        password: Secret,
    },
    /// Turn an invitation into an account, and sign in.
    Activate {
        /// Who.
        username: String,
        /// The one-time code.
        code: Secret,
        /// The password they chose.
        password: Secret,
    },
    /// Choose another password.
    ChangePassword {
        /// The one so far.
        old: Secret,
        /// From now on.
        new: Secret,
    },
    /// Sign out: the token stops working.
    SignOut,
}

/// What comes back.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// The cluster answered, and how many nodes it has.
    Connected(Result<usize, Failure>),
    /// The cluster knows who it is.
    SignedIn(Result<SignedIn, Failure>),
    /// A call was refused because nobody is signed in any more.
    SignedOut,
    /// The password was changed.
    PasswordChanged(Result<(), Failure>),
    /// The person signed out.
    Left(Result<(), Failure>),
}

/// A sign-in.
#[derive(Clone, Debug, PartialEq)]
pub struct SignedIn {
    /// Who.
    pub user: v1::User,
    /// Why it will not be remembered at the next start.
    pub not_kept: Option<Failure>,
}

/// Who is signed in, and where; part of the program's model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// The address of a cluster is known.
    pub connected: bool,
    /// Calls carry a token.
    pub signed_in: bool,
    /// The username, where it is known.
    pub username: String,
    /// A sign-in screen is open.
    asking: bool,
}

impl State {
    /// As the session found it.
    pub fn of(session: &Session) -> Self {
        let identity = session.identity();
        Self {
            connected: !identity.endpoints.is_empty(),
            signed_in: session.client().has_token(),
            username: identity.username.clone().unwrap_or_default(),
            asking: false,
        }
    }

    /// Somebody who is signed in: what tests begin with.
    pub fn signed_in(username: &str) -> Self {
        Self { connected: true, signed_in: true, username: username.into(), asking: false }
    }

    /// Somebody who was here before (or nobody, for an empty name), and has to sign in.
    pub fn signed_out(username: &str) -> Self {
        Self { signed_in: false, ..Self::signed_in(username) }
    }
}

/// Gives way to the screens that lead into the program, where nobody is signed in yet. True when it did.
pub fn enter<P: Shares>(cx: &mut Cx<'_, P>) -> bool {
    let state = P::account(cx.model);
    let (connected, username) = (state.connected, state.username.clone());
    if state.signed_in {
        return false;
    }
    if connected {
        cx.reset(SignIn::new(&username));
    } else {
        cx.reset(Connect::default());
    }
    true
}

/// The token no longer works: asks to sign in again, over what is open.
pub(super) fn signed_out<P: Shares>(cx: &mut Cx<'_, P>) {
    let state = P::account(cx.model);
    if state.asking {
        return;
    }
    let username = state.username.clone();
    state.asking = true;
    cx.push(SignIn::again(&username));
}

/// Whether an effect changes something.
pub fn is_change(effect: &Effect) -> bool {
    match effect {
        Effect::Connect { .. } | Effect::SignIn { .. } => false,
        Effect::Activate { .. } | Effect::ChangePassword { .. } | Effect::SignOut => true,
    }
}

/// Does the work.
pub async fn perform<P: Shares>(session: &Session, effect: Effect, reply: &Reply<P>) {
    let message = match effect {
        Effect::Connect { address } => Message::Connected(connect(session, &address).await.map_err(Failure::from)),
        Effect::SignIn { username, password } => {
            let device_label = session.device_label();
            let request = v1::SignInRequest { username, password: password.expose().into(), device_label };
            Message::SignedIn(signed_in(session, session.call(request).await))
        }
        Effect::Activate { username, code, password } => {
            let request = v1::ActivateRequest {
                username,
                code: code.expose().into(),
                new_password: password.expose().into(),
                device_label: session.device_label(),
            };
            Message::SignedIn(signed_in(session, session.call(request).await))
        }
        Effect::ChangePassword { old, new } => {
            let (old_password, new_password) = (old.expose().into(), new.expose().into());
            let answer = super::call(session, v1::ChangePasswordRequest { old_password, new_password }, reply).await;
            Message::PasswordChanged(answer.map(|_| ()))
        }
        Effect::SignOut => Message::Left(sign_out(session).await.map_err(Failure::from)),
    };
    reply.send(P::message(super::Message::Account(message))).await;
}

async fn connect(session: &Session, address: &str) -> Result<usize, ClientError> {
    let address: ClusterAddress = address.trim().parse()?;
    let Connected { status, endpoints, trust, .. } = session.connect(&address).await?;
    session.client().redirect(&endpoints, trust)?;
    Ok(status.nodes.len())
}

fn signed_in(session: &Session, answer: Result<v1::SignInResponse, ClientError>) -> Result<SignedIn, Failure> {
    let response = answer.map_err(|error| Failure::from(&error))?;
    session.client().set_token(Some(Secret::new(response.token.clone())));
    let not_kept = session.keep(&response).err().map(Failure::from);
    Ok(SignedIn { user: response.user.unwrap_or_default(), not_kept })
}

async fn sign_out(session: &Session) -> Result<(), ClientError> {
    match session.call(v1::SignOutRequest {}).await {
        // A token the cluster no longer knows is as good as signed out.
        Ok(_) | Err(ClientError::NotSignedIn { .. }) => {}
        Err(error) => return Err(error),
    }
    session.client().set_token(None);
    if !session.identity().token_is_given {
        session.profiles().forget_token(&session.identity().profile)?;
    }
    Ok(())
}

/// Leaves for the sign-in screen, after [`Message::Left`].
pub fn left<P: Shares>(cx: &mut Cx<'_, P>) {
    let state = P::account(cx.model);
    state.signed_in = false;
    let username = state.username.clone();
    cx.reset(SignIn::new(&username));
    cx.toast(Tone::Good, "Signed out.");
}
