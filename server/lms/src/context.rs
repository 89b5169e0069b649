//! What a handler and a query are given.

use lectern_proto::v1::EventKind;
use prost::Message;

use crate::actor::Actor;
use crate::ids::IdSource;
use crate::overlay::Overlay;
use crate::refusal::Result;
use crate::store::{Store, encode};
use crate::tables::Table;

/// Where in the log a command stands, and when it happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    /// Index of the entry.
    pub index: u64,
    /// Term of the entry.
    pub term: u64,
    /// Time in apply: the leader's stamp, or the last applied time where that is later. Unix milliseconds.
    pub now_ms: i64,
}

/// Who may be told of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Everyone with an active enrolment in the event's course.
    Course,
    /// The course's staff.
    Staff,
    /// One person and the course's staff.
    UserAndStaff(String),
    /// One person.
    User(String),
    /// Admins.
    Admins,
}

/// Something changed: an invalidation without content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Index of the entry that changed it.
    pub index: u64,
    /// What kind of thing.
    pub kind: EventKind,
    /// In which course; empty outside of courses.
    pub course_id: String,
    /// Which thing.
    pub id: String,
    /// When.
    pub at_ms: i64,
    /// Who may know.
    pub audience: Audience,
}

/// A running command: the tables under its changes, who acts, when, and what watchers will be told.
pub struct Tx<'o, 'b> {
    /// Index, term, time.
    pub context: Context,
    /// Who acts.
    pub actor: Actor,
    /// The client's key, empty when there is none.
    pub idempotency_key: String,
    /// Fresh ids.
    pub ids: IdSource,
    /// Events so far.
    pub events: Vec<Event>,
    /// The tables with the changes made so far. Use [`Tx::put`] and [`Tx::delete`] to change them.
    pub store: &'o mut Overlay<'b>,
}

impl Tx<'_, '_> {
    /// Stores a record.
    pub fn put<M: Message>(&mut self, table: Table, key: Vec<u8>, record: &M) {
        self.store.put(table, key, encode(record));
    }

    /// Stores bytes as they are: indexes and chunks.
    pub fn put_raw(&mut self, table: Table, key: Vec<u8>, value: Vec<u8>) {
        self.store.put(table, key, value);
    }

    /// Deletes a key.
    pub fn delete(&mut self, table: Table, key: Vec<u8>) {
        self.store.delete(table, key);
    }

    /// Tells watchers.
    pub fn event(&mut self, kind: EventKind, course_id: &str, id: &str, audience: Audience) {
        self.events.push(Event {
            index: self.context.index,
            kind,
            course_id: course_id.into(),
            id: id.into(),
            at_ms: self.context.now_ms,
            audience,
        });
    }

    /// Time in apply.
    pub fn now_ms(&self) -> i64 {
        self.context.now_ms
    }

    /// The same tables, actor and time for a query, such as the one that builds the reply.
    pub fn view(&self) -> View<'_> {
        View { store: &*self.store, actor: &self.actor, now_ms: self.context.now_ms }
    }
}

/// What a query reads: one consistent state, on behalf of one person, at one time.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// The tables.
    pub store: &'a dyn Store,
    /// Who asks.
    pub actor: &'a Actor,
    /// Cluster time, Unix milliseconds.
    pub now_ms: i64,
}

/// Where a page begins and how many rows it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// The key after which to go on.
    pub after: Option<Vec<u8>>,
    /// Rows wanted.
    pub rows: usize,
}

impl PageRequest {
    /// From the fields every list request has. A page token is the last key of the page before, in hex.
    pub fn new(page_size: u32, page_token: &str) -> Result<Self> {
        let rows = match page_size as usize {
            0 => crate::limits::PAGE_ROWS,
            size => size.min(crate::limits::MAX_PAGE_ROWS),
        };
        let after = match page_token {
            "" => None,
            token => Some(from_hex(token).ok_or_else(|| {
                crate::Refusal::new(
                    crate::Reason::InvalidArgument,
                    "page_token is not one that a list returned; start again with an empty one",
                )
            })?),
        };
        Ok(Self { after, rows })
    }

    /// The token of the next page, given the rows of this one by key: empty when fewer came than were wanted.
    pub fn next_token(&self, row_count: usize, last_key: Option<&[u8]>) -> String {
        match last_key {
            Some(key) if row_count >= self.rows => to_hex(key),
            _ => String::new(),
        }
    }
}

/// Lower-case hexadecimal.
pub fn to_hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| char::from(b"0123456789abcdef"[digit as usize]))
        .collect()
}

/// `None` when `text` is not hexadecimal.
pub fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text.chars().map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok())).collect();
    let digits = digits?;
    (digits.len() % 2 == 0).then(|| digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

#[cfg(test)]
#[path = "context_tests.rs"]
mod tests;
