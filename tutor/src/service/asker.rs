//! What whoever asks may read, read with their token.

use lectern_client::{Client, ClientError, v1};
use tonic::{Code, Status};

use super::refusal::{of_cluster, status};
use crate::policy::{Level, Subject};
use crate::request::Turn;

/// Messages of a thread that are read: its latest, since the prompt holds no more.
const MESSAGES_A_PAGE: u32 = 500;

/// A question as it stands in the cluster.
#[derive(Debug)]
pub(super) struct Asked {
    /// The asker's id.
    pub user_id: String,
    /// The course's slug.
    pub course: String,
    /// The thread's number.
    pub number: u64,
    /// The message that is to be answered, by number.
    pub message: u32,
    /// What it says.
    pub text: String,
    /// What was said before, oldest first.
    pub history: Vec<Turn>,
    /// The level of the tutor's last answer, and the attempts that were recorded by then.
    pub given: Option<(Level, u32)>,
    /// The assignment that it is about, as the asker sees it.
    pub assignment: Option<v1::Assignment>,
    /// Cluster time.
    pub now_ms: i64,
}

impl Asked {
    /// Reads the thread and what it is about. Refused where there is nothing that the tutor is to answer.
    pub async fn read(client: &Client, course: &str, number: u64) -> Result<Asked, Status> {
        let who = client.call(v1::WhoAmIRequest {}).await.map_err(|error| of_cluster(&error))?;
        let user_id = who.user.unwrap_or_default().user_id;
        let (thread, messages) = thread(client, course, number).await.map_err(|error| of_cluster(&error))?;
        if thread.author.as_ref().is_none_or(|author| author.user_id != user_id) {
            return Err(status(
                Code::PermissionDenied,
                "WRONG_ROLE",
                "the tutor answers whoever asked, and nobody else",
            ));
        }
        if thread.asked_of() != v1::AskedOf::Tutor {
            let words = "this thread is with your instructor; begin another one to ask the tutor";
            return Err(status(Code::FailedPrecondition, "WRONG_STATE", words));
        }
        let (last, before) = messages.split_last().filter(|(last, _)| last.tutor.is_none()).ok_or_else(|| {
            let words = "the tutor has answered; write what else you want to know, and ask again";
            status(Code::FailedPrecondition, "WRONG_STATE", words)
        })?;
        let assignment = match &*thread.assignment_slug {
            "" => None,
            slug => {
                let request = v1::GetAssignmentRequest { course: course.into(), assignment: slug.into() };
                client.call(request).await.map_err(|error| of_cluster(&error))?.assignment
            }
        };
        let mut answers = before.iter().rev().filter_map(|message| message.tutor.as_ref());
        let given = answers.find_map(|answer| Some((Level::named(&answer.level)?, answer.attempts)));
        Ok(Asked {
            user_id,
            course: thread.course_slug,
            number,
            message: last.number,
            text: question(&thread.title, last),
            history: before.iter().map(|message| turn(&thread.title, message)).collect(),
            given,
            assignment,
            now_ms: who.now_ms,
        })
    }

    /// What is looked for: the question, and what was asked before it, since "and why?" says nothing alone.
    pub fn to_look_up(&self) -> String {
        let before = self.history.iter().rev().find_map(|turn| match turn {
            Turn::Student(text) => Some(text.as_str()),
            Turn::Tutor(_) => None,
        });
        [self.text.as_str()].into_iter().chain(before).collect::<Vec<_>>().join("\n")
    }

    /// What it is about, for the policy.
    pub fn subject(&self, ceiling: Level) -> Subject {
        let Some(assignment) = &self.assignment else { return Subject::Material };
        let mine = assignment.mine.unwrap_or_default();
        let points = assignment.settings.as_ref().map_or(0, |settings| settings.points_possible);
        Subject::Assignment {
            ceiling,
            due_ms: mine.due_at_ms,
            graded: points > 0 && !mine.excused,
            attempts: mine.attempts_used,
        }
    }

    /// Attempts recorded by now.
    pub fn attempts(&self) -> u32 {
        self.assignment.as_ref().and_then(|assignment| assignment.mine).unwrap_or_default().attempts_used
    }

    /// The assignment's title and text, as the asker sees them.
    pub fn assignment_text(&self) -> Option<String> {
        let settings = self.assignment.as_ref()?.settings.as_ref()?;
        Some(format!("{}\n{}", settings.title, settings.description))
    }

