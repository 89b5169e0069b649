//! The monitor as the kit runs it, and the only thing it does outside its update: to ask each node, again and again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use lectern_cli::Session;
use lectern_proto::v1::GetStatusResponse;
use lectern_tui_kit::action::Scope;
use lectern_tui_kit::program::{Program, Reply};
use lectern_tui_kit::remote::RequestId;
use lectern_tui_kit::screen::Cx;

use crate::model::Model;
use crate::screens;

/// Between the beginnings of two questions to one node.
const EVERY: Duration = Duration::from_millis(500);
/// A node that says nothing for so long does not answer: one that is stopped accepts connections and stays silent.
const PATIENCE: Duration = Duration::from_secs(2);

/// The program.
#[derive(Debug)]
pub struct Monitor;

/// Its effects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Ask one node how it is, twice a second, for as long as the program runs. Each has a task of its own, so that a
    /// dead one never delays the others.
    Follow {
        /// Where it is.
        address: String,
    },
}

/// What came of one question to one node.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Where it was asked.
    pub address: String,
    /// How long it took, in microseconds.
    pub round_trip_us: u64,
    /// Its word, or why there is none.
    pub result: Result<Box<GetStatusResponse>, String>,
}

impl Program for Monitor {
    type Model = Model;
    type Effect = Effect;
    type Message = Answer;
    type Env = Arc<Session>;

    const NAME: &'static str = "lectern-monitor";
    const SCOPES: &'static [Scope] = screens::SCOPES;
    // It says of each node by itself whether it answers.
    const TELLS_LINK: bool = false;

    async fn perform(env: Arc<Session>, effect: Effect, reply: Reply<Self>) {
        let Effect::Follow { address } = effect;
        let mut ticks = tokio::time::interval(EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            reply.send(ask(&env, &address).await).await;
        }
    }

    fn is_change(_effect: &Effect) -> bool {
        false
    }

    fn received(_request: RequestId, _answer: Answer, _cx: &mut Cx<'_, Self>) {
        // The first screen asks, and is open for as long as the program runs.
    }

    fn headline(model: &Model) -> String {
        if model.is_held() { "held".into() } else { "live".into() }
    }

    fn session(env: &Arc<Session>) -> &Session {
        env
    }
}

async fn ask(session: &Session, address: &str) -> Answer {
    let asked = Instant::now();
    let result = tokio::time::timeout(PATIENCE, session.client().status_of(address)).await;
    let result = match result {
        Ok(Ok(status)) => Ok(Box::new(status)),
        Ok(Err(error)) => {
            let words = error.to_string();
            Err(words.strip_prefix(&format!("{address}: ")).map(ToOwned::to_owned).unwrap_or(words))
        }
        Err(_) => Err(format!("no answer within {} seconds", PATIENCE.as_secs())),
    };
    let round_trip_us = u64::try_from(asked.elapsed().as_micros()).unwrap_or(u64::MAX);
    Answer { address: address.to_owned(), round_trip_us, result }
}
