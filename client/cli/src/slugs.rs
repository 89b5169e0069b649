//! Names of things on the command line: `cs101`, `cs101/hw3`, `cs101/12`.

use std::fmt;
use std::str::FromStr;

/// A course by slug or id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CourseArg(
    /// Slug or id.
    pub String,
);

impl FromStr for CourseArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        check(text)
            .map(|()| Self(text.into()))
            .map_err(|()| format!("{text:?} is not a course: write its slug, such as cs101"))
    }
}

impl fmt::Display for CourseArg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

macro_rules! in_a_course {
    ($(#[$doc:meta])* $name:ident, $field:ident, $field_doc:literal, $what:literal, $example:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name {
            /// The course's slug or id.
            pub course: String,
            #[doc = $field_doc]
            pub $field: String,
        }

        impl FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                let problem = || format!(concat!("{:?} is not ", $what, ": write COURSE/NAME, such as ", $example), text);
                let (course, $field) = text.split_once('/').ok_or_else(problem)?;
                check(course).and_then(|()| check($field)).map_err(|()| problem())?;
                Ok(Self { course: course.into(), $field: $field.into() })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}/{}", self.course, self.$field)
            }
        }
    };
}

in_a_course!(
    /// An assignment: `cs101/hw3`.
    AssignmentArg, assignment, "The assignment's slug or id.", "an assignment", "cs101/hw3"
);
in_a_course!(
    /// A material: `cs101/lecture-1`.
    MaterialArg, material, "The material's slug or id.", "a material", "cs101/lecture-1"
);
in_a_course!(
    /// A thread: `cs101/12`.
    ThreadArg, thread, "The thread's number or id.", "a thread", "cs101/12"
);
in_a_course!(
    /// Anything else that has an id in a course: a module, an announcement, a request.
    ItemArg, id, "Its id.", "a thing in a course", "cs101/01K4…"
);

/// Slugs and ids are letters, digits and hyphens; the cluster says which of them exist.
fn check(name: &str) -> Result<(), ()> {
    let sensible = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if !name.is_empty() && name.len() <= 64 && name.bytes().all(sensible) { Ok(()) } else { Err(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_parse_and_print_the_same() {
        let assignment: AssignmentArg = "cs101/hw3".parse().unwrap();
        assert_eq!((&*assignment.course, &*assignment.assignment), ("cs101", "hw3"));
        assert_eq!(assignment.to_string(), "cs101/hw3");
        assert_eq!("cs101/12".parse::<ThreadArg>().unwrap().thread, "12");
        assert_eq!("cs101".parse::<CourseArg>().unwrap().0, "cs101");
    }

    #[test]
    fn malformed_names_are_refused_with_an_example() {
        for text in ["cs101", "cs101/", "/hw3", "cs101/hw3/x", "cs 101/hw3", "cs101/\u{1b}"] {
            assert!(text.parse::<AssignmentArg>().unwrap_err().contains("cs101/hw3"), "{text}");
        }
        assert!("cs101/hw3".parse::<CourseArg>().is_err());
    }
}
