//! The screens, one a file.

pub mod accounts;
mod assignment_form;
mod assignments;
pub mod audit;
mod codes;
pub mod course;
mod course_form;
mod courses;
mod deed;
mod detail;
mod form;
mod grade_forms;
mod gradebook;
mod grading;
mod grid;
mod group_form;
mod groups;
pub mod home;
mod import;
mod materials;
mod people;
mod pick;
mod queue;
mod requests;
mod statistics;
mod waiting;
mod words;
