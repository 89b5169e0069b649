//! What waits for a grade: of one assignment, or of a whole course, assignment by assignment, the oldest first.

use lectern_proto::internal::v1::{AssignmentRecord, EnrollmentRecord};
use lectern_proto::v1::SubmissionSummary;
use prost::Message;

use crate::actor::CourseAccess;
use crate::attempts;
use crate::context::{PageRequest, View, to_hex};
use crate::keys::{ID_BYTES, key1, key2};
use crate::paging::{self, PAGE_BYTES};
use crate::refusal::Result;
use crate::standing;
use crate::store::{Order, StoreExt};
use crate::tables::Table;

/// The active students whose attempt that counts at the assignment waits for a grade.
pub(crate) fn of_assignment(
    view: &View<'_>,
    access: &CourseAccess,
    assignment: &AssignmentRecord,
    page: &PageRequest,
) -> Result<(Vec<SubmissionSummary>, String)> {
    let prefix = key1(&assignment.assignment_id);
    paging::collect(view.store, Table::NeedsGrading, &prefix, Order::Ascending, page, |key, _| {
        let user_id = key.get(ID_BYTES..).unwrap_or_default();
        let enrollment: Option<EnrollmentRecord> =
            view.store.record(Table::Enrollments, &key2(&access.course.course_id, user_id))?;
        match enrollment {
            Some(enrollment) => attempts::summary(view, access, assignment, &enrollment),
            None => Ok(None),
        }
    })
}

/// The same for every published assignment of the course, as one list.
pub(crate) fn of_course(
    view: &View<'_>,
    access: &CourseAccess,
    page: &PageRequest,
) -> Result<(Vec<SubmissionSummary>, String)> {
    let (mut waiting, mut bytes): (Vec<SubmissionSummary>, usize) = (Vec::new(), 0);
    for assignment in standing::published_assignments(view.store, &access.course.course_id)? {
        let prefix = key1(&assignment.assignment_id);
        // A page token is a key of the table: its assignment's id comes first.
        let after = page.after.as_ref().filter(|after| **after >= prefix);
        if after.is_some_and(|after| !after.starts_with(&prefix)) {
            continue;
        }
        if let Some(last) = waiting.last()
            && (waiting.len() >= page.rows || bytes >= PAGE_BYTES)
        {
            let more = view.store.prefix(Table::NeedsGrading, &prefix, None, Order::Ascending, 1)?;
            if more.is_empty() {
                continue;
            }
            let user_id = last.submitter.as_ref().map_or("", |person| &*person.user_id);
            let token = to_hex(&key2(&last.assignment_id, user_id));
            return Ok((waiting, token));
        }
        let rest = PageRequest { after: after.cloned(), rows: page.rows - waiting.len() };
        let (here, token) = of_assignment(view, access, &assignment, &rest)?;
        bytes += here.iter().map(Message::encoded_len).sum::<usize>();
        waiting.extend(here);
        if !token.is_empty() {
            return Ok((waiting, token));
        }
    }
    Ok((waiting, String::new()))
}

#[cfg(test)]
mod tests {
    use lectern_proto::v1;

    use super::*;
    use crate::fixture::Class;

    fn page(
        class: &Class,
        who: &str,
        assignment: &str,
        page_size: u32,
        page_token: &str,
    ) -> std::result::Result<(Vec<String>, String), String> {
        let request = v1::ListSubmissionsRequest {
            course: "cs101".into(),
            assignment: assignment.into(),
            needs_grading: true,
            page_size,
            page_token: page_token.into(),
        };
        let page = class.world.ask(who, |view| attempts::list_submissions(view, &request))?;
        let named = page.submissions.into_iter().map(|row| {
            assert_eq!(row.assignment_title, format!("Title of {}", row.assignment_slug));
            format!("{} {}", row.assignment_slug, row.submitter.unwrap().username)
        });
        Ok((named.collect(), page.next_page_token))
    }

    fn class() -> Class {
        let mut class = Class::new();
        let (ada, bob) = (class.ada.clone(), class.bob.clone());
        for (slug, who) in [("hw1", vec![&ada, &bob]), ("hw2", vec![]), ("hw3", vec![&bob]), ("hw4", vec![&ada])] {
            let id = class.assignment(slug, 10, |_| {});
            for user_id in who {
                class.submission(&id, user_id, 1, false);
            }
        }
        class
    }

    #[test]
    fn a_courses_queue_goes_through_every_assignment_once_whatever_the_size_of_its_pages() {
        let class = class();
        let expected = ["hw1 ada", "hw1 bob", "hw3 bob", "hw4 ada"];
        for page_size in 1..=5 {
            let (mut token, mut all) = (String::new(), Vec::new());
            loop {
                let (rows, next) = page(&class, "tom", "", page_size, &token).unwrap();
                assert!(!rows.is_empty() && rows.len() <= page_size as usize);
                all.extend(rows);
                if next.is_empty() {
                    break;
                }
                token = next;
            }
            assert_eq!(all, expected, "{page_size}");
        }
    }

    #[test]
    fn the_queue_of_one_assignment_has_only_that_and_both_are_for_the_staff() {
        let class = class();
        assert_eq!(page(&class, "tom", "hw3", 0, "").unwrap().0, ["hw3 bob"]);
        for (who, refused) in [("ada", "WRONG_ROLE"), ("eve", "NOT_FOUND")] {
            assert_eq!(page(&class, who, "", 0, "").unwrap_err(), refused);
            assert_eq!(page(&class, who, "hw1", 0, "").unwrap_err(), refused);
        }
    }
}
