//! The service that a run is about: a course on a real cluster.

use std::fmt::Write as _;

use lectern_client::{Client, ClientError, ClientOptions, Secret, Trust, v1};
use prost::Message as _;

use crate::call::Nodes;
use crate::check::models::{FOREIGN, Version};
use crate::network::Addresses;
use crate::service::{Answer, Change, Changed, Question, Refusal, Seen, Service};

/// Students of the course.
const STUDENTS: u32 = 4;
const COURSE: &str = "chaos";
/// Answers in a row that may be lost while the school is founded.
const LOST_ANSWERS: u32 = 5;
/// An assignment for what belongs to no history.
const BALLAST: &str = "ballast";
const BALLAST_BYTES: usize = 512 * 1024;
/// More than a round has attempts: a list is read in one page, at one moment.
const PAGE: u32 = 500;

/// A course, its staff and its students.
#[derive(Debug)]
pub struct School {
    nodes: Nodes,
    /// Repeats calls until it knows: for what is not part of any history.
    admin: Client,
    admin_token: String,
    student_tokens: Vec<String>,
}

impl School {
    /// Founds the school on a new cluster.
    pub async fn found(addresses: &Addresses, trust: &Trust, nodes: Nodes, admin_code: &str) -> Result<Self, String> {
        let connect = || {
            let mut options = ClientOptions::new((1..=addresses.nodes).map(|node| addresses.client(node)));
            options.trust = trust.clone();
            Client::connect(options).map_err(|error| words(&error))
        };
        let admin = connect()?;
        let admin_token = activate(&admin, "admin", admin_code.trim()).await?;
        admin.set_token(Some(Secret::new(admin_token.clone())));
        let request = v1::CreateCourseRequest {
            slug: COURSE.into(),
            code: COURSE.into(),
            title: "What may happen".into(),
            ..Default::default()
        };
        admin.call(request).await.map_err(|error| words(&error))?;
        let state = Some(v1::CourseState::Available.into());
        let request = v1::UpdateCourseRequest { course: COURSE.into(), state, ..Default::default() };
        admin.call(request).await.map_err(|error| words(&error))?;
        let (slug, settings) = (BALLAST.into(), Some(settings(0)));
        let request = v1::CreateAssignmentRequest { course: COURSE.into(), slug, settings, ..Default::default() };
        admin.call(request).await.map_err(|error| words(&error))?;
        let mut student_tokens = Vec::new();
        for number in 0..STUDENTS {
            let username = format!("student{number}");
            let name = format!("Student {number}");
            let request = v1::CreateUserRequest { username: username.clone(), name, ..Default::default() };
            admin.call(request).await.map_err(|error| words(&error))?;
            let code = issue_code(&admin, &username).await?;
            student_tokens.push(activate(&connect()?, &username, &code).await?);
            let kind = v1::EnrollmentType::Student.into();
            let (course, section) = (COURSE.into(), String::new());
            let request = v1::EnrollRequest { course, user: username, r#type: kind, section };
            admin.call(request).await.map_err(|error| words(&error))?;
        }
        Ok(Self { nodes, admin, admin_token, student_tokens })
    }

    fn student(&self, student: u32) -> &str {
        &self.student_tokens[student as usize]
    }
}

/// A code for an account. What makes or takes a secret has no idempotency key: where the answer was lost, another code takes the
/// place of one that nobody has seen.
async fn issue_code(admin: &Client, username: &str) -> Result<String, String> {
    let mut last = String::new();
    for _ in 0..LOST_ANSWERS {
        let request = v1::IssueCodesRequest { users: vec![username.into()], course: String::new() };
        match admin.call(request).await {
            Ok(issued) => return Ok(issued.codes.into_iter().next().ok_or("no code was issued")?.code),
            Err(error @ ClientError::OutcomeUnknown { .. }) => last = words(&error),
            Err(error) => return Err(words(&error)),
        }
    }
    Err(last)
}

/// A token for an account that a code opens. Where the answer was lost, the password tells whether it happened: the code was used
/// up in the moment in which the password became good.
async fn activate(client: &Client, username: &str, code: &str) -> Result<String, String> {
    let password = ulid::Ulid::generate().to_string();
    let device_label = "chaos".to_owned();
    let mut last = String::new();
    for _ in 0..LOST_ANSWERS {
        let request = v1::ActivateRequest {
            username: username.into(),
            code: code.into(),
            new_password: password.clone(),
            device_label: device_label.clone(),
        };
        match client.call(request).await {
            Ok(response) => return Ok(response.token),
            Err(error @ ClientError::OutcomeUnknown { .. }) => last = words(&error),
            Err(error) => return Err(words(&error)),
        }
        let request = v1::SignInRequest {
            username: username.into(),
            password: password.clone(),
            device_label: device_label.clone(),
        };
        match client.call(request).await {
            Ok(response) => return Ok(response.token),
            // It did not happen, or this answer was lost, too.
            Err(ClientError::NotSignedIn { .. } | ClientError::Refused { .. } | ClientError::OutcomeUnknown { .. }) => {
            }
            Err(error) => return Err(words(&error)),
        }
    }
    Err(last)
}

fn words(error: &ClientError) -> String {
    error.to_string()
}

fn person(round: u32, register: u32) -> String {
    format!("round{round}-person{register}")
}

fn assignment(round: u32) -> String {
    format!("round{round}")
}

fn settings(value: u64) -> v1::AssignmentSettings {
    v1::AssignmentSettings {
        title: label(value),
        submission_types: vec![v1::SubmissionType::Text.into()],
        published: true,
        ..Default::default()
    }
}

/// A value as a name or title.
fn label(value: u64) -> String {
    format!("value {value}")
}

fn of_label(label: &str) -> u64 {
    label.strip_prefix("value ").and_then(|number| number.parse().ok()).unwrap_or(FOREIGN)
}

/// A value as a text, of a length of its own.
fn text(value: u64) -> String {
    let mut text = label(value);
    let lines = if value.is_multiple_of(97) { 120 } else { value % 7 };
    for line in 0..lines {
        let _ = write!(text, "\nline {line} of what {} has to say", value.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    }
    text
}

/// The value of a text, where it is that value's to the last byte.
fn of_text(whole: &str) -> u64 {
    let value = of_label(whole.lines().next().unwrap_or_default());
    if value != FOREIGN && text(value) == whole { value } else { FOREIGN }
}

fn map<T, U>(answer: Answer<T>, then: impl FnOnce(T) -> Result<U, Refusal>) -> Answer<U> {
    match answer {
        Answer::Done(response) => match then(response) {
            Ok(answer) => Answer::Done(answer),
            Err(refusal) => Answer::Refused(refusal),
        },
        Answer::Refused(refusal) => Answer::Refused(refusal),
        Answer::NotDone(why) => Answer::NotDone(why),
        Answer::Unknown(why) => Answer::Unknown(why),
    }
}

/// An answer that is not what the contract says.
fn odd(message: &str) -> Refusal {
    Refusal { reason: "ODD_ANSWER".into(), message: message.into() }
}

fn title(assignment: Option<v1::Assignment>) -> Result<Version, Refusal> {
    let assignment = assignment.ok_or_else(|| odd("no assignment came back"))?;
    let value = of_label(&assignment.settings.unwrap_or_default().title);
    Ok(Version { revision: assignment.revision, value })
}

fn attempts(response: &v1::ListAttemptsResponse) -> Result<Vec<u64>, Refusal> {
    if !response.next_page_token.is_empty() {
        return Err(odd("the list does not fit in one page"));
    }
    if (1..).zip(&response.attempts).any(|(number, attempt)| attempt.attempt != number) {
        return Err(odd("attempts are not counted one after the other"));
    }
    Ok(response.attempts.iter().map(|attempt| of_text(&attempt.text)).collect())
}

impl Service for School {
    fn nodes(&self) -> u32 {
        self.nodes.count()
    }

    fn students(&self) -> u32 {
        STUDENTS
    }

    async fn open_round(&self, round: u32, registers: u32) -> Result<u64, String> {
        for register in 0..registers {
            let username = person(round, register);
            let request = v1::CreateUserRequest { username: username.clone(), name: label(0), ..Default::default() };
            // A round may be opened again after a failure: the same keys.
            self.admin.call_with_key(&username, request).await.map_err(|error| words(&error))?;
        }
        let slug = assignment(round);
        let request = v1::CreateAssignmentRequest {
            course: COURSE.into(),
            slug: slug.clone(),
            settings: Some(settings(0)),
            ..Default::default()
        };
        let made = self.admin.call_with_key(&slug, request).await.map_err(|error| words(&error))?;
        made.assignment.map(|assignment| assignment.revision).ok_or_else(|| "no assignment came back".into())
    }

    async fn change(&self, node: u32, key: &str, change: Change) -> Answer<Changed> {
        let (key, course) = (Some(key), COURSE.to_owned());
        match change {
            Change::Name { round, register, value } => {
                let (user, name) = (person(round, register), Some(label(value)));
                let request = v1::UpdateUserRequest { user, name, ..Default::default() };
                map(self.nodes.call(node, &self.admin_token, key, request).await, |response| {
                    Ok(Changed::Name(response.user.map_or(FOREIGN, |user| of_label(&user.name))))
                })
            }
            Change::Title { round, expected, value } => {
                let request = v1::UpdateAssignmentRequest {
                    course,
                    assignment: assignment(round),
                    settings: Some(settings(value)),
                    revision: expected,
                    ..Default::default()
                };
                map(self.nodes.call(node, &self.admin_token, key, request).await, |response| {
                    title(response.assignment).map(Changed::Title)
                })
            }
            Change::Draft { round, student, base, value } => {
                let request = v1::SaveDraftRequest {
                    course,
                    assignment: assignment(round),
                    text: text(value),
                    base_revision: base,
                    device_label: "chaos".into(),
                };
                map(self.nodes.call(node, self.student(student), key, request).await, |response| {
                    let saved = response.saved.ok_or_else(|| odd("no revision came back"))?;
                    Ok(Changed::Draft { revision: saved.revision, conflict: response.conflicting_revision })
                })
            }
            Change::Submit { round, student, value } => {
                let (assignment, text) = (assignment(round), text(value));
                let request = v1::SubmitRequest { course, assignment, text, ..Default::default() };
                map(self.nodes.call(node, self.student(student), key, request).await, |response| {
                    let answer = response.encode_to_vec();
                    let made = response.submission.ok_or_else(|| odd("no submission came back"))?;
                    Ok(Changed::Submit { value: of_text(&made.text), place: made.attempt.into(), answer })
                })
            }
        }
    }

    async fn ballast(&self, node: u32) {
        let request = v1::SaveDraftRequest {
            course: COURSE.into(),
            assignment: BALLAST.into(),
            text: "ballast ".repeat(BALLAST_BYTES / 8),
            ..Default::default()
        };
        let key = ulid::Ulid::generate().to_string();
        // Whether it was taken shows on the disks.
        let _ = self.nodes.call(node, self.student(0), Some(&key), request).await;
    }

    async fn look(&self, node: u32, question: Question) -> Answer<Seen> {
        let course = COURSE.to_owned();
        match question {
            Question::Name { round, register } => {
                let request = v1::GetUserRequest { user: person(round, register) };
                map(self.nodes.call(node, &self.admin_token, None, request).await, |response| {
                    Ok(Seen::Name(response.user.map_or(FOREIGN, |user| of_label(&user.name))))
                })
            }
            Question::Title { round } => {
                let request = v1::GetAssignmentRequest { course, assignment: assignment(round) };
                map(self.nodes.call(node, &self.admin_token, None, request).await, |response| {
                    title(response.assignment).map(Seen::Title)
                })
            }
            Question::Draft { round, student } => {
                let request = v1::GetDraftRequest { course, assignment: assignment(round), revision: 0 };
                match self.nodes.call(node, self.student(student), None, request).await {
                    Answer::Refused(refusal) if refusal.reason == "NOT_FOUND" => Answer::Done(Seen::Draft(None)),
                    answer => map(answer, |response| {
                        let draft = response.draft.ok_or_else(|| odd("no draft came back"))?;
                        let value = of_text(&draft.text);
                        Ok(Seen::Draft(Some(Version { revision: draft.revision, value })))
                    }),
                }
            }
            Question::Attempts { round, student } => {
                let (assignment, page_size) = (assignment(round), PAGE);
                let request = v1::ListAttemptsRequest { course, assignment, page_size, ..Default::default() };
                map(self.nodes.call(node, self.student(student), None, request).await, |response| {
                    attempts(&response).map(Seen::Attempts)
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_its_values_to_the_last_byte() {
        for value in [0, 1, 6, 97, 1_000_000] {
            assert_eq!(of_text(&text(value)), value);
            assert_eq!(of_label(&label(value)), value);
        }
        assert_eq!(of_text(&text(6)[..40]), FOREIGN);
        assert_eq!(of_text(&format!("{}!", text(97))), FOREIGN);
        assert_eq!(of_text("something else"), FOREIGN);
    }

    #[test]
    fn a_list_with_a_gap_is_no_answer() {
        let attempt = |attempt| v1::Submission { attempt, text: text(attempt.into()), ..Default::default() };
        let list = |attempts| v1::ListAttemptsResponse { attempts, ..Default::default() };
        assert_eq!(attempts(&list(vec![attempt(1), attempt(2)])), Ok(vec![1, 2]));
        assert!(attempts(&list(vec![attempt(1), attempt(3)])).is_err());
        let more = v1::ListAttemptsResponse { next_page_token: "more".into(), ..list(vec![attempt(1)]) };
        assert!(attempts(&more).is_err());
    }
}
