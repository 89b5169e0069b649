//! The door: signing in, activation, passwords and tokens.
//!
//! What is secret ends here: into the log go argon2id hashes of passwords and BLAKE3 hashes of tokens and codes. All of
//! this runs on the leader, so that guesses are counted in one place and the machine that hashes is the one that proposes.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::PoisonError;

use lectern_lms::{Actor, Reason, auth, validate};
use lectern_proto::internal::v1::{ActivateAccount, IssueToken, SetPassword, UserRecord, command::Body};
use lectern_proto::v1;
use lectern_rpc::v1::auth_service_server::AuthService;
use prost::Message;
use subtle::ConstantTimeEq as _;
use tonic::{Request, Response, Status};

use super::metadata::Caller;
use super::secrets::{self, Secret};
use super::{Door, errors, passwords, service};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// A signed-in device.
const SIGN_IN_LIFETIME_MS: i64 = 90 * DAY_MS;
/// A named token where nothing else is asked for.
const TOKEN_DAYS: u32 = 90;
const MAX_TOKEN_DAYS: u32 = 365;
const MAX_LABEL_CHARS: usize = 80;

service! {
    AuthService {
        read who_am_i(WhoAmIRequest) = auth::who_am_i;
        read list_tokens(ListTokensRequest) = auth::list_tokens;
        write sign_out(SignOutRequest) = SignOut;
        write revoke_token(RevokeTokenRequest) = RevokeToken;
    }
    custom {
        async fn sign_in(&self, request: Request<v1::SignInRequest>) -> Result<Response<v1::SignInResponse>, Status> {
            self.at_leader(request, async |caller, request| self.sign_in_here(&caller, request).await).await
        }
        async fn activate(&self, request: Request<v1::ActivateRequest>) -> Result<Response<v1::SignInResponse>, Status> {
            self.at_leader(request, async |caller, request| self.activate_here(&caller, request).await).await
        }
        async fn change_password(
            &self,
            request: Request<v1::ChangePasswordRequest>,
        ) -> Result<Response<v1::ChangePasswordResponse>, Status> {
            self.at_leader(request, async |caller, request| self.change_password_here(&caller, request).await).await
        }
        async fn create_token(
            &self,
            request: Request<v1::CreateTokenRequest>,
        ) -> Result<Response<v1::CreateTokenResponse>, Status> {
            self.at_leader(request, async |caller, request| self.create_token_here(&caller, request).await).await
        }
    }
}

impl Door {
    async fn sign_in_here(&self, caller: &Caller, request: v1::SignInRequest) -> Result<v1::SignInResponse, Status> {
        let label = label(&request.device_label)?;
        let guess = self.begin_guess(caller, &request.username)?;
        let judged = self.authenticator.authenticate(&request.username, request.password).await;
        let identity = guess.judge(judged)?.ok_or_else(|| {
            errors::refused(Reason::BadCredentials, "username or password is wrong; try again, or ask for a new code")
        })?;
        let secret = new_token()?;
        let body = Body::IssueToken(IssueToken {
            user_id: identity.user_id,
            password_version: identity.password_version,
            new_token_id: secret.id,
            name: label,
            lifetime_ms: SIGN_IN_LIFETIME_MS,
        });
        let response: v1::SignInResponse = self.propose_secret(caller, body).await?;
        Ok(v1::SignInResponse { token: secret.text, ..response })
    }

    async fn activate_here(&self, caller: &Caller, request: v1::ActivateRequest) -> Result<v1::SignInResponse, Status> {
        let label = label(&request.device_label)?;
        passwords::check(&request.username, &request.new_password)?;
        let code_hash = secrets::code_hash(&request.code);
        let guess = self.begin_guess(caller, &request.username)?;
        let username = request.username;
        let checked = self
            .look(move |store, now_ms| {
                let record = auth::credentials(store, &username)?;
                Ok(record.filter(|record| code_opens(record, &code_hash, now_ms)))
            })
            .await;
        let record = guess.judge(checked)?.ok_or_else(|| {
            errors::refused(
                Reason::BadCredentials,
                "username or code is wrong, or the code has expired; ask your instructor or administrator for a new one",
            )
        })?;
        let secret = new_token()?;
        let body = Body::ActivateAccount(ActivateAccount {
            user_id: record.user.unwrap_or_default().user_id,
            code_hash: code_hash.to_vec(),
            password_hash: self.passwords.hash(request.new_password).await?,
            new_token_id: secret.id,
            token_name: label,
            token_lifetime_ms: SIGN_IN_LIFETIME_MS,
        });
        let response: v1::SignInResponse = self.propose_secret(caller, body).await?;
        Ok(v1::SignInResponse { token: secret.text, ..response })
    }

