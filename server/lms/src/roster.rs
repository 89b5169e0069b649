//! Importing people: `users.csv` for the installation, `enrollments.csv` (with `users.csv` beside it) for a course, in
//! Canvas's SIS columns.
//!
//! An import is planned first, by reading alone, and then carried out; a preview is the plan without the rest, so the two
//! cannot differ. When a row is bad, all bad rows are reported at once and nothing is imported, by preview and import
//! alike. People are known by SIS id or login; new ones are invited, but only those whom `enrollments.csv` enrols.

use std::collections::{BTreeMap, BTreeSet};

use lectern_proto::internal::v1::{CourseRecord, EnrollmentRecord, RowProblem, UserRecord};
use lectern_proto::v1::{
    EnrollmentState, EnrollmentType, EventKind, ImportAction, ImportRosterRequest, ImportRosterResponse, ImportRow,
    ImportUsersRequest, ImportUsersResponse,
};

use crate::actor::{Actor, CourseAccess};
use crate::context::{Audience, Tx, View};
use crate::enrollments::{self, enrollment_state_in_words, is_current, teaches, type_in_words};
use crate::refusal::Result;
use crate::sis::{self, Column, Row};
use crate::sis_users::{self, People, Who, keep};
use crate::store::Store;
use crate::{accounts, validate};

/// The name of the file in messages.
const FILE: &str = "enrollments.csv";
const COLUMNS: &[Column] =
    &[&["course_id"], &["user_id"], &["user_login_id", "login_id"], &["role"], &["section_id", "section"], &["status"]];

/// Makes the accounts that `users.csv` names and that do not exist, invited.
pub(crate) fn import_users(tx: &mut Tx<'_, '_>, request: &ImportUsersRequest) -> Result<ImportUsersResponse> {
    let (people, response) = plan_users(tx.store, &tx.actor, request)?;
    if request.preview {
        return Ok(response);
    }
    let events = tx.events.len();
    for person in people.persons {
        if let Who::New(user) = person.who {
            accounts::create(tx, *user, sis_users::FILE);
        }
    }
    // One event for the whole import instead of several for each account.
    tx.events.truncate(events);
    tx.event(EventKind::Account, "", "", Audience::Admins);
    tx.event(EventKind::Audit, "", "", Audience::Admins);
    Ok(response)
}

/// What `import_users` would answer.
pub fn preview_users(view: &View<'_>, request: &ImportUsersRequest) -> Result<ImportUsersResponse> {
    plan_users(view.store, view.actor, request).map(|(_, response)| response)
}

fn plan_users(store: &dyn Store, actor: &Actor, request: &ImportUsersRequest) -> Result<(People, ImportUsersResponse)> {
    actor.require_admin()?;
    let people = sis_users::plan(store, &request.csv)?;
    if !people.problems.is_empty() {
        return Err(sis::bad_rows(people.problems).into());
    }
    let created = people.new_count();
    let response = ImportUsersResponse {
        rows: people.persons.iter().map(sis_users::Person::to_row).collect(),
        created: count(created),
        unchanged: count(people.persons.len() - created),
    };
    Ok((people, response))
}

fn count(rows: usize) -> u32 {
    u32::try_from(rows).expect("an import has few rows")
}

/// Enrols people in a course, and invites those who have no account yet.
pub(crate) fn import_roster(tx: &mut Tx<'_, '_>, request: &ImportRosterRequest) -> Result<ImportRosterResponse> {
    let plan = plan_roster(tx.store, &tx.actor, request)?;
    let response = plan.response();
    if request.preview {
        return Ok(response);
    }
    let events = tx.events.len();
    carry_out(tx, plan)?;
    // One event for the whole import instead of several for each row.
    let course_id = tx.events.drain(events..).map(|event| event.course_id).find(|course_id| !course_id.is_empty());
    if let Some(course_id) = course_id {
        tx.event(EventKind::Enrollment, &course_id, &course_id, Audience::Course);
        tx.event(EventKind::Audit, &course_id, "", Audience::Staff);
        tx.event(EventKind::Account, "", "", Audience::Admins);
    }
    Ok(response)
}

/// What `import_roster` would answer.
pub fn preview_roster(view: &View<'_>, request: &ImportRosterRequest) -> Result<ImportRosterResponse> {
    Ok(plan_roster(view.store, view.actor, request)?.response())
}

/// What an import of a roster comes to.
struct Plan {
    course: CourseRecord,
    people: People,
    members: Vec<Member>,
}

