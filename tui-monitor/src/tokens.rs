//! `members token`: what nodes join with.

use std::time::Duration;

use lectern_cli::format::rfc3339;
use lectern_cli::table::{cut, keep, spare};
use lectern_cli::{Result, Session, json as shared, output, text};
use lectern_proto::v1;
use serde_json::{Value, json};

use crate::cli::TokenCommand;

/// Runs one of them.
pub async fn run(command: TokenCommand, session: &Session) -> Result<()> {
    match command {
        TokenCommand::Create { label, uses, expires, print_token_only } => {
            create(label.unwrap_or_default(), uses, expires, print_token_only, session).await
        }
        TokenCommand::List => list(session).await,
        TokenCommand::Revoke { token } => {
            session.client().call(v1::RevokeJoinTokenRequest { token_id: token.clone() }).await?;
            session.show(json!({"token_id": token, "revoked": true}), || {
                format!("Nobody joins with the token {token} any more. Nodes that joined with it stay.")
            })
        }
    }
}

async fn create(label: String, uses: u32, expires: Duration, only_token: bool, session: &Session) -> Result<()> {
    let lifetime_ms = i64::try_from(expires.as_millis()).unwrap_or(i64::MAX);
    let made = session.client().call(v1::CreateJoinTokenRequest { label, lifetime_ms, uses }).await?;
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
    let tokens = session.client().call(v1::ListJoinTokensRequest {}).await?.tokens;
    session.show(shared::list("tokens", tokens.iter().map(describe).collect()), || {
        let rows = tokens.iter().map(|token| {
            vec![
                token.token_id.clone(),
                text::clean(&token.label),
                text::clean(&token.created_by),
                format!("{} of {}", token.uses_left, token.uses),
                text::time_to_the_second(token.expires_at_ms),
            ]
        });
        let columns = [keep("token"), cut("what for"), spare("made by"), keep("uses left"), keep("until")];
        text::table(&columns, rows, "There is no token that nodes could join with.")
    })
}

fn describe(token: &v1::JoinToken) -> Value {
    json!({
        "token_id": token.token_id, "label": token.label, "created_by": token.created_by,
        "created_at": rfc3339(token.created_at_ms), "expires_at": rfc3339(token.expires_at_ms),
        "uses": token.uses, "uses_left": token.uses_left,
    })
}