    async fn change_password_here(
        &self,
        caller: &Caller,
        request: v1::ChangePasswordRequest,
    ) -> Result<v1::ChangePasswordResponse, Status> {
        caller.require_token()?;
        let token_id = caller.token_id.clone();
        let user =
            self.look(move |store, now_ms| Ok(Actor::by_token(store, &token_id, now_ms)?.user()?.clone())).await?;
        passwords::check(&user.username, &request.new_password)?;
        let guess = self.begin_guess(caller, &user.username)?;
        let judged = self.authenticator.authenticate(&user.username, request.old_password).await;
        let identity = guess
            .judge(judged)?
            .ok_or_else(|| errors::refused(Reason::BadCredentials, "the old password is wrong; nothing was changed"))?;
        let body = Body::SetPassword(SetPassword {
            old_password_version: identity.password_version,
            password_hash: self.passwords.hash(request.new_password).await?,
        });
        self.propose_secret(caller, body).await
    }

    async fn create_token_here(
        &self,
        caller: &Caller,
        request: v1::CreateTokenRequest,
    ) -> Result<v1::CreateTokenResponse, Status> {
        caller.require_token()?;
        let name = validate::line("name", &request.name).map_err(errors::from_failure)?;
        let days = match request.lifetime_days {
            0 => TOKEN_DAYS,
            days @ 1..=MAX_TOKEN_DAYS => days,
            _ => return Err(errors::refused(Reason::InvalidArgument, "lifetime_days must be from 1 to 365")),
        };
        let lifetime_ms = i64::from(days) * DAY_MS;
        let secret = new_token()?;
        let body = Body::IssueToken(IssueToken {
            user_id: String::new(),
            password_version: 0,
            new_token_id: secret.id,
            name: name.clone(),
            lifetime_ms,
        });
        let issued: v1::SignInResponse = self.propose_secret(caller, body).await?;
        let info = v1::Token {
            token_id: issued.token_id,
            name,
            created_at_ms: issued.expires_at_ms - lifetime_ms,
            expires_at_ms: issued.expires_at_ms,
            last_used_at_ms: None,
            current: false,
        };
        Ok(v1::CreateTokenResponse { token: secret.text, info: Some(info) })
    }

    /// Proposes a change that makes or checks a secret: nothing of it is recorded under a key.
    pub(super) async fn propose_secret<R: Message + Default>(&self, caller: &Caller, body: Body) -> Result<R, Status> {
        self.propose(caller, String::new(), Vec::new(), body).await
    }

    /// Charges a guess at `account`, or refuses while the guesser has to wait.
    fn begin_guess(&self, caller: &Caller, account: &str) -> Result<Guess<'_>, Status> {
        let address = caller.address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        let now_ms = self.node.now_ms();
        let mut guessing = self.guessing.lock().unwrap_or_else(PoisonError::into_inner);
        guessing.begin(account, address, now_ms).map_err(errors::too_many_attempts)?;
        metrics::counter!("lectern_guesses_total").increment(1);
        Ok(Guess { door: self, account: account.to_owned(), address })
    }
}

/// A guess that was charged and waits for its judgement. Dropped without one it stays charged, so that giving calls up
/// gains nothing.
struct Guess<'a> {
    door: &'a Door,
    account: String,
    address: IpAddr,
}

impl Guess<'_> {
    /// Passes the judgement on: right clears the account's guesses, wrong leaves the charge, no judgement gives it back.
    fn judge<T>(self, judged: Result<Option<T>, Status>) -> Result<Option<T>, Status> {
        let mut guessing = self.door.guessing.lock().unwrap_or_else(PoisonError::into_inner);
        match &judged {
            Ok(Some(_)) => guessing.succeeded(&self.account, self.address),
            Ok(None) => {}
            Err(_) => guessing.not_judged(&self.account, self.address),
        }
        judged
    }
}

fn code_opens(record: &UserRecord, code_hash: &[u8], now_ms: i64) -> bool {
    let matches = bool::from(record.code_hash.as_slice().ct_eq(code_hash));
    matches && record.code_expires_at_ms > now_ms
}

fn new_token() -> Result<Secret, Status> {
    secrets::new_token().map_err(|error| errors::internal(&error.to_string()))
}

/// What the token list calls a device.
fn label(text: &str) -> Result<String, Status> {
    let label = validate::optional_line("device_label", text).map_err(errors::from_failure)?;
    if label.chars().count() > MAX_LABEL_CHARS {
        return Err(errors::refused(Reason::TooLong, "device_label has more than 80 characters; shorten it"));
    }
    Ok(if label.is_empty() { "unnamed device".into() } else { label })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_opens_until_it_expires_and_an_absent_one_never() {
        let code_hash = secrets::code_hash("7KQM-X2PA-94TV-HWNC");
        let record = UserRecord { code_hash: code_hash.to_vec(), code_expires_at_ms: 1000, ..UserRecord::default() };
        assert!(code_opens(&record, &code_hash, 999));
        assert!(!code_opens(&record, &code_hash, 1000));
        assert!(!code_opens(&record, &secrets::code_hash("7KQM-X2PA-94TV-HWND"), 999));
        assert!(!code_opens(&UserRecord { code_expires_at_ms: 1000, ..UserRecord::default() }, &code_hash, 0));
    }

    #[test]
    fn a_device_has_a_label_of_one_short_line() {
        assert_eq!(label("").unwrap(), "unnamed device");
        assert_eq!(label(" laptop ").unwrap(), "laptop");
        assert!(label("a\u{1b}[31m").is_err());
        assert!(label(&"x".repeat(81)).is_err());
    }
}
