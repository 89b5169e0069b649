//! The student's program, as the kit sees it.

use lectern_cli::Session;
use lectern_proto::v1;
use lectern_tui_kit::action::Scope;
use lectern_tui_kit::program::{Program, Reply};
use lectern_tui_kit::remote::RequestId;
use lectern_tui_kit::screen::{Cx, Tone};
use lectern_tui_kit::shared::{self, Shares, account};
use lectern_tui_kit::states;

use crate::effects::{self, Effect, Env, HandedIn, Message};
use crate::model::Model;
use crate::screens::home::Home;
use crate::{actions, words};

/// The program.
#[derive(Debug)]
pub struct Student;

impl Program for Student {
    type Model = Model;
    type Effect = Effect;
    type Message = Message;
    type Env = Env;

    const NAME: &'static str = "lectern-student";
    const SCOPES: &'static [Scope] = actions::SCOPES;

    async fn perform(env: Env, effect: Effect, reply: Reply<Self>) {
        effects::perform(&env, effect, &reply).await;
    }

    fn is_change(effect: &Effect) -> bool {
        effects::is_change(effect)
    }

    fn received(_request: RequestId, message: Message, cx: &mut Cx<'_, Self>) {
        match message {
            Message::Shared(message) => shared::received(&message, cx),
            // What was handed in on a screen that was left meanwhile.
            Message::HandedIn { place, outcome } => {
                cx.model.sending.remove(&place);
                match outcome {
                    Ok(HandedIn::Submission(stored)) => {
                        cx.toast(Tone::Good, format!("Submitted {place}, attempt {}.", stored.submission.attempt));
                    }
                    Ok(HandedIn::Request(_)) => {
                        cx.toast(Tone::Plain, format!("{place}: {}", words::KEPT_AS_REQUEST));
                    }
                    Err(failure) => {
                        cx.toast(Tone::Bad, format!("{place} was not handed in: {}", states::sentence(&failure)));
                    }
                }
            }
            Message::Queued(Ok(queued)) => {
                if let Some(place) = queued.iter().find(|place| !cx.model.queued.contains(place)) {
                    cx.toast(Tone::Bad, format!("{place} {}", words::QUEUED));
                }
                cx.model.queued = queued;
            }
            Message::Queued(Err(failure)) => {
                cx.toast(Tone::Bad, format!("What is queued cannot be read: {}", states::sentence(&failure)));
            }
            Message::Kept(Err(failure)) => {
                cx.toast(Tone::Bad, format!("The draft is not kept on this machine: {}", states::sentence(&failure)));
            }
            Message::DraftSaved(Err(failure)) => {
                let why = states::sentence(&failure);
                cx.toast(Tone::Bad, format!("The draft is kept on this machine, and not on the server: {why}"));
            }
            Message::Chosen(Err(failure)) => {
                cx.toast(Tone::Bad, format!("Nothing was chosen: {}", states::sentence(&failure)));
            }
            Message::Withdrawn(Err(failure)) => {
                cx.toast(Tone::Bad, format!("The upload was not withdrawn: {}", states::sentence(&failure)));
            }
            _ => {}
        }
    }

    fn headline(model: &Model) -> String {
        if model.account.signed_in { model.account.username.clone() } else { String::new() }
    }

    fn session(env: &Env) -> &Session {
        env.session()
    }
}

impl Shares for Student {
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

    fn signed_in(cx: &mut Cx<'_, Self>, _user: v1::User) {
        // What is known was another person's.
        *cx.model = Model { account: cx.model.account.clone(), ..Model::default() };
        cx.reset(Home::default());
    }

    fn signed_in_again(cx: &mut Cx<'_, Self>) {
        cx.run(Effect::Follow);
    }
}
