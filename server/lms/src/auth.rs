//! Signing in, tokens, passwords, and the use of one-time codes; `codes.rs` issues those.
//!
//! Secrets never come here: the door hashes passwords (argon2id), tokens and codes (BLAKE3), verifies passwords against
//! the version it read, and this module checks that the version is still the current one.
//!
//! A person has at most [`limits::TOKENS_PER_USER`] tokens, half of them from signing in and half named. Expired ones go
//! first. A sign-in beyond its half drops the sign-in token that was used longest ago: nobody is locked out by their
//! own forgotten devices. A named token beyond its half is refused, because scripts depend on the others.

use lectern_proto::internal::v1::{
    ActivateAccount, IssueToken, ScheduleRecord, SetPassword, TokenRecord, TouchToken, UserRecord, schedule_record,
};
use lectern_proto::v1::{
    ChangePasswordResponse, ListTokensRequest, ListTokensResponse, RevokeTokenRequest, RevokeTokenResponse,
    SignInResponse, SignOutRequest, SignOutResponse, Token, User, UserState, WhoAmIRequest, WhoAmIResponse,
};

use crate::accounts::{self, state_in_words};
use crate::actor::Actor;
use crate::audit::{self, Entry};
use crate::context::{PageRequest, Tx, View, from_hex, to_hex};
use crate::keys::{ID_BYTES, key1, key2};
use crate::refusal::{Reason, Refusal, Result, refuse};
use crate::store::{Order, Store, StoreError, StoreExt};
use crate::tables::Table;
use crate::{enrollments, limits, lookup, paging, schedule, validate};

/// Length of a token's id and of a code's hash.
pub(crate) const HASH_BYTES: usize = 32;
/// Longest lifetime of a token or a code, in milliseconds: a year and a day.
const MAX_LIFETIME_MS: i64 = 366 * 24 * 60 * 60 * 1000;

/// What the door needs to verify a sign-in: the account of that username, in any case.
pub fn credentials(store: &dyn Store, username: &str) -> std::result::Result<Option<UserRecord>, StoreError> {
    accounts::by_username(store, username)
}

/// Makes a token: for a sign-in whose password the door verified, or a named one for a person who is signed in. The
/// response's `token` is left empty: only the door knows the secret.
pub(crate) fn issue_token(tx: &mut Tx<'_, '_>, request: &IssueToken) -> Result<SignInResponse> {
    let sign_in = request.password_version > 0;
    let user = if sign_in {
        let record: Option<UserRecord> = tx.store.record(Table::Users, &key1(&request.user_id))?;
        let record = record.ok_or_else(bad_credentials)?;
        let user = record.user.clone().unwrap_or_default();
        if record.password_version != request.password_version {
            return Err(bad_credentials().into());
        }
        if user.state() != UserState::Active {
            return refuse(
                Reason::AccountInactive,
                format!("this account is {}; ask an administrator", state_in_words(user.state())),
            );
        }
        user
    } else {
        tx.actor.user()?.clone()
    };
    let token = add_token(tx, &user.user_id, (&request.new_token_id, &request.name), request.lifetime_ms, sign_in)?;
    Ok(signed_in(&token, user))
}

fn bad_credentials() -> Refusal {
    Refusal::new(Reason::BadCredentials, "username and password do not match")
}

fn signed_in(token: &TokenRecord, user: User) -> SignInResponse {
    SignInResponse {
        token: String::new(),
        token_id: to_hex(&token.token_id),
        expires_at_ms: token.expires_at_ms,
        user: Some(user),
    }
}

fn add_token(
    tx: &mut Tx<'_, '_>,
    user_id: &str,
    (token_id, name): (&[u8], &str),
    lifetime_ms: i64,
    sign_in: bool,
) -> Result<TokenRecord> {
    if token_id.len() != HASH_BYTES || tx.store.contains(Table::Tokens, token_id)? {
        return refuse(Reason::InvalidArgument, "a token's id is the 32-byte hash of a fresh secret");
    }
    require_lifetime(lifetime_ms)?;
    let name = if sign_in { validate::optional_line("device_label", name)? } else { validate::line("name", name)? };
    make_room(tx, user_id, sign_in)?;
    let token = TokenRecord {
        token_id: token_id.to_vec(),
        user_id: user_id.into(),
        name,
        created_at_ms: tx.now_ms(),
        expires_at_ms: tx.now_ms() + lifetime_ms,
        last_used_at_ms: None,
        sign_in,
    };
    tx.put(Table::Tokens, key1(token_id), &token);
    tx.put_raw(Table::TokensByUser, key2(user_id, token_id), Vec::new());
    let expiry = ScheduleRecord { what: Some(schedule_record::What::TokenId(token_id.to_vec())) };
    schedule::at(tx, token.expires_at_ms, token_id, expiry);
    Ok(token)
}

