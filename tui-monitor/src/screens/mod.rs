//! The screens: all nodes, and one of them.

mod node;
mod orders;
mod overview;
#[cfg(test)]
mod tests;
mod words;

use lectern_tui_kit::action::Scope;

pub use orders::tell;
pub use overview::Overview;
pub use words::outside;

/// All of them.
pub const SCOPES: &[Scope] = &[overview::SCOPE, node::SCOPE];
