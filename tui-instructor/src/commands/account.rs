//! `account …`: accounts of the installation.

use lectern_cli::table::{cut, keep, spare};
use lectern_cli::{Result, Session, input, json, pages, text};
use lectern_proto::v1;
use serde_json::json;

use super::roster::show_import;
use crate::cli::{AccountCommand, CreateAccountArgs, ReasonArg, UpdateAccountArgs};

pub async fn run(command: AccountCommand, session: &Session) -> Result<()> {
    match command {
        AccountCommand::Create(args) => create(args, session).await,
        AccountCommand::List { contains } => list(contains, session).await,
        AccountCommand::Show { user } => {
            let user = session.call(v1::GetUserRequest { user }).await?.user.unwrap_or_default();
            session.show(json::user(&user), || describe(&user))
        }
        AccountCommand::Update(args) => update(args, session).await,
        AccountCommand::Import { file, preview } => {
            let request = v1::ImportUsersRequest { csv: input::read_bytes(&file)?, preview };
            let response = session.call(request).await?;
            let totals = [("created", response.created), ("unchanged", response.unchanged)];
            show_import(&response.rows, &totals, preview, session)
        }
        AccountCommand::Code { users } => codes(users, session).await,
        AccountCommand::Suspend { user, reason } => set_state(user, v1::UserState::Suspended, reason, session).await,
        AccountCommand::Reactivate { user, reason } => set_state(user, v1::UserState::Active, reason, session).await,
    }
}

async fn create(args: CreateAccountArgs, session: &Session) -> Result<()> {
    let rights = v1::AccountRights {
        admin: args.admin,
        course_creator: args.course_creator,
        operator: args.operator,
        tutor: args.tutor,
    };
    let request = v1::CreateUserRequest {
        username: args.username,
        sis_user_id: args.sis_id,
        name: args.name,
        email: args.email,
        time_zone: args.time_zone,
        rights: Some(rights),
    };
    let user = session.call(request).await?.user.unwrap_or_default();
    session.show(json::user(&user), || {
        format!("{} is invited. Make a one-time code with: account code {}", user.username, user.username)
    })
}

async fn list(contains: String, session: &Session) -> Result<()> {
    let users = pages::all(session, |page_token| v1::ListUsersRequest {
        contains: contains.clone(),
        page_token,
        ..Default::default()
    })
    .await?;
    let value = json::list("users", users.iter().map(json::user).collect());
    session.show(value, || {
        let rows = users.iter().map(|user| {
            vec![
                user.username.clone(),
                user.name.clone(),
                user.sis_user_id.clone(),
                json::name(user.state().as_str_name(), "USER_STATE"),
                rights(user),
            ]
        });
        text::table(&["username", "name", "sis id", "state", "rights"], rows, "No account matches.")
    })
}

async fn update(args: UpdateAccountArgs, session: &Session) -> Result<()> {
    let changes_rights = args.admin.is_some() || args.course_creator.is_some() || args.operator.is_some();
    let rights = if changes_rights {
        let current = session.call(v1::GetUserRequest { user: args.user.clone() }).await?.user.unwrap_or_default();
        let current = current.rights.unwrap_or_default();
        Some(v1::AccountRights {
            admin: args.admin.unwrap_or(current.admin),
            course_creator: args.course_creator.unwrap_or(current.course_creator),
            operator: args.operator.unwrap_or(current.operator),
            tutor: current.tutor,
        })
    } else {
        None
    };
    let request = v1::UpdateUserRequest {
        user: args.user,
        name: args.name,
        email: args.email,
        time_zone: args.time_zone,
        rights,
        state: None,
        reason: args.reason.reason,
    };
    let user = session.call(request).await?.user.unwrap_or_default();
    session.show(json::user(&user), || describe(&user))
}

async fn set_state(user: String, state: v1::UserState, why: ReasonArg, session: &Session) -> Result<()> {
    let request = v1::UpdateUserRequest { user, state: Some(state.into()), reason: why.reason, ..Default::default() };
    let user = session.call(request).await?.user.unwrap_or_default();
    session.show(json::user(&user), || describe(&user))
}

async fn codes(users: Vec<String>, session: &Session) -> Result<()> {
    let response = session.call(v1::IssueCodesRequest { users, course: String::new() }).await?;
    show_codes(&response.codes, session)
}

/// Prints one-time codes.
pub fn show_codes(codes: &[v1::IssuedCode], session: &Session) -> Result<()> {
    let value = json!({ "codes": codes.iter().map(json::code).collect::<Vec<_>>() });
    session.show(value, || {
        let rows = codes.iter().map(|code| {
            let person = code.person.clone().unwrap_or_default();
            vec![person.username, person.name, code.code.clone(), text::time(code.expires_at_ms)]
        });
        let columns = [keep("username"), cut("name"), keep("one-time code"), spare("works until")];
        text::table(&columns, rows, "Everyone has signed in already.")
    })
}

fn rights(user: &v1::User) -> String {
    let rights = user.rights.unwrap_or_default();
    let held = [
        (rights.admin, "admin"),
        (rights.course_creator, "course creator"),
        (rights.operator, "operator"),
        (rights.tutor, "tutor"),
    ];
    held.iter().filter(|(has, _)| *has).map(|(_, name)| *name).collect::<Vec<_>>().join(", ")
}

fn describe(user: &v1::User) -> String {
    let state = json::name(user.state().as_str_name(), "USER_STATE");
    let rights = rights(user);
    let rights = if rights.is_empty() { "no account rights".into() } else { rights };
    format!("{} – {} <{}>: {state}, {rights}", user.username, text::clean(&user.name), text::clean(&user.email))
}
