//! The monitor as the kit runs it, and what it does outside its update: to ask each node, again and again, and to carry an
//! operator's orders to the leader.

use std::sync::Arc;
use std::time::{Duration, Instant};

use lectern_cli::{Error, Session};
use lectern_proto::v1::GetStatusResponse;
use lectern_tui_kit::action::Scope;
use lectern_tui_kit::program::{Program, Reply};
use lectern_tui_kit::remote::{Failure, RequestId};
use lectern_tui_kit::screen::Cx;
use lectern_tui_kit::text;

use crate::deed::Deed;
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
    /// Ask the leader what an order would lead to.
    Ask {
        /// What.
        deed: Deed,
        /// With which node.
        node: u64,
    },
    /// Order it.
    Order {
        /// What.
        deed: Deed,
        /// With which node.
        node: u64,
    },
}

/// What comes back.
#[derive(Clone, Debug, PartialEq)]
pub enum Heard {
    /// Of a node that is followed.
    Status(Answer),
    /// What an order would lead to, or why it cannot be given.
    Advice(Result<String, Failure>),
    /// What an order came to.
    Done(Result<String, Failure>),
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
    type Message = Heard;
    type Env = Arc<Session>;

    const NAME: &'static str = "lectern-monitor";
    const SCOPES: &'static [Scope] = screens::SCOPES;
    // It says of each node by itself whether it answers.
    const TELLS_LINK: bool = false;

    async fn perform(env: Arc<Session>, effect: Effect, reply: Reply<Self>) {
        match effect {
            Effect::Follow { address } => follow(&env, &address, &reply).await,
            Effect::Ask { deed, node } => {
                let advice = deed.ask(env.client(), node).await;
                reply.send(Heard::Advice(advice.map_err(Failure::from))).await;
            }
            Effect::Order { deed, node } => {
                let done = deed.order(env.client(), node).await;
                reply.send(Heard::Done(done.map_err(Failure::from))).await;
            }
        }
    }

    fn is_change(effect: &Effect) -> bool {
        matches!(effect, Effect::Order { .. })
    }

    fn received(_request: RequestId, heard: Heard, cx: &mut Cx<'_, Self>) {
        // The first screen follows the nodes, and is open for as long as the program runs.
        screens::tell(heard, cx);
    }

    fn headline(model: &Model) -> String {
        let live = if model.is_held() { "held" } else { "live" };
        match model.operator() {
            Some(name) => format!("operator {}, {live}", text::clean(name)),
            None => live.into(),
        }
    }

    fn session(env: &Arc<Session>) -> &Session {
        env
    }
}

async fn follow(session: &Session, address: &str, reply: &Reply<Monitor>) {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        reply.send(Heard::Status(ask(session, address).await)).await;
    }
}

async fn ask(session: &Session, address: &str) -> Answer {
    let asked = Instant::now();
    let result = tokio::time::timeout(PATIENCE, session.client().status_of(address)).await;
    let result = match result {
        Ok(Ok(status)) => Ok(Box::new(status)),
        Ok(Err(error)) => {
            let words = match error {
                Error::Unreachable { message, .. } => message,
                other => other.to_string(),
            };
            Err(words.strip_prefix(&format!("{address}: ")).map(ToOwned::to_owned).unwrap_or(words))
        }
        Err(_) => Err(format!("no answer within {} seconds", PATIENCE.as_secs())),
    };
    let round_trip_us = u64::try_from(asked.elapsed().as_micros()).unwrap_or(u64::MAX);
    Answer { address: address.to_owned(), round_trip_us, result }
}