    /// Everything that was said in the thread so far, the question included: it is no secret.
    pub fn so_far(&self) -> String {
        let said = self.history.iter().map(|turn| match turn {
            Turn::Student(text) | Turn::Tutor(text) => text.as_str(),
        });
        let assignment = self.assignment_text().unwrap_or_default();
        said.chain([self.text.as_str(), &assignment]).collect::<Vec<_>>().join("\n")
    }
}

/// A first message is asked under a title, which often is the question.
fn question(title: &str, message: &v1::ThreadMessage) -> String {
    if message.number == 1 && !message.body.contains(title) {
        format!("{title}\n{}", message.body)
    } else {
        message.body.clone()
    }
}

fn turn(title: &str, message: &v1::ThreadMessage) -> Turn {
    if message.tutor.is_some() { Turn::Tutor(message.body.clone()) } else { Turn::Student(question(title, message)) }
}

async fn thread(
    client: &Client,
    course: &str,
    number: u64,
) -> Result<(v1::Thread, Vec<v1::ThreadMessage>), ClientError> {
    let mut messages = Vec::new();
    let mut page_token = String::new();
    loop {
        let page_size = MESSAGES_A_PAGE;
        let request = v1::GetThreadRequest { course: course.into(), number, page_size, page_token };
        let mut page = client.call(request).await?;
        messages.append(&mut page.messages);
        if page.next_page_token.is_empty() {
            return Ok((page.thread.unwrap_or_default(), messages));
        }
        page_token = page.next_page_token;
    }
}

/// The materials of a course that the asker may read.
pub(super) async fn materials(client: &Client, course: &str) -> Result<Vec<v1::Material>, ClientError> {
    let mut materials = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = v1::ListMaterialsRequest { course: course.into(), page_token, ..Default::default() };
        let mut page = client.call(request).await?;
        materials.append(&mut page.materials);
        if page.next_page_token.is_empty() {
            return Ok(materials);
        }
        page_token = page.next_page_token;
    }
}

/// All pages of a material that have text.
pub(super) async fn pages(client: &Client, course: &str, material: &str) -> Result<Vec<v1::Page>, ClientError> {
    const AT_ONCE: u32 = 100;
    let mut pages = Vec::new();
    let mut first_page = 1;
    loop {
        let request =
            v1::ReadPagesRequest { course: course.into(), material: material.into(), first_page, page_count: AT_ONCE };
        let read = client.call(request).await?;
        first_page += AT_ONCE;
        pages.extend(read.pages.into_iter().filter(|page| !page.scanned));
        if first_page > read.total_pages {
            return Ok(pages);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(number: u32, body: &str) -> v1::ThreadMessage {
        v1::ThreadMessage { number, body: body.into(), ..v1::ThreadMessage::default() }
    }

    fn nothing() -> Asked {
        Asked {
            user_id: String::new(),
            course: "cs101".into(),
            number: 1,
            message: 1,
            text: String::new(),
            history: Vec::new(),
            given: None,
            assignment: None,
            now_ms: 0,
        }
    }

    #[test]
    fn a_title_that_is_not_in_the_first_message_belongs_to_the_question() {
        assert_eq!(question("When?", &message(1, "I do not see it.")), "When?\nI do not see it.");
        assert_eq!(question("When?", &message(1, "When? I do not see it.")), "When? I do not see it.");
        assert_eq!(question("When?", &message(3, "Why?")), "Why?");
    }

    #[test]
    fn a_question_that_goes_on_is_looked_up_with_the_one_before() {
        let history = vec![Turn::Student("What is a loop?".into()), Turn::Tutor("It repeats.".into())];
        let asked = Asked { text: "And why?".into(), history, ..nothing() };
        assert_eq!(asked.to_look_up(), "And why?\nWhat is a loop?");
        assert_eq!(Asked { text: "Why?".into(), ..nothing() }.to_look_up(), "Why?");
    }

    #[test]
    fn work_without_points_and_work_that_is_excused_is_not_graded() {
        let mut asked = nothing();
        assert_eq!(asked.subject(Level::Hint), Subject::Material);
        let settings = v1::AssignmentSettings { points_possible: 1, ..Default::default() };
        let mine = v1::MySubmissionState { attempts_used: 2, due_at_ms: Some(7), ..Default::default() };
        asked.assignment = Some(v1::Assignment { settings: Some(settings), mine: Some(mine), ..Default::default() });
        let graded = |asked: &Asked| {
            matches!(asked.subject(Level::Hint), Subject::Assignment { graded: true, attempts: 2, due_ms: Some(7), .. })
        };
        assert!(graded(&asked));
        asked.assignment.as_mut().expect("one").mine.as_mut().expect("one").excused = true;
        assert!(!graded(&asked));
    }
}
