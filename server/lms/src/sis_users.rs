//! What a `users.csv` comes to: for each row the account it names, a new one, or what is wrong with it. Reads only, so that
//! a preview and the import it previews cannot differ.
//!
//! A row belongs to an account by its `user_id` (the SIS id) or, for an account without one, by its `login_id`. An
//! existing account is never altered: a row that says otherwise about it is reported as unchanged, in words.

use std::collections::BTreeMap;

use lectern_proto::internal::v1::{RowProblem, UserRecord};
use lectern_proto::v1::{ImportAction, ImportRow, User, UserState};

use crate::accounts;
use crate::refusal::{Failure, Result};
use crate::sis::{self, Column, Row, Sheet};
use crate::store::Store;
use crate::validate;

/// The name of the file in messages.
pub(crate) const FILE: &str = "users.csv";

const COLUMNS: &[Column] = &[
    &["user_id"],
    &["login_id"],
    &["full_name"],
    &["first_name"],
    &["last_name"],
    &["email"],
    &["status"],
    &["password"],
];

/// Who a row is about.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Who {
    /// An account, which stays as it is.
    Known(Box<UserRecord>),
    /// Nobody yet: this account would be made.
    New(Box<User>),
    /// Nobody yet, and the row does not ask for an account.
    Nobody,
    /// The row is bad; its problem is in the list.
    Bad,
}

/// One row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Person {
    pub line: u64,
    /// The login, or the SIS id where the login is empty.
    pub subject: String,
    pub who: Who,
    /// What will be done, in words.
    pub message: String,
}

impl Person {
    /// As the response lists it.
    pub(crate) fn to_row(&self) -> ImportRow {
        let action = match self.who {
            Who::New(_) => ImportAction::Create,
            Who::Known(_) | Who::Nobody => ImportAction::Unchanged,
            Who::Bad => ImportAction::Refused,
        };
        ImportRow {
            line: self.line,
            action: action.into(),
            subject: self.subject.clone(),
            message: self.message.clone(),
        }
    }
}

/// The rows of a file, found again by what they are called.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct People {
    pub persons: Vec<Person>,
    pub problems: Vec<RowProblem>,
    by_sis_id: BTreeMap<String, usize>,
    by_login: BTreeMap<String, usize>,
}

impl People {
    /// The place of the row with this SIS id or, if there is none, this login.
    pub(crate) fn find(&self, name: &str) -> Option<usize> {
        self.by_sis_id.get(name).or_else(|| self.by_login.get(&name.to_lowercase())).copied()
    }

    /// How many accounts would be made.
    pub(crate) fn new_count(&self) -> usize {
        self.persons.iter().filter(|person| matches!(person.who, Who::New(_))).count()
    }
}

/// Reads the file and decides about each row.
pub(crate) fn plan(store: &dyn Store, csv: &[u8]) -> Result<People> {
    let sheet = sis::read(FILE, csv, COLUMNS)?;
    sheet.require(FILE, &required(&sheet))?;
    let mut people = People::default();
    for row in &sheet.rows {
        let mut problems: Vec<String> = row.problem.iter().cloned().collect();
        let user = read_user(row, &mut problems)?;
        people.note_duplicate(&user, &mut problems);
        let subject = if user.username.is_empty() { user.sis_user_id.clone() } else { user.username.clone() };
        let (who, message) =
            if problems.is_empty() { decide(store, row, user, &mut problems)? } else { (Who::Bad, String::new()) };
        if !problems.is_empty() {
            let problem = RowProblem { line: row.line, subject: subject.clone(), message: problems.join("; ") };
            people.problems.push(problem);
        }
        people.persons.push(Person { line: row.line, subject, who, message });
    }
    Ok(people)
}

fn required(sheet: &Sheet) -> Vec<&'static str> {
    let mut required = vec!["user_id", "login_id"];
    let in_parts = !sheet.missing.contains(&"first_name") && !sheet.missing.contains(&"last_name");
    if !in_parts {
        required.push("full_name");
    }
    required
}

