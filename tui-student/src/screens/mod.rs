//! The screens, a file each.

pub mod assignment;
pub mod assignments;
pub mod attempt;
pub mod course;
pub mod draft;
pub mod files;
pub mod grade;
pub mod grades;
pub mod hand_in;
pub mod home;
pub mod version;
