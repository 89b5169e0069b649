//! The program: what the kit asks of it.

use std::sync::Arc;

use lectern_cli::Session;
use lectern_proto::v1;
use lectern_tui_kit::action::Scope;
use lectern_tui_kit::program::{Program, Reply};
use lectern_tui_kit::remote::RequestId;
use lectern_tui_kit::screen::{self, Tone, Unsaved};
use lectern_tui_kit::shared::{self, Shares, account};
use lectern_tui_kit::{states, text};

use crate::actions::SCOPES;
use crate::effects::{self, Effect, Env, Message, Read};
use crate::model::{Model, Place};
use crate::screens::home::HomeScreen;

/// The program for instructors, assistants and administrators.
#[derive(Debug)]
pub enum Instructor {}

/// What a call of a screen can ask for.
pub type Cx<'a> = screen::Cx<'a, Instructor>;

impl Program for Instructor {
    type Model = Model;
    type Effect = Effect;
    type Message = Message;
    type Env = Arc<Env>;

    const NAME: &'static str = "lectern-instructor";
    const SCOPES: &'static [Scope] = SCOPES;

    async fn perform(env: Self::Env, effect: Effect, reply: Reply<Self>) {
        effects::perform(&env, effect, &reply).await;
    }

    fn is_change(effect: &Effect) -> bool {
        effect.is_change()
    }

    fn received(request: RequestId, message: Message, cx: &mut Cx<'_>) {
        match message {
            // Streams that end after a sign-out have nothing to tell.
            Message::Shared(message) if cx.model.account.signed_in => shared::received(&message, cx),
            Message::Me(Ok(me)) => {
                cx.set_cluster_time(me.now_ms);
                cx.model.me = me.user;
            }
            Message::Work(place, result) => cx.model.desk.came(&place, request, result),
            Message::FileText(file, text) => cx.model.desk.text_came(file, text),
            Message::Submissions(hw, Ok(rows)) => {
                cx.model.desk.heard_all(&hw, &rows);
                cx.model.known.submissions.insert(hw, rows);
            }
            Message::GradeWaits { place, key, failure } => cx.model.desk.waits(&place, &key, failure),
            Message::Graded { place, key, result } => graded(&place, &key, result, cx),
            // A change whose screen was left: what became of it is told all the same.
            Message::Changed(Err(failure)) if cx.model.account.signed_in => {
                cx.toast(Tone::Bad, format!("The last change was not made: {}", states::sentence(&failure)));
            }
            _ => {}
        }
    }

    fn unsaved(model: &Model) -> Option<Unsaved> {
        let typed = model.desk.typed();
        (typed > 0).then(|| Unsaved::Typed(format!("{} typed and not saved", text::count(typed as u64, "grade"))))
    }

    fn headline(model: &Model) -> String {
        if !model.account.signed_in {
            return String::new();
        }
        model.me.as_ref().map_or_else(|| model.account.username.clone(), |me| me.username.clone())
    }

    fn session(env: &Self::Env) -> &Session {
        &env.session
    }
}

/// The cluster has decided on a grade: what waited behind it is sent, and a refusal is told wherever the person is.
fn graded(place: &Place, key: &str, result: Result<v1::Grade, lectern_tui_kit::remote::Failure>, cx: &mut Cx<'_>) {
    if let Err(failure) = &result {
        cx.toast(Tone::Bad, format!("{}: the grade is NOT saved: {}", place.user, failure.sentence()));
        if failure.is_for("STALE_REVISION") || failure.is_for("ATTEMPT_REQUIRED") {
            // Somebody else graded meanwhile, or work came in: it is shown beside what was typed, and a second save is
            // made in its knowledge.
            let request = cx.run(Effect::Read(Read::Work(place.clone())));
            cx.model.desk.asked(place, request);
            cx.run(Effect::Read(Read::Submissions(place.hw.clone())));
        }
    }
    if let Some(effect) = cx.model.desk.decided(place, key, result) {
        cx.run(effect);
    }
}

impl Shares for Instructor {
    fn effect(effect: shared::Effect) -> Effect {
        Effect::Shared(effect)
    }

    fn message(message: shared::Message) -> Message {
        Message::Shared(message)
    }

    fn shared(message: Message) -> Option<shared::Message> {
        match message {
            Message::Shared(message) => Some(message),
            _ => None,
        }
    }

    fn account(model: &mut Model) -> &mut account::State {
        &mut model.account
    }

    fn signed_in(cx: &mut Cx<'_>, user: v1::User) {
        cx.model.forget();
        cx.model.me = Some(user);
        cx.reset(HomeScreen::default());
    }

    fn signed_in_again(cx: &mut Cx<'_>) {
        cx.run(Effect::Follow);
    }
}
