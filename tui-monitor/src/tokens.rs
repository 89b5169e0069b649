//! `members token`: what nodes join with.

use std::time::Duration;

use lectern_cli::format::rfc3339;
use lectern_cli::table::{cut, keep, spare};
use lectern_cli::{Error, Result, Session, json as shared, output, text};
use lectern_client::Code;
use lectern_proto::v1;
use serde_json::{Value, json};

use crate::cli::TokenCommand;
use crate::orders::told;

/// Runs one of them.
pub async fn run(command: TokenCommand, session: &Session) -> Result<()> {
    match command {
        TokenCommand::Create { label, uses, expires, print_token_only } => {
            create(label.unwrap_or_default(), uses, expires, print_token_only, session).await
        }
        TokenCommand::List => list(session).await,
        TokenCommand::Revoke { token } => {
            let tokens = told(session.client().call(v1::ListJoinTokensRequest {}).await, session).await?.tokens;
            let token = named(&tokens, &token)?;
            told(session.client().call(v1::RevokeJoinTokenRequest { token_id: token.clone() }).await, session).await?;
            session.show(json!({"token_id": token, "revoked": true}), || {
                format!("Nobody joins with the token {token} any more. Nodes that joined with it stay.")
            })
        }
    }
}

async fn create(label: String, uses: u32, expires: Duration, only_token: bool, session: &Session) -> Result<()> {
    let lifetime_ms = i64::try_from(expires.as_millis()).unwrap_or(i64::MAX);
    let made = session.client().call(v1::CreateJoinTokenRequest { label, lifetime_ms, uses }).await;
    let made = told(made, session).await?;
    if only_token && !session.is_json() {
        output::verbatim(&made.token);
        return Ok(());
    }
    let info = made.info.unwrap_or_default();
    session.show(json!({"token": made.token, "info": describe(&info)}), || {
        let nodes = text::count(info.uses, "node joins", "nodes join");
        format!(
            "{}\n\nIt is shown once. {nodes} with it, until {}.",
            made.token,
            text::time_to_the_second(info.expires_at_ms)
        )
    })
}

async fn list(session: &Session) -> Result<()> {
    let tokens = told(session.client().call(v1::ListJoinTokensRequest {}).await, session).await?.tokens;
    let value = shared::list("tokens", tokens.iter().map(describe).collect());
    session.show(value, || in_words(&tokens, text::now_ms()))
}

/// The tokens that nodes can join with, and how many others are still kept.
fn in_words(tokens: &[v1::JoinToken], now_ms: i64) -> String {
    let of_use = |token: &&v1::JoinToken| token.uses_left > 0 && token.expires_at_ms > now_ms;
    let rows = tokens.iter().filter(of_use).map(|token| {
        vec![
            short(tokens, &token.token_id).to_owned(),
            text::clean(&token.label),
            text::clean(&token.created_by),
            format!("{} of {}", token.uses_left, token.uses),
            text::time_to_the_second(token.expires_at_ms),
        ]
    });
    let columns = [keep("id"), cut("what for"), spare("made by"), keep("uses left"), keep("until")];
    let table = text::table(&columns, rows, "There is no token that nodes could join with.");
    match tokens.len() - tokens.iter().filter(of_use).count() {
        0 => table,
        over => format!("{table}\n\n{} used up or expired.", text::count(over, "more is", "more are")),
    }
}

/// As many digits of an id as tell it from the others.
fn short<'a>(tokens: &[v1::JoinToken], id: &'a str) -> &'a str {
    /// Fewer might name two before long.
    const FEWEST: usize = 8;
    let others = || tokens.iter().map(|token| token.token_id.as_str()).filter(|other| *other != id);
    let is_unique = |digits: &&str| !others().any(|other| other.starts_with(digits));
    (FEWEST..id.len()).filter_map(|length| id.get(..length)).find(is_unique).unwrap_or(id)
}

/// The whole id of the one token that is named by its beginning.
fn named(tokens: &[v1::JoinToken], beginning: &str) -> Result<String> {
    let mut ids = tokens.iter().map(|token| &token.token_id).filter(|id| id.starts_with(beginning));
    match (ids.next(), ids.next()) {
        _ if beginning.is_empty() => Err(Error::usage("name the token by its id, or the beginning of it")),
        (Some(id), None) => Ok(id.clone()),
        (Some(_), Some(_)) => {
            let message = format!("several tokens' ids begin with `{beginning}`: give more of it");
            Err(Error::refused(Code::InvalidArgument, "NOT_FOUND", message))
        }
        (None, _) => {
            let message = format!("no token's id begins with `{beginning}`");
            Err(Error::refused(Code::NotFound, "NOT_FOUND", message))
        }
    }
}

fn describe(token: &v1::JoinToken) -> Value {
    json!({
        "token_id": token.token_id, "label": token.label, "created_by": token.created_by,
        "created_at": rfc3339(token.created_at_ms), "expires_at": rfc3339(token.expires_at_ms),
        "uses": token.uses, "uses_left": token.uses_left,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_764_633_540_000;

    fn token(id: &str, uses_left: u32, expires_at_ms: i64) -> v1::JoinToken {
        v1::JoinToken {
            token_id: id.into(),
            label: "rack 4".into(),
            created_by: "ada".into(),
            uses: 2,
            uses_left,
            expires_at_ms,
            ..v1::JoinToken::default()
        }
    }

    fn kept() -> Vec<v1::JoinToken> {
        let id = |begin: &str| format!("{begin}{}", "0".repeat(64 - begin.len()));
        vec![token(&id("aaaaaaaa1"), 1, NOW + 1), token(&id("aaaaaaaa2"), 0, NOW + 1), token(&id("b"), 2, NOW)]
    }

    #[test]
    fn the_list_shows_what_nodes_can_join_with_by_short_ids() {
        let words = in_words(&kept(), NOW);
        assert!(words.starts_with("ID ") && words.contains("\naaaaaaaa1  rack 4"), "{words}");
        assert!(!words.contains("aaaaaaaa2") && words.ends_with("2 more are used up or expired."), "{words}");
        assert!(words.lines().all(|line| line.chars().count() <= 80), "{words}");
        assert_eq!(in_words(&[], NOW), "There is no token that nodes could join with.");
    }

    #[test]
    fn a_token_is_named_by_the_beginning_of_its_id_where_that_is_only_one() {
        let tokens = kept();
        assert_eq!(named(&tokens, "b").unwrap(), tokens[2].token_id);
        assert_eq!(named(&tokens, "aaaaaaaa1").unwrap(), tokens[0].token_id);
        assert_eq!(named(&tokens, &tokens[1].token_id).unwrap(), tokens[1].token_id);
        for (wrong, reason) in [("aaaa", "NOT_FOUND"), ("c", "NOT_FOUND"), ("", "USAGE")] {
            assert_eq!(named(&tokens, wrong).unwrap_err().reason(), reason, "{wrong:?}");
        }
        assert_eq!(short(&tokens, &tokens[2].token_id).len(), 8);
    }
}
