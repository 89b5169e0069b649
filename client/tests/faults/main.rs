//! The client against nodes in this process that lose replies, know no leader, break off and die.

mod calls;
mod support;
mod transfers;
