//! Accounts of the installation: for administrators.

use lectern_proto::v1;
use lectern_tui_kit::action::{Action, OPEN, REFRESH, Scope};
use lectern_tui_kit::look::Canvas;
use lectern_tui_kit::program::{Change as Changed, concerns};
use lectern_tui_kit::remote::RequestId;
use lectern_tui_kit::screen::{Confirm, Screen, Tone};
use lectern_tui_kit::widgets::Part;
use lectern_tui_kit::widgets::form::{Field, Form};
use lectern_tui_kit::widgets::list::List;
use lectern_tui_kit::widgets::table::{Column, Table, Width};
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::codes::CodesScreen;
use super::deed::Deed;
use super::form::{FormScreen, Work};
use super::{import, words};
use crate::actions::{self, ADD, CODE, EDIT, IMPORT, SUSPEND_ACCOUNT};
use crate::effects::{Change, Effect, Made, Message, Read};
use crate::model::Model;
use crate::program::{Cx, Instructor};

/// Accounts.
pub struct AccountsScreen {
    list: List<v1::User>,
    codes: Deed,
}

impl Default for AccountsScreen {
    fn default() -> Self {
        let table = Table::new(columns(), |user: &v1::User| user.user_id.clone(), "There are no accounts.");
        Self { list: List::new(table, "the accounts"), codes: Deed::default() }
    }
}

impl AccountsScreen {
    fn load(&mut self, cx: &mut Cx<'_>) {
        self.list.ask(cx, Effect::Read(Read::Accounts));
    }

    fn ask_code(&mut self, cx: &mut Cx<'_>) {
        let Some(user) = self.list.selected() else { return };
        let consequence = if user.state() == v1::UserState::Active {
            "With it a new password can be set; the old one works until then."
        } else {
            "With it the account is activated. A code made earlier stops working."
        };
        let username = user.username.clone();
        let question = Confirm {
            question: format!("Make a one-time code for {username}?"),
            consequence: consequence.into(),
            yes: "make a code".into(),
        };
        let change = Change::IssueCodes(v1::IssueCodesRequest { users: vec![username], course: String::new() });
        self.codes.ask(question, change, cx);
    }
}

fn create_form() -> FormScreen {
    let mut fields = vec![
        Field::text("username", "Username").required(),
        Field::text("name", "Name").required(),
        Field::text("email", "E-mail"),
        Field::text("sis", "SIS id").hint("made from the username, when left empty"),
    ];
    fields.extend(rights_fields(v1::AccountRights::default()));
    FormScreen::new("New account", "the new account", Form::new(fields), |form| {
        let request = v1::CreateUserRequest {
            username: form.text("username"),
            sis_user_id: form.text("sis"),
            name: form.text("name"),
            email: form.text("email"),
            time_zone: String::new(),
            rights: Some(rights(form)),
        };
        Ok(Work::from(Change::CreateUser(request)))
    })
    .note("It is invited until its one-time code is used; c makes the code.")
    .done(|made, cx| {
        if let Made::CreateUser(v1::CreateUserResponse { user: Some(user) }) = made {
            cx.toast(Tone::Good, format!("{} is invited.", user.username));
        }
    })
}

fn edit_form(user: &v1::User) -> FormScreen {
    let mut fields = vec![
        Field::text("name", "Name").required().value(&user.name),
        Field::text("email", "E-mail").value(&user.email),
        Field::text("zone", "Time zone").value(&user.time_zone).hint("such as Europe/Berlin"),
    ];
    fields.extend(rights_fields(user.rights.unwrap_or_default()));
    fields.push(Field::text("reason", "Reason").hint("why, for the audit trail"));
    let (username, tutor) = (user.username.clone(), user.rights.unwrap_or_default().tutor);
    FormScreen::new(format!("Account {username}"), "this change", Form::new(fields), move |form| {
        let request = v1::UpdateUserRequest {
            user: username.clone(),
            name: Some(form.text("name")),
            email: Some(form.text("email")),
            time_zone: Some(form.text("zone")),
            rights: Some(v1::AccountRights { tutor, ..rights(form) }),
            state: None,
            reason: form.text("reason"),
        };
        Ok(Work::from(Change::UpdateUser(request)))
    })
    .done(saved)
}

fn suspend_form(user: &v1::User) -> FormScreen {
    let suspended = user.state() == v1::UserState::Suspended;
    let (title, note, to) = if suspended {
        ("Let in again", "The account can sign in again.", v1::UserState::Active)
    } else {
        ("Suspend", "Every sign-in of the account ends at once; its work stays.", v1::UserState::Suspended)
    };
    let username = user.username.clone();
    let form = Form::new([Field::text("reason", "Reason").required().hint("why, for the audit trail")]);
    FormScreen::new(format!("{title}: {username}"), "this", form, move |form| {
        let request = v1::UpdateUserRequest {
            user: username.clone(),
            state: Some(to.into()),
            reason: form.text("reason"),
            ..Default::default()
        };
        Ok(Work::from(Change::UpdateUser(request)))
    })
    .note(note)
    .done(saved)
}

fn saved(made: &Made, cx: &mut Cx<'_>) {
    if let Made::UpdateUser(v1::UpdateUserResponse { user: Some(user) }) = made {
        cx.toast(Tone::Good, format!("{} is {}.", user.username, state(user)));
    }
}

