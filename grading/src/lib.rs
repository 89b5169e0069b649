//! What grades come to: the one place where scores are added, dropped, weighted, rounded and given names.
//!
//! Both the cluster and the programs call it, so that a student who asks "what if" is answered by the very code that will
//! make the grade. It is pure: numbers in, numbers out.
//!
//! # Numbers
//!
//! Scores and points are whole ten-thousandths ([`points`]). Percentages are whole hundredths of a percent ([`Percent`]).
//! In between, everything is an exact fraction of whole numbers; nothing is a floating-point number, and a value is rounded
//! once, at the end, half up. A level ("B+") goes by the rounded percentage that a person sees, so that nobody has 90.00 %
//! and the grade below.
//!
//! # Rules
//!
//! * *Current* counts the work that has a score; *final* counts everything, what has none as 0. Excused work counts in
//!   neither.
//! * In a group the lowest are dropped first, then the highest, each time so many at once that the rest comes to the most (the
//!   least) of Σ score / Σ possible ([`drops`]).
//! * Work of no points is extra credit: its score is added, and it takes no part in dropping.
//! * Where a group has a weight, the course is weighed: each group that has anything to count gives its share, and the weights
//!   of those groups alone are what the shares are of. Where none has one, points are added up.

// Scores, possible points and percentages meet in every line; their names are the field's.
#![allow(clippy::similar_names)]

pub mod contract;
pub mod course;
pub mod drops;
pub mod late;
mod percent;
pub mod plan;
pub mod points;
pub mod scheme;
pub mod statistics;

pub use course::{Course, Group, GroupTotals, Rules, Tally, Work};
pub use percent::Percent;
pub use plan::{Mark, Place, Plan, Totals};
pub use scheme::{Level, Scheme, SchemeError};
pub use statistics::Statistics;
