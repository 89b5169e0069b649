//! Arguments that several subcommands take.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;

/// Options of every subcommand.
#[derive(Args, Clone, Debug, Default)]
pub struct GlobalArgs {
    /// Print JSON for scripts.
    #[arg(long, global = true)]
    pub json: bool,
    /// Address of a node, HOST:PORT; may be given several times or as a list with commas.
    #[arg(long = "endpoint", global = true, value_name = "HOST:PORT", value_delimiter = ',')]
    pub endpoints: Vec<String>,
    /// The saved connection to use.
    #[arg(long, global = true, value_name = "NAME")]
    pub profile: Option<String>,
    /// A file that holds the token to use.
    #[arg(long, global = true, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// A file with the cluster's authority (ca.pem), where its address has no fingerprint.
    #[arg(long, global = true, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// An operator's certificate and key: programs for operators fill it in.
    #[arg(skip)]
    pub certificate: Option<(PathBuf, PathBuf)>,
    /// The key of an operator without a certificate, and their name: programs for operators fill it in.
    #[arg(skip)]
    pub operator_key: Option<(PathBuf, String)>,
    /// How long to keep trying when the cluster does not answer, such as 10s or 2m.
    #[arg(long, global = true, value_name = "TIME", value_parser = duration)]
    pub timeout: Option<Duration>,
}

/// Where files are saved.
#[derive(Args, Clone, Debug, Default)]
pub struct IntoArg {
    /// The folder to save into.
    #[arg(long, default_value = ".")]
    pub dir: PathBuf,
    /// What is done with files that are there.
    #[command(flatten)]
    pub force: ForceArg,
}

/// Whether a file that is there is replaced.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct ForceArg {
    /// Replace a file that is there and differs.
    #[arg(long)]
    pub force: bool,
}

/// Which pages of a text are printed.
#[derive(Args, Clone, Copy, Debug)]
pub struct PagesArg {
    /// The first page.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub page: u32,
    /// How many pages, at most 100.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub pages: u32,
}

/// Parses `500ms`, `10s`, `2m`, `1h`, `7d`; a bare number is seconds.
pub fn duration(text: &str) -> Result<Duration, String> {
    let problem = || format!("`{text}` is no length of time such as 500ms, 10s, 2m or 1h");
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number: u64 = text[..digits].parse().map_err(|_| problem())?;
    let seconds = |each: u64| number.checked_mul(each).map(Duration::from_secs).ok_or_else(problem);
    match &text[digits..] {
        "ms" => Ok(Duration::from_millis(number)),
        "" | "s" => seconds(1),
        "m" => seconds(60),
        "h" => seconds(3_600),
        "d" => seconds(86_400),
        _ => Err(problem()),
    }
}

/// A course by its slug: `cs101`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CourseArg(String);

impl CourseArg {
    /// From a slug or id.
    pub fn new(slug: &str) -> Self {
        Self(slug.to_owned())
    }
}

impl FromStr for CourseArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.is_empty() || text.contains('/') {
            return Err(format!("`{text}` is no course; give its short name, such as cs101"));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for CourseArg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Something of a course by its slug: an assignment `cs101/hw3`, a material `cs101/notes`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssignmentArg {
    /// The course's slug.
    pub course: String,
    /// The thing's slug.
    pub assignment: String,
}

impl FromStr for AssignmentArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('/') {
            Some((course, thing)) if !course.is_empty() && !thing.is_empty() && !thing.contains('/') => {
                Ok(Self { course: course.to_owned(), assignment: thing.to_owned() })
            }
            _ => Err(format!("`{text}` must name a course and something in it, such as cs101/hw3")),
        }
    }
}

impl fmt::Display for AssignmentArg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.course, self.assignment)
    }
}

/// A thread by its number in a course: `cs101/12`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumberedArg {
    /// The course's slug.
    pub course: String,
    /// The number.
    pub number: u64,
}

impl FromStr for NumberedArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let problem = || format!("`{text}` must name a course and a number in it, such as cs101/12");
        let (course, number) = text.split_once('/').ok_or_else(problem)?;
        let number = number.parse().map_err(|_| problem())?;
        if course.is_empty() { Err(problem()) } else { Ok(Self { course: course.to_owned(), number }) }
    }
}

impl fmt::Display for NumberedArg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.course, self.number)
    }
}

/// A course, or one assignment of it: `cs101` or `cs101/hw3`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeArg {
    /// The course's slug.
    pub course: String,
    /// The assignment's slug; empty for the whole course.
    pub assignment: String,
}

impl FromStr for ScopeArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.contains('/') {
            let both: AssignmentArg = text.parse()?;
            return Ok(Self { course: both.course, assignment: both.assignment });
        }
        let course: CourseArg = text.parse()?;
        Ok(Self { course: course.0, assignment: String::new() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_are_named_by_slugs() {
        let hw: AssignmentArg = "cs101/hw3".parse().unwrap();
        assert_eq!((hw.course.as_str(), hw.assignment.as_str()), ("cs101", "hw3"));
        let thread: NumberedArg = "cs101/12".parse().unwrap();
        assert_eq!(thread.number, 12);
        let scope: ScopeArg = "cs101".parse().unwrap();
        assert_eq!(scope.assignment, "");
        for wrong in ["", "cs101", "/hw3", "cs101/", "a/b/c"] {
            assert!(wrong.parse::<AssignmentArg>().is_err(), "{wrong}");
        }
        assert!("cs101/x".parse::<NumberedArg>().is_err());
    }

    #[test]
    fn durations_carry_their_unit() {
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("2m"), Ok(Duration::from_mins(2)));
        assert_eq!(duration("7"), Ok(Duration::from_secs(7)));
        assert_eq!(duration("2h"), Ok(Duration::from_hours(2)));
        assert_eq!(duration("1d"), Ok(Duration::from_hours(24)));
        assert!(duration("999999999999999999d").is_err());
        assert!(duration("soon").is_err());
    }
}