fn rights_fields(held: v1::AccountRights) -> [Field; 3] {
    let value = |on: bool| if on { "true" } else { "false" };
    [
        Field::toggle("admin", "May administer").value(value(held.admin)),
        Field::toggle("creator", "May create courses").value(value(held.course_creator)),
        Field::toggle("operator", "May operate the cluster").value(value(held.operator)),
    ]
}

fn rights(form: &Form) -> v1::AccountRights {
    v1::AccountRights {
        admin: form.toggle("admin"),
        course_creator: form.toggle("creator"),
        operator: form.toggle("operator"),
        tutor: false,
    }
}

impl Screen<Instructor> for AccountsScreen {
    fn scope(&self) -> &'static Scope {
        &actions::ACCOUNTS_SCOPE
    }

    fn title(&self, _model: &Model) -> String {
        "accounts".into()
    }

    fn disabled(&self, action: &Action, _model: &Model) -> Option<String> {
        match (*action, self.list.selected()) {
            (OPEN | EDIT | CODE | SUSPEND_ACCOUNT, None) => Some("There is no account.".into()),
            (CODE, Some(user)) if user.state() == v1::UserState::Suspended => {
                Some("A suspended account takes no code; let it in again first.".into())
            }
            _ => None,
        }
    }

    fn opened(&mut self, cx: &mut Cx<'_>) {
        self.load(cx);
    }

    fn resumed(&mut self, cx: &mut Cx<'_>) {
        self.load(cx);
    }

    fn act(&mut self, action: &Action, cx: &mut Cx<'_>) -> bool {
        match (*action, self.list.selected()) {
            (ADD, _) => cx.push(create_form()),
            (OPEN | EDIT, Some(user)) => cx.push(edit_form(user)),
            (SUSPEND_ACCOUNT, Some(user)) => cx.push(suspend_form(user)),
            (CODE, _) => self.ask_code(cx),
            (IMPORT, _) => cx.push(import::accounts()),
            (REFRESH, _) => self.load(cx),
            _ => return self.list.act(action),
        }
        true
    }

    fn part(&self) -> Option<&dyn Part> {
        Some(&self.list)
    }

    fn part_mut(&mut self) -> Option<&mut dyn Part> {
        Some(&mut self.list)
    }

    fn received(&mut self, request: RequestId, message: Message, cx: &mut Cx<'_>) {
        match message {
            Message::Accounts(result) => {
                self.list.finish(request, result);
                if self.list.is_stale() {
                    self.load(cx);
                }
            }
            Message::Changed(result) => {
                if let Some(Made::IssueCodes(answer)) = self.codes.finish(request, result, cx) {
                    let name = answer.codes.first().map(|code| words::username(code.person.as_ref()));
                    cx.push(CodesScreen::new(&name.unwrap_or_default(), answer.codes));
                }
            }
            _ => {}
        }
    }

    fn confirmed(&mut self, request: RequestId, cx: &mut Cx<'_>) {
        self.codes.confirmed(request, cx);
    }

    fn changed(&mut self, change: &Changed, cx: &mut Cx<'_>) {
        if concerns(change, None, &[v1::EventKind::Account]) {
            self.load(cx);
        }
    }

    fn view(&self, _model: &Model, area: Rect, canvas: &mut Canvas<'_>) {
        let inner = canvas.pane(area, "Accounts", true);
        self.list.view(inner, canvas);
    }
}

fn state(user: &v1::User) -> &'static str {
    match user.state() {
        v1::UserState::Invited => "invited",
        v1::UserState::Active => "active",
        v1::UserState::Suspended => "suspended",
        v1::UserState::Deleted => "deleted",
        v1::UserState::Unspecified => "",
    }
}

fn rights_words(user: &v1::User) -> String {
    let rights = user.rights.unwrap_or_default();
    let held = [
        (rights.admin, "admin"),
        (rights.course_creator, "course creator"),
        (rights.operator, "operator"),
        (rights.tutor, "tutor"),
    ];
    held.iter().filter(|(has, _)| *has).map(|(_, word)| *word).collect::<Vec<_>>().join(", ")
}

fn columns() -> Vec<Column<v1::User>> {
    type Row = v1::User;
    vec![
        Column::new("username", Width::Fixed(14), |user: &Row, _| Line::raw(user.username.clone()))
            .sorted_by(|a, b| a.username.cmp(&b.username)),
        Column::new("name", Width::Fill(2), |user: &Row, _| Line::raw(user.name.clone()))
            .least(18)
            .sorted_by(|a, b| a.name.cmp(&b.name)),
        Column::new("state", Width::Fixed(9), |user: &Row, look| {
            let style = match user.state() {
                v1::UserState::Active => look.theme.text,
                v1::UserState::Invited => look.theme.info,
                _ => look.theme.warn,
            };
            Line::styled(state(user), style)
        })
        .sorted_by(|a, b| a.state.cmp(&b.state)),
        Column::new("rights", Width::Fixed(22), |user: &Row, _| Line::raw(rights_words(user))).keep(1),
        Column::new("SIS id", Width::Fixed(10), |user: &Row, look| {
            Line::styled(user.sis_user_id.clone(), look.theme.dim)
        })
        .keep(3),
        Column::new("e-mail", Width::Fill(2), |user: &Row, look| Line::styled(user.email.clone(), look.theme.dim))
            .keep(2),
    ]
}