/// The account as the row describes it; what is wrong with it is added to `problems`.
fn read_user(row: &Row, problems: &mut Vec<String>) -> Result<User> {
    let [sis_user_id, login, full_name, first_name, last_name, email, ..] = row.cells.as_slice() else {
        unreachable!("a row has a cell for each column")
    };
    let in_parts = format!("{first_name} {last_name}");
    let name = if full_name.is_empty() { in_parts.trim() } else { full_name };
    Ok(User {
        username: keep(accounts::username(login), problems)?.unwrap_or_else(|| login.to_lowercase()),
        sis_user_id: keep(validate::line("user_id", sis_user_id), problems)?.unwrap_or_default(),
        name: keep(validate::line("full_name", name), problems)?.unwrap_or_default(),
        email: keep(accounts::email(email), problems)?.unwrap_or_default(),
        ..User::default()
    })
}

/// The value, or its refusal's words among the problems.
pub(crate) fn keep<T>(result: Result<T>, problems: &mut Vec<String>) -> Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(Failure::Refused(refusal)) => {
            problems.push(refusal.message);
            Ok(None)
        }
        Err(failure @ Failure::Store(_)) => Err(failure),
    }
}

impl People {
    /// Remembers what the next row is called; a name that an earlier row had is a problem.
    fn note_duplicate(&mut self, user: &User, problems: &mut Vec<String>) {
        let place = self.persons.len();
        let named =
            [("user_id", &user.sis_user_id, &mut self.by_sis_id), ("login_id", &user.username, &mut self.by_login)];
        for (column, name, index) in named {
            if name.is_empty() {
                continue;
            }
            match index.get(name) {
                Some(earlier) => {
                    let first = self.persons[*earlier].line;
                    problems.push(format!("has the {column} of line {first}; keep one of them"));
                }
                None => {
                    index.insert(name.clone(), place);
                }
            }
        }
    }
}

/// Whom a well-formed row is about.
fn decide(store: &dyn Store, row: &Row, user: User, problems: &mut Vec<String>) -> Result<(Who, String)> {
    let (status, password) = (row.cells[6].to_lowercase(), &row.cells[7]);
    if !matches!(status.as_str(), "" | "active" | "suspended" | "deleted") {
        problems.push(format!("the status `{status}` is not active, suspended or deleted"));
        return Ok((Who::Bad, String::new()));
    }
    let by_sis_id = accounts::by_sis_id(store, &user.sis_user_id)?;
    let by_login = accounts::by_username(store, &user.username)?;
    let wanted = status.is_empty() || status == "active";
    let password_note = if password.is_empty() { "" } else { "; the password in the file is not used" };
    let known = match (by_sis_id, by_login) {
        (None, None) if wanted => {
            return Ok((Who::New(Box::new(user)), format!("will be invited{password_note}")));
        }
        (None, None) => return Ok((Who::Nobody, format!("has no account, and is {status} here"))),
        (Some(known), by_login) => {
            if by_login.is_some_and(|other| id_of(&other) != id_of(&known)) {
                problems.push(format!("user_id and login_id `{}` belong to two different accounts", user.username));
            }
            known
        }
        (None, Some(known)) => {
            if known.user.as_ref().is_some_and(|known| !known.sis_user_id.is_empty()) {
                problems.push(format!("the account `{}` has another user_id", user.username));
            }
            known
        }
    };
    let account = known.user.clone().unwrap_or_default();
    if account.state() == UserState::Deleted && wanted {
        problems.push(format!("the account `{}` is deleted; give this person another login_id", account.username));
    }
    if !problems.is_empty() {
        return Ok((Who::Bad, String::new()));
    }
    let message = format!("{}{password_note}", kept_in_words(&user, &account, wanted));
    Ok((Who::Known(Box::new(known)), message))
}

fn id_of(record: &UserRecord) -> &str {
    record.user.as_ref().map_or("", |user| &user.user_id)
}

/// Says that an account stays as it is, and in what the file differs, without telling what the account holds.
fn kept_in_words(row: &User, account: &User, wanted: bool) -> String {
    let differs = [
        ("login_id", row.username != account.username),
        ("name", row.name != account.name),
        ("email", !row.email.is_empty() && row.email != account.email),
        ("status", !wanted && account.state() != UserState::Deleted && account.state() != UserState::Suspended),
    ];
    let differs: Vec<_> = differs.iter().filter(|(_, differs)| *differs).map(|(name, _)| *name).collect();
    if differs.is_empty() {
        "has an account".into()
    } else {
        format!("has an account, which keeps its own {}", differs.join(" and "))
    }
}
