//! What the three full-screen programs share: a small Elm core, a stack of screens, and widgets.
//!
//! A program is a model, messages, effects and screens ([`program::Program`]). One task owns them all:
//!
//! ```text
//! keys, mouse, paste ─►┐                         ┌─► frame: screens draw themselves into cells, only what differs is written
//! signals ────────────►│  update: one screen, or │
//! answers of effects ─►│  the model; synchronous ├─► effects: tasks of their own, whose answers come back as messages
//! events of the server►┘  and pure               └─► push, pop, toast, confirm, quit
//! ```
//!
//! Invariants
//! - Nothing is awaited between two events: an unreachable cluster never freezes a key.
//! - A frame is drawn only when something changed, at most 60 a second; a program at rest writes no byte.
//! - An answer counts only for the screen that asked, and only while it is the awaited one ([`remote::Remote`]).
//! - What a key does is declared once ([`action`]): bar, help, palette and guides show the same.
//! - Text of the server is cleaned before it reaches a cell ([`text::clean`]).
//! - However the program ends, the terminal is as it was ([`terminal`]).

pub mod action;
pub mod app;
pub mod chord;
pub mod cluster;
pub mod files;
pub mod guide;
pub mod keymap;
pub mod launch;
pub mod live;
pub mod look;
pub mod outside;
pub mod painter;
pub mod program;
pub mod remote;
pub mod runtime;
pub mod screen;
pub mod sending;
pub mod settings;
pub mod shared;
pub mod states;
mod tasks;
pub mod terminal;
pub mod testkit;
pub mod text;
pub mod theme;
pub mod widgets;
