//! Statistics of an assignment's scores, and of a course's totals. For staff.

use lectern_grading::{Percent, Statistics, statistics};
use lectern_proto::internal::v1::EnrollmentRecord;
use lectern_proto::v1;

use crate::actor::CourseAccess;
use crate::context::View;
use crate::gradebook::Sheet;
use crate::refusal::Result;
use crate::standing::points_possible;
use crate::{assignments, limits};

/// Mean, median, quartiles and histogram of what the current students of a course have.
pub fn get_statistics(view: &View<'_>, request: &v1::GetStatisticsRequest) -> Result<v1::GetStatisticsResponse> {
    let access = CourseAccess::open(view.store, view.actor, &request.course)?;
    access.require_staff()?;
    let assignment = match &*request.assignment {
        "" => None,
        name => Some(assignments::open(view.store, &access, name)?),
    };
    let possible = assignment.as_ref().map_or(0, points_possible);
    let mut sheet = Sheet::open(view, &request.course)?;
    let column = assignment.as_ref().map(|assignment| sheet.column_of(&assignment.assignment_id));
    let (mut students, mut values, mut percents) = (0, Vec::new(), Vec::new());
    sheet.each_student(limits::STUDENTS_COUNTED, |sheet, enrollment: &EnrollmentRecord| {
        students += 1;
        let (value, percent) = match column {
            Some(Some(column)) => {
                let score = sheet.score(enrollment, column)?;
                (score, score.and_then(|score| Percent::of(score, possible)))
            }
            // An assignment that is not published has no scores.
            Some(None) => (None, None),
            None => {
                let current = sheet.current(enrollment)?;
                (current.map(|percent| percent.0), current)
            }
        };
        values.extend(value);
        percents.extend(percent);
        Ok(())
    })?;
    let it = Statistics::of(&mut values).unwrap_or_default();
    let has_classes = assignment.is_none() || possible > 0;
    let histogram = if has_classes { statistics::histogram(percents).to_vec() } else { Vec::new() };
    Ok(v1::GetStatisticsResponse {
        students,
        count: u32::try_from(it.count).expect("at most STUDENTS_COUNTED"),
        lowest: it.lowest,
        lower_quartile: it.lower_quartile,
        median: it.median,
        upper_quartile: it.upper_quartile,
        highest: it.highest,
        mean: it.mean,
        histogram,
        points_possible: possible,
    })
}

#[cfg(test)]
#[path = "statistics_tests.rs"]
mod tests;
