//! The decision about membership: each rule by name, and what holds whatever happens.

mod notation;
mod properties;
mod rules;