/// What one row of `enrollments.csv` comes to.
struct Member {
    line: u64,
    subject: String,
    /// The account, or the place of the row of `users.csv` that makes it.
    account: Account,
    kind: EnrollmentType,
    state: EnrollmentState,
    /// Name or SIS id of the section; empty for the one they are in, or the default one.
    section: String,
    before: Option<EnrollmentRecord>,
    action: ImportAction,
    message: String,
}

#[derive(Clone)]
enum Account {
    Known(Box<UserRecord>),
    New(usize),
}

impl Account {
    fn known_id(&self) -> Option<&str> {
        match self {
            Self::Known(record) => record.user.as_ref().map(|user| &*user.user_id),
            Self::New(_) => None,
        }
    }
}

impl Plan {
    /// The rows of `users.csv` that make an account somebody is enrolled with.
    fn invited(&self) -> BTreeSet<usize> {
        let created = self.members.iter().filter(|member| member.action == ImportAction::Create);
        created.filter_map(|member| if let Account::New(place) = member.account { Some(place) } else { None }).collect()
    }

    fn response(&self) -> ImportRosterResponse {
        let invited = self.invited();
        let mut rows: Vec<ImportRow> = Vec::with_capacity(self.people.persons.len() + self.members.len());
        for (place, person) in self.people.persons.iter().enumerate() {
            let mut row = person.to_row();
            if matches!(person.who, Who::New(_)) && !invited.contains(&place) {
                row.set_action(ImportAction::Unchanged);
                row.message = format!("is not enrolled by {FILE}, so not invited");
            }
            rows.push(row);
        }
        rows.extend(self.members.iter().map(|member| ImportRow {
            line: member.line,
            action: member.action.into(),
            subject: member.subject.clone(),
            message: member.message.clone(),
        }));
        let members = |wanted: &dyn Fn(&Member) -> bool| count(self.members.iter().filter(|it| wanted(it)).count());
        let enrolls = |member: &Member| {
            matches!(member.action, ImportAction::Create | ImportAction::Update) && is_current(member.state)
        };
        ImportRosterResponse {
            rows,
            invited: count(invited.len()),
            enrolled: members(&enrolls),
            unchanged: members(&|member| member.action == ImportAction::Unchanged),
        }
    }
}

fn plan_roster(store: &dyn Store, actor: &Actor, request: &ImportRosterRequest) -> Result<Plan> {
    let access = CourseAccess::open(store, actor, &request.course)?;
    access.require_instructor()?;
    access.require_open()?;
    let people =
        if request.users_csv.is_empty() { People::default() } else { sis_users::plan(store, &request.users_csv)? };
    let sheet = sis::read(FILE, &request.enrollments_csv, COLUMNS)?;
    let id_column = if sheet.missing.contains(&"user_login_id") { "user_id" } else { "user_login_id" };
    sheet.require(FILE, &[id_column, "role"])?;
    let mut problems: Vec<RowProblem> =
        people.problems.iter().cloned().map(|it| of_file(sis_users::FILE, it)).collect();
    let sections = enrollments::sections(store, &access.course)?;
    let mut planner = Planner { store, course: &access.course, people: &people, sections, lines: BTreeMap::new() };
    let mut members = Vec::with_capacity(sheet.rows.len());
    for row in &sheet.rows {
        let mut wrong: Vec<String> = row.problem.iter().cloned().collect();
        let member = planner.plan(row, &mut wrong)?;
        if wrong.is_empty() {
            members.extend(member);
        } else {
            let named = [&row.cells[1], &row.cells[2]].into_iter().find(|cell| !cell.is_empty());
            let subject = format!("{} {}", named.map_or("", String::as_str), access.course.slug).trim().to_owned();
            problems.push(of_file(FILE, RowProblem { line: row.line, subject, message: wrong.join("; ") }));
        }
    }
    problems.extend(leaves_no_instructor(store, &access.course, &members)?);
    if !problems.is_empty() {
        return Err(sis::bad_rows(problems).into());
    }
    let named = members.iter().filter(|member| member.action != ImportAction::Unchanged).map(|member| &member.section);
    let new: BTreeSet<_> = named.filter(|name| !name.is_empty() && !planner.sections.contains_key(*name)).collect();
    enrollments::require_room(&planner.sections, new.len())?;
    Ok(Plan { course: access.course, people, members })
}

/// Two files have lines of the same number: the message says which one is meant.
fn of_file(file: &str, problem: RowProblem) -> RowProblem {
    RowProblem { message: format!("{file}: {}", problem.message), ..problem }
}

