//! How much a student, and a course, may ask.

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// How many requests in how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Requests that may come at once.
    pub requests: u32,
    /// How long it takes for all of them to come back.
    pub every: Duration,
}

/// Who used up what.
#[derive(Debug)]
pub struct Quotas {
    student: Quota,
    course: Quota,
    used: HashMap<Who, Bucket>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Who {
    Student(String, String),
    Course(String),
}

/// What is used up, and as of when.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    used: f64,
    at: Instant,
}

/// A quota is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Exceeded {
    /// The student's own.
    #[error("you have asked the tutor a lot; ask again in {} s", .0.as_secs().max(1))]
    Student(Duration),
    /// The whole course's.
    #[error("your course has asked the tutor a lot; ask again in {} s", .0.as_secs().max(1))]
    Course(Duration),
}

impl Quotas {
    /// With these limits for each student of a course and for each course.
    pub fn new(student: Quota, course: Quota) -> Quotas {
        Quotas { student, course, used: HashMap::new() }
    }

    /// Takes one request of a student off both quotas, or off neither.
    pub fn take(&mut self, course: &str, student: &str, now: Instant) -> Result<(), Exceeded> {
        self.forget(now);
        let of_student = Who::Student(course.into(), student.into());
        let of_course = Who::Course(course.into());
        let student_left = self.left(&of_student, self.student, now).map_err(Exceeded::Student)?;
        let course_left = self.left(&of_course, self.course, now).map_err(Exceeded::Course)?;
        self.used.insert(of_student, student_left);
        self.used.insert(of_course, course_left);
        Ok(())
    }

    /// The bucket after one more request, or how long it takes until there is room for one.
    fn left(&self, who: &Who, quota: Quota, now: Instant) -> Result<Bucket, Duration> {
        let used = self.used.get(who).map_or(0.0, |bucket| bucket.now(quota, now)) + 1.0;
        let over = used - f64::from(quota.requests);
        if over > 0.0 {
            return Err(quota.every.mul_f64(over / f64::from(quota.requests.max(1))));
        }
        Ok(Bucket { used, at: now })
    }

    /// Forgets who has all of their quota back.
    fn forget(&mut self, now: Instant) {
        let (student, course) = (self.student, self.course);
        self.used.retain(|who, bucket| {
            let quota = if matches!(who, Who::Student(..)) { student } else { course };
            bucket.now(quota, now) > 0.0
        });
    }
}

impl Bucket {
    /// What of it is still used up.
    fn now(self, quota: Quota, now: Instant) -> f64 {
        let back = now.saturating_duration_since(self.at).as_secs_f64() / quota.every.as_secs_f64();
        (self.used - back * f64::from(quota.requests)).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    fn quotas(student: u32, course: u32) -> Quotas {
        let quota = |requests| Quota { requests, every: MINUTE };
        Quotas::new(quota(student), quota(course))
    }

    #[test]
    fn a_student_gets_so_many_and_then_one_after_the_other() {
        let start = Instant::now();
        let mut quotas = quotas(2, 100);
        assert_eq!(quotas.take("cs", "ada", start), Ok(()));
        assert_eq!(quotas.take("cs", "ada", start), Ok(()));
        assert_eq!(quotas.take("cs", "ada", start), Err(Exceeded::Student(MINUTE / 2)));
        assert_eq!(quotas.take("cs", "bob", start), Ok(()));
        assert_eq!(quotas.take("math", "ada", start), Ok(()));
        assert_eq!(quotas.take("cs", "ada", start + MINUTE / 2), Ok(()));
        assert!(quotas.take("cs", "ada", start + MINUTE / 2).is_err());
    }

    #[test]
    fn a_course_has_a_quota_of_its_own_and_a_refusal_costs_nobody_anything() {
        let start = Instant::now();
        let mut quotas = quotas(2, 3);
        for student in ["a", "b", "c"] {
            assert_eq!(quotas.take("cs", student, start), Ok(()));
        }
        assert!(matches!(quotas.take("cs", "d", start), Err(Exceeded::Course(_))));
        let later = start + MINUTE / 3;
        assert_eq!(quotas.take("cs", "d", later), Ok(()));
    }

    #[test]
    fn who_asked_long_ago_is_forgotten() {
        let start = Instant::now();
        let mut quotas = quotas(2, 3);
        assert_eq!(quotas.take("cs", "ada", start), Ok(()));
        assert_eq!(quotas.take("math", "bob", start + MINUTE), Ok(()));
        assert_eq!(quotas.used.len(), 2);
    }
}