pub(crate) fn require_lifetime(lifetime_ms: i64) -> Result<()> {
    if (1..=MAX_LIFETIME_MS).contains(&lifetime_ms) {
        return Ok(());
    }
    refuse(Reason::InvalidArgument, "the lifetime must be from one day to 365 days")
}

/// Drops expired tokens, and the sign-in token used longest ago when there are too many of them.
fn make_room(tx: &mut Tx<'_, '_>, user_id: &str, sign_in: bool) -> Result<()> {
    let now_ms = tx.now_ms();
    let (expired, valid): (Vec<_>, Vec<_>) =
        tokens_of(tx.store, user_id)?.into_iter().partition(|token| token.expires_at_ms <= now_ms);
    for token in &expired {
        drop_token(tx, token);
    }
    let mut alike: Vec<_> = valid.into_iter().filter(|token| token.sign_in == sign_in).collect();
    if alike.len() < limits::TOKENS_PER_USER / 2 {
        return Ok(());
    }
    if !sign_in {
        return refuse(
            Reason::TooMany,
            format!("you have {} named tokens; revoke one that is no longer used", alike.len()),
        );
    }
    alike.sort_by_key(|token| (token.last_used_at_ms.unwrap_or(token.created_at_ms), token.token_id.clone()));
    let surplus = alike.len() + 1 - limits::TOKENS_PER_USER / 2;
    for token in &alike[..surplus] {
        drop_token(tx, token);
    }
    Ok(())
}

fn tokens_of(store: &dyn Store, user_id: &str) -> std::result::Result<Vec<TokenRecord>, StoreError> {
    let rows = store.prefix(Table::TokensByUser, user_id.as_bytes(), None, Order::Ascending, usize::MAX)?;
    let mut tokens = Vec::with_capacity(rows.len());
    for (key, _) in rows {
        tokens.extend(store.record::<TokenRecord>(Table::Tokens, &key[ID_BYTES..])?);
    }
    Ok(tokens)
}

fn drop_token(tx: &mut Tx<'_, '_>, token: &TokenRecord) {
    tx.delete(Table::Tokens, key1(&*token.token_id));
    tx.delete(Table::TokensByUser, key2(&token.user_id, &*token.token_id));
}

/// Revokes every token of an account but `kept`.
pub(crate) fn revoke_all(tx: &mut Tx<'_, '_>, user_id: &str, kept: Option<&[u8]>) -> Result<()> {
    for token in tokens_of(tx.store, user_id)? {
        if kept != Some(token.token_id.as_slice()) {
            drop_token(tx, &token);
        }
    }
    Ok(())
}

/// Turns a one-time code into a password and signs in: the first time, or after a reset. Tokens made before a reset stop
/// working, and enrolments that waited for the person become active.
pub(crate) fn activate_account(tx: &mut Tx<'_, '_>, request: &ActivateAccount) -> Result<SignInResponse> {
    let mut record = with_open_code(tx, &request.user_id, &request.code_hash)?;
    let mut user = record.user.clone().unwrap_or_default();
    if request.password_hash.is_empty() {
        return refuse(Reason::InvalidArgument, "password_hash is empty");
    }
    revoke_all(tx, &user.user_id, None)?;
    let (action, before) = if record.ever_activated {
        ("account.reset", state_in_words(user.state()))
    } else {
        ("account.activate", state_in_words(user.state()))
    };
    let (before, after) = (before.to_owned(), "active".to_owned());
    audit::write(tx, Entry { action, subject: user.username.clone(), before, after, ..Entry::default() });
    user.set_state(UserState::Active);
    record.user = Some(user.clone());
    record.password_hash.clone_from(&request.password_hash);
    record.password_version += 1;
    record.code_hash.clear();
    record.code_expires_at_ms = 0;
    record.ever_activated = true;
    accounts::save(tx, &record);
    enrollments::activate_invited(tx, &user.user_id)?;
    let named = (&*request.new_token_id, &*request.token_name);
    let token = add_token(tx, &user.user_id, named, request.token_lifetime_ms, true)?;
    Ok(signed_in(&token, user))
}

fn with_open_code(tx: &Tx<'_, '_>, user_id: &str, code_hash: &[u8]) -> Result<UserRecord> {
    let wrong = || Refusal::new(Reason::BadCredentials, "username and code do not match, or the code was used already");
    let record: Option<UserRecord> = tx.store.record(Table::Users, &key1(user_id))?;
    let record = record.ok_or_else(wrong)?;
    if record.code_hash.is_empty() || record.code_hash != code_hash {
        return Err(wrong().into());
    }
    let state = record.user.as_ref().map(User::state).unwrap_or_default();
    if !matches!(state, UserState::Invited | UserState::Active) {
        return refuse(
            Reason::AccountInactive,
            format!("this account is {}; ask an administrator", state_in_words(state)),
        );
    }
    if record.code_expires_at_ms <= tx.now_ms() {
        return refuse(Reason::BadCredentials, "this code has expired; ask whoever sent it for a new one");
    }
    Ok(record)
}