/// Decides about the rows of `enrollments.csv`, one after another.
struct Planner<'a> {
    store: &'a dyn Store,
    course: &'a CourseRecord,
    people: &'a People,
    /// The ids of the course's sections, by name.
    sections: BTreeMap<String, String>,
    /// The line that first named a person, by user id or by place in `users.csv`.
    lines: BTreeMap<(Option<String>, usize), u64>,
}

impl Planner<'_> {
    /// What the row comes to; `None` when it, or the row of `users.csv` it rests on, is bad.
    fn plan(&mut self, row: &Row, problems: &mut Vec<String>) -> Result<Option<Member>> {
        let [course, user_id, login, role, section, status] = row.cells.as_slice() else {
            unreachable!("a row has a cell for each column")
        };
        let is_this = [&self.course.slug, &self.course.code, &self.course.course_id]
            .into_iter()
            .any(|name| name.eq_ignore_ascii_case(course));
        if !course.is_empty() && !is_this {
            problems.push(format!("names the course `{course}`, but this is the roster of {}", self.course.slug));
        }
        let kind = role_from(role, problems);
        let status = status_from(status, problems);
        let section = keep(validate::optional_line("section_id", section), problems)?;
        let account = self.account(user_id, login, problems)?;
        let (Some(kind), Some(status), Some(section), Some(account)) = (kind, status, section, account) else {
            return Ok(None);
        };
        self.note_duplicate(&account, row.line, problems);
        let state = match (&account, status) {
            (Account::Known(record), EnrollmentState::Active) => {
                let Some(state) = keep(enrollments::current_state(record), problems)? else { return Ok(None) };
                state
            }
            (Account::New(_), EnrollmentState::Active) => EnrollmentState::Invited,
            (_, left) => left,
        };
        let before = match account.known_id() {
            Some(user_id) => enrollments::find(self.store, &self.course.course_id, user_id)?,
            None => None,
        };
        let login = match &account {
            Account::Known(record) => record.user.clone().unwrap_or_default().username,
            Account::New(place) => self.people.persons[*place].subject.clone(),
        };
        let subject = format!("{login} {}", self.course.slug);
        let (line, action, message) = (row.line, ImportAction::Unspecified, String::new());
        let mut member = Member { line, subject, account, kind, state, section, before, action, message };
        self.judge(&mut member);
        Ok(Some(member))
    }

    /// Whom the row is about, if that can be said.
    fn account(&self, user_id: &str, login: &str, problems: &mut Vec<String>) -> Result<Option<Account>> {
        let name = if user_id.is_empty() { login } else { user_id };
        if name.is_empty() {
            problems.push("user_id is empty".into());
            return Ok(None);
        }
        let by_sis_id = if user_id.is_empty() { None } else { accounts::by_sis_id(self.store, user_id)? };
        if let Some(record) = by_sis_id {
            return Ok(Some(Account::Known(Box::new(record))));
        }
        if let Some(place) = self.people.find(name) {
            return Ok(match &self.people.persons[place].who {
                Who::Known(record) => Some(Account::Known(record.clone())),
                Who::New(_) => Some(Account::New(place)),
                Who::Bad => None,
                Who::Nobody => {
                    problems.push(format!("`{name}` has no account, and {} does not make one", sis_users::FILE));
                    None
                }
            });
        }
        if let Some(record) = accounts::by_username(self.store, name)? {
            return Ok(Some(Account::Known(Box::new(record))));
        }
        problems.push(format!("nobody is known as `{name}`; add a row for them to {}", sis_users::FILE));
        Ok(None)
    }

    fn note_duplicate(&mut self, account: &Account, line: u64, problems: &mut Vec<String>) {
        let key = match account {
            Account::Known(_) => (account.known_id().map(str::to_owned), 0),
            Account::New(place) => (None, *place),
        };
        match self.lines.get(&key) {
            Some(first) => problems.push(format!("names the same person as line {first}; keep one of them")),
            None => {
                self.lines.insert(key, line);
            }
        }
    }

    /// Fills in what will be done. Whoever leaves keeps the role and section they had.
    fn judge(&self, member: &mut Member) {
        let here = member.before.as_ref().filter(|before| before.state() != EnrollmentState::Deleted);
        let Some(before) = here else {
            if is_current(member.state) {
                member.action = ImportAction::Create;
                member.message = format!("will be enrolled as {}", type_in_words(member.kind));
            } else {
                member.action = ImportAction::Unchanged;
                member.message = "is not enrolled".into();
            }
            return;
        };
        if !is_current(member.state) {
            member.kind = before.r#type();
            member.section.clear();
        }
        let moves = !member.section.is_empty() && self.sections.get(&member.section) != Some(&before.section_id);
        let mut changes = Vec::new();
        if before.r#type() != member.kind {
            changes.push(format!("{} becomes {}", type_in_words(before.r#type()), type_in_words(member.kind)));
        }
        if before.state() != member.state {
            let (from, to) = (enrollment_state_in_words(before.state()), enrollment_state_in_words(member.state));
            changes.push(format!("{from} becomes {to}"));
        }
        if moves {
            changes.push(format!("moves to section {}", member.section));
        }
        (member.action, member.message) = match (member.state, changes.is_empty()) {
            (_, true) => (ImportAction::Unchanged, format!("is enrolled as {}", type_in_words(member.kind))),
            (EnrollmentState::Deleted, false) => (ImportAction::Delete, "leaves the course".into()),
            (_, false) => (ImportAction::Update, changes.join(", ")),
        };
    }
}

fn role_from(role: &str, problems: &mut Vec<String>) -> Option<EnrollmentType> {
    match role.to_lowercase().as_str() {
        "student" => Some(EnrollmentType::Student),
        "ta" => Some(EnrollmentType::Ta),
        "teacher" | "instructor" => Some(EnrollmentType::Instructor),
        _ => {
            problems.push(format!("the role `{role}` is not student, ta or teacher"));
            None
        }
    }
}

fn status_from(status: &str, problems: &mut Vec<String>) -> Option<EnrollmentState> {
    match status.to_lowercase().as_str() {
        "" | "active" => Some(EnrollmentState::Active),
        "completed" => Some(EnrollmentState::Completed),
        "inactive" => Some(EnrollmentState::Inactive),
        "deleted" => Some(EnrollmentState::Deleted),
        _ => {
            problems.push(format!("the status `{status}` is not active, completed, inactive or deleted"));
            None
        }
    }
}

/// The rows that would take the course's last instructors away.
fn leaves_no_instructor(store: &dyn Store, course: &CourseRecord, members: &[Member]) -> Result<Vec<RowProblem>> {
    let teaches_after =
        |member: &Member| member.kind == EnrollmentType::Instructor && member.state == EnrollmentState::Active;
    let removed: BTreeMap<&str, &Member> = members
        .iter()
        .filter(|member| member.before.as_ref().is_some_and(teaches) && !teaches_after(member))
        .filter_map(|member| Some((member.account.known_id()?, member)))
        .collect();
    if removed.is_empty() || members.iter().any(teaches_after) {
        return Ok(Vec::new());
    }
    let enrolled = enrollments::of_course(store, &course.course_id)?;
    if enrolled.iter().any(|other| teaches(other) && !removed.contains_key(other.user_id.as_str())) {
        return Ok(Vec::new());
    }
    let message = format!("{} would be left without an instructor", course.slug);
    let problem = |member: &&Member| {
        let (line, subject, message) = (member.line, member.subject.clone(), message.clone());
        of_file(FILE, RowProblem { line, subject, message })
    };
    Ok(removed.values().map(problem).collect())
}

fn carry_out(tx: &mut Tx<'_, '_>, plan: Plan) -> Result<()> {
    let mut new_ids: BTreeMap<usize, String> = BTreeMap::new();
    for place in plan.invited() {
        if let Who::New(user) = &plan.people.persons[place].who {
            let record = accounts::create(tx, (**user).clone(), "roster import");
            new_ids.insert(place, record.user.unwrap_or_default().user_id);
        }
    }
    let mut sections: BTreeMap<String, String> = BTreeMap::new();
    for member in plan.members {
        if member.action == ImportAction::Unchanged {
            continue;
        }
        let user_id = match &member.account {
            Account::Known(_) => member.account.known_id().unwrap_or_default().to_owned(),
            Account::New(place) => new_ids[place].clone(),
        };
        let section_id = match (&member.before, member.section.as_str()) {
            (Some(before), "") if before.state() != EnrollmentState::Deleted => before.section_id.clone(),
            (_, "") => plan.course.default_section_id.clone(),
            (_, name) if sections.contains_key(name) => sections[name].clone(),
            (_, name) => {
                let section_id = enrollments::section_named(tx, &plan.course, name)?;
                sections.insert(name.into(), section_id.clone());
                section_id
            }
        };
        let after = EnrollmentRecord {
            course_id: plan.course.course_id.clone(),
            user_id,
            r#type: member.kind.into(),
            state: member.state.into(),
            section_id,
            created_at_ms: member.before.as_ref().map_or(tx.now_ms(), |before| before.created_at_ms),
        };
        enrollments::write(tx, member.before.as_ref(), &after, "roster import")?;
    }
    Ok(())
}

#[cfg(test)]
#[path = "roster_tests.rs"]
mod tests;