/// Revokes the token that made the call.
pub(crate) fn sign_out(tx: &mut Tx<'_, '_>, _request: &SignOutRequest) -> Result<SignOutResponse> {
    let token = own_token(tx.store, &tx.actor)?;
    drop_token(tx, &token);
    Ok(SignOutResponse {})
}

fn own_token(store: &dyn Store, actor: &Actor) -> Result<TokenRecord> {
    let missing = || Refusal::new(Reason::NotSignedIn, "sign in first");
    let Actor::Person { token_id, .. } = actor else { return Err(missing().into()) };
    Ok(store.record(Table::Tokens, token_id)?.ok_or_else(missing)?)
}

/// Changes the caller's password, if the one the door verified is still current. Every other token is revoked, and so is
/// a code that was open.
pub(crate) fn set_password(tx: &mut Tx<'_, '_>, request: &SetPassword) -> Result<ChangePasswordResponse> {
    let current = own_token(tx.store, &tx.actor)?;
    let mut record = accounts::existing(tx.store, &current.user_id)?;
    if record.password_version != request.old_password_version {
        return refuse(Reason::BadCredentials, "the password was changed in between; sign in again");
    }
    if request.password_hash.is_empty() {
        return refuse(Reason::InvalidArgument, "password_hash is empty");
    }
    record.password_hash.clone_from(&request.password_hash);
    record.password_version += 1;
    record.code_hash.clear();
    record.code_expires_at_ms = 0;
    accounts::save(tx, &record);
    revoke_all(tx, &current.user_id, Some(&current.token_id))?;
    Ok(ChangePasswordResponse {})
}

/// Revokes a token: one's own, or anyone's for admins.
pub(crate) fn revoke_token(tx: &mut Tx<'_, '_>, request: &RevokeTokenRequest) -> Result<RevokeTokenResponse> {
    let me = tx.actor.user()?.user_id.clone();
    let not_found = || Refusal::new(Reason::NotFound, "no such token of yours; list your tokens for their ids");
    let token_id = from_hex(&request.token_id).ok_or_else(not_found)?;
    let token: TokenRecord = tx.store.record(Table::Tokens, &token_id)?.ok_or_else(not_found)?;
    if token.user_id != me && !tx.actor.rights().admin {
        return Err(not_found().into());
    }
    if token.user_id != me {
        let subject = lookup::person(tx.store, &token.user_id)?.username;
        let before = token.name.clone();
        audit::write(tx, Entry { action: "token.revoke", subject, before, ..Entry::default() });
    }
    drop_token(tx, &token);
    Ok(RevokeTokenResponse {})
}

/// Notes that the token was used. The door sends this at most hourly.
pub(crate) fn touch_token(tx: &mut Tx<'_, '_>, _request: &TouchToken) -> Result<()> {
    let mut token = own_token(tx.store, &tx.actor)?;
    token.last_used_at_ms = Some(tx.now_ms());
    tx.put(Table::Tokens, key1(&*token.token_id), &token);
    Ok(())
}

/// The caller's account and token.
pub fn who_am_i(view: &View<'_>, _request: &WhoAmIRequest) -> Result<WhoAmIResponse> {
    let token = own_token(view.store, view.actor)?;
    Ok(WhoAmIResponse {
        user: Some(view.actor.user()?.clone()),
        token_id: to_hex(&token.token_id),
        token_expires_at_ms: token.expires_at_ms,
        now_ms: view.now_ms,
    })
}

/// The caller's tokens that still work.
pub fn list_tokens(view: &View<'_>, request: &ListTokensRequest) -> Result<ListTokensResponse> {
    let current = own_token(view.store, view.actor)?;
    let page = PageRequest::new(request.page_size, &request.page_token)?;
    let pick = |key: &[u8], _: &[u8]| {
        let token: Option<TokenRecord> = view.store.record(Table::Tokens, &key[ID_BYTES..])?;
        let valid = token.filter(|token| token.expires_at_ms > view.now_ms);
        Ok(valid.map(|token| Token {
            current: token.token_id == current.token_id,
            token_id: to_hex(&token.token_id),
            name: token.name,
            created_at_ms: token.created_at_ms,
            expires_at_ms: token.expires_at_ms,
            last_used_at_ms: token.last_used_at_ms,
        }))
    };
    let prefix = key1(&current.user_id);
    let (tokens, next_page_token) =
        paging::collect(view.store, Table::TokensByUser, &prefix, Order::Ascending, &page, pick)?;
    Ok(ListTokensResponse { tokens, next_page_token })
}

#[cfg(test)]
#[path = "auth_tests.rs"]
mod tests;
