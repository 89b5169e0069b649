//! A hostile look: everybody asks everything, and what is not for them must not be in any answer.

use lectern_proto::internal::v1::command::Body;
use lectern_proto::v1::{self, SubmissionType, ThreadVisibility};
use prost::Message;

use crate::fixture::{Class, HOUR_MS};
use crate::{
    Event, View, accounts, announcements, assignments, attempts, audit, auth, codes, courses, drafts, enrollments,
    extensions, files, gradebook, grades, grading_policy, home, materials, overrides, statistics, threads, uploads,
    watch,
};

const COURSE: &str = "cs101";
/// For the staff's eyes, and the one student's they are about.
const OF_BOB: [&str; 8] = [
    "text-of-bob",
    "comment-of-bob",
    "file-of-bob.txt",
    "late-words-of-bob",
    "title-of-bobs-private-question",
    "words-of-bobs-private-question",
    "bob@example.org",
    "sis-bob",
];
/// For the staff's eyes until something happens.
const OF_THE_STAFF: [&str; 9] = [
    "feedback-that-is-hidden",
    "title-of-unpublished-work",
    "description-of-locked-work",
    "attached-to-locked-work.pdf",
    "title-of-unreleased-material",
    "file-of-unreleased-material.md",
    "name-of-unreleased-module",
    "material-in-unreleased-module",
    "file-in-unreleased-module.md",
];
/// For the course's instructors.
const OF_THE_INSTRUCTORS: [&str; 1] = ["reason-in-the-audit"];
/// For everyone in the course and nobody else.
const OF_THE_COURSE: [&str; 4] =
    ["words-of-an-announcement", "title-of-an-open-question", "title-of-open-work", "title-of-released-material"];

/// Something to ask, answered as it goes over the wire.
type Question<'a> = Box<dyn Fn(&View<'_>) -> crate::Result<Vec<u8>> + 'a>;

/// A course with something secret in every corner.
struct Scene {
    class: Class,
    /// Everything that has an id.
    file_ids: Vec<String>,
    upload_ids: Vec<String>,
    events: Vec<Event>,
}

impl Scene {
    fn new() -> Self {
        let class = Class::new();
        let mut scene = Self { class, file_ids: Vec::new(), upload_ids: Vec::new(), events: Vec::new() };
        scene.materials();
        scene.assignments();
        scene.work();
        scene.talk();
        scene
    }

    fn run<R: Message + Default>(&mut self, who: &str, body: Body) -> R {
        let done = self.class.world.run(who, body).unwrap();
        self.events.append(&mut self.class.world.events);
        done
    }

    fn material(&mut self, slug: &str, title: &str, file: &str, release_at_ms: Option<i64>, module_id: &str) {
        let upload_id = self.class.upload("ines", &[(file, b"words")]);
        let request = v1::CreateMaterialRequest {
            course: COURSE.into(),
            slug: slug.into(),
            title: title.into(),
            module_id: module_id.into(),
            upload_id,
            release_at_ms,
        };
        let made: v1::CreateMaterialResponse = self.run("ines", Body::CreateMaterial(request));
        self.file_ids.push(made.material.unwrap().file.unwrap().file_id);
    }

    fn materials(&mut self) {
        let later = Some(self.class.world.now_ms + HOUR_MS);
        self.material("open", "title-of-released-material", "open.md", None, "");
        self.material("closed", "title-of-unreleased-material", "file-of-unreleased-material.md", later, "");
        let module = v1::CreateModuleRequest {
            course: COURSE.into(),
            name: "name-of-unreleased-module".into(),
            release_at_ms: later,
        };
        let module: v1::CreateModuleResponse = self.run("ines", Body::CreateModule(module));
        let module_id = module.module.unwrap().module_id;
        self.material("inside", "material-in-unreleased-module", "file-in-unreleased-module.md", None, &module_id);
    }

    fn assignment(&mut self, slug: &str, settings: v1::AssignmentSettings, attachment: &str) {
        let upload_id = self.class.upload("ines", &[(attachment, b"words")]);
        let request = v1::CreateAssignmentRequest {
            course: COURSE.into(),
            slug: slug.into(),
            settings: Some(v1::AssignmentSettings {
                points_possible: 10,
                submission_types: vec![SubmissionType::Text.into(), SubmissionType::Files.into()],
                post_manually: true,
                ..settings
            }),
            attachments_upload_id: upload_id,
        };
        let made: v1::CreateAssignmentResponse = self.run("ines", Body::CreateAssignment(request));
        self.file_ids.extend(made.assignment.unwrap().attachments.into_iter().map(|file| file.file_id));
    }

    fn assignments(&mut self) {
        let now_ms = self.class.world.now_ms;
        let published = v1::AssignmentSettings { published: true, ..v1::AssignmentSettings::default() };
        let open = v1::AssignmentSettings { title: "title-of-open-work".into(), ..published.clone() };
        self.assignment("hw1", open, "open.pdf");
        let past = v1::AssignmentSettings {
            title: "Past".into(),
            due_at_ms: Some(now_ms - HOUR_MS),
            lock_at_ms: Some(now_ms - HOUR_MS),
            ..published.clone()
        };
        self.assignment("past", past, "past.pdf");
        let unpublished = v1::AssignmentSettings {
            title: "title-of-unpublished-work".into(),
            published: false,
            ..v1::AssignmentSettings::default()
        };
        self.assignment("unpublished", unpublished, "unpublished.pdf");
        let locked = v1::AssignmentSettings {
            title: "Locked".into(),
            description: "description-of-locked-work".into(),
            unlock_at_ms: Some(now_ms + HOUR_MS),
            ..published
        };
        self.assignment("locked", locked, "attached-to-locked-work.pdf");
    }

    fn work(&mut self) {
        let handed_in = self.class.hand_in("bob", "hw1", &[("file-of-bob.txt", b"bytes")]).unwrap();
        self.events.append(&mut self.class.world.events);
        self.file_ids.extend(handed_in.submission.unwrap().files.into_iter().map(|file| file.file_id));
        for (assignment, text) in [("hw1", "text-of-bob"), ("past", "late-words-of-bob")] {
            let request = v1::SubmitRequest {
                course: COURSE.into(),
                assignment: assignment.into(),
                text: text.into(),
                comment: "comment-of-bob".into(),
                ..v1::SubmitRequest::default()
            };
            self.run::<v1::SubmitResponse>("bob", Body::Submit(request));
        }
        let pledge = self.class.pledge("bob", "hw1", &[("file-of-bob.txt", b"more")]).unwrap();
        self.upload_ids.push(pledge.upload.unwrap().upload_id);
        let draft = v1::SaveDraftRequest {
            course: COURSE.into(),
            assignment: "hw1".into(),
            text: "draft-of-bob".into(),
            ..v1::SaveDraftRequest::default()
        };
        self.run::<v1::SaveDraftResponse>("bob", Body::SaveDraft(draft));
        for (user, attempt) in [("ada", 0), ("bob", 2)] {
            let grade = v1::SetGradeRequest {
                course: COURSE.into(),
                assignment: "hw1".into(),
                user: user.into(),
                score: 7,
                feedback: "feedback-that-is-hidden".into(),
                reason: "reason-in-the-audit".into(),
                attempt,
                ..v1::SetGradeRequest::default()
            };
            self.run::<v1::SetGradeResponse>("tom", Body::SetGrade(grade));
        }
    }

    fn talk(&mut self) {
        let ask = |title: &str, body: &str, visibility: ThreadVisibility| {
            Body::CreateThread(v1::CreateThreadRequest {
                course: COURSE.into(),
                title: title.into(),
                body: body.into(),
                visibility: visibility.into(),
                ..v1::CreateThreadRequest::default()
            })
        };
        let private = ("title-of-bobs-private-question", "words-of-bobs-private-question");
        self.run::<v1::CreateThreadResponse>("bob", ask(private.0, private.1, ThreadVisibility::Private));
        self.run::<v1::CreateThreadResponse>("bob", ask("title-of-an-open-question", "Why?", ThreadVisibility::Course));
        let announcement = v1::CreateAnnouncementRequest {
            course: COURSE.into(),
            title: "News".into(),
            body: "words-of-an-announcement".into(),
        };
        self.run::<v1::CreateAnnouncementResponse>("ines", Body::CreateAnnouncement(announcement));
    }

    /// Every answer that `who` gets to every question, one after another.
    fn told(&self, who: &str) -> Vec<u8> {
        let ask = |answers: &mut Vec<u8>, question: &dyn Fn(&View<'_>) -> crate::Result<Vec<u8>>| {
            answers.extend(self.class.world.ask(who, question).unwrap_or_default());
        };
        let mut answers = Vec::new();
        for question in self.questions() {
            ask(&mut answers, &*question);
        }
        answers
    }

    fn questions(&self) -> Vec<Question<'_>> {
        let mut all: Vec<Question<'_>> = Vec::new();
        /// Adds a query with its request, or any other question.
        macro_rules! ask {
            ($query:path, $request:ident { $($field:ident: $value:expr),* }) => {{
                #[allow(clippy::needless_update)]
                let request = v1::$request { $($field: $value,)* ..v1::$request::default() };
                all.push(Box::new(move |view| Ok($query(view, &request)?.encode_to_vec())));
            }};
        }
        let course = || COURSE.to_owned();
        ask!(home::get_home, GetHomeRequest {});
        ask!(auth::who_am_i, WhoAmIRequest {});
        ask!(auth::list_tokens, ListTokensRequest {});
        ask!(accounts::list_users, ListUsersRequest {});
        ask!(courses::list_courses, ListCoursesRequest {});
        ask!(courses::list_courses, ListCoursesRequest { all: true });
        ask!(courses::get_course, GetCourseRequest { course: course() });
        ask!(audit::list_audit, ListAuditRequest { course: course() });
        ask!(audit::list_audit, ListAuditRequest {});
        ask!(enrollments::list_enrollments, ListEnrollmentsRequest { course: course() });
        ask!(assignments::list_assignments, ListAssignmentsRequest { course: course() });
        ask!(materials::list_modules, ListModulesRequest { course: course() });
        ask!(materials::list_materials, ListMaterialsRequest { course: course() });
        ask!(gradebook::get_gradebook, GetGradebookRequest { course: course() });
        ask!(grades::list_my_grades, ListMyGradesRequest { course: course() });
        ask!(grading_policy::get_grading_policy, GetGradingPolicyRequest { course: course() });
        ask!(statistics::get_statistics, GetStatisticsRequest { course: course() });
        ask!(extensions::list_extension_requests, ListExtensionRequestsRequest { course: course() });
        ask!(announcements::list_announcements, ListAnnouncementsRequest { course: course() });
        ask!(threads::list_threads, ListThreadsRequest { course: course() });
        ask!(attempts::list_submissions, ListSubmissionsRequest { course: course(), needs_grading: true });
        all.push(Box::new(|view| gradebook::csv_head(view, COURSE)));
        all.push(Box::new(|view| Ok(gradebook::csv_page(view, COURSE, None)?.0)));
        for number in 1..=2 {
            ask!(threads::get_thread, GetThreadRequest { course: course(), number: number });
        }
        for material in ["open", "closed", "inside"].map(str::to_owned) {
            let pages = v1::ReadPagesRequest { course: course(), material: material.clone(), ..Default::default() };
            ask!(materials::get_material, GetMaterialRequest { course: course(), material: material });
            all.push(Box::new(move |view| Ok(materials::material_file(view, &pages)?.1.encode_to_vec())));
        }
        for user in ["ada", "bob", "tom", "ines"].map(str::to_owned) {
            let codes = v1::IssueCodesRequest { course: course(), users: vec![user.clone()] };
            all.push(Box::new(move |view| Ok(codes::people_for_codes(view, &codes)?.concat().into_bytes())));
            ask!(accounts::get_user, GetUserRequest { user: user });
        }
        for assignment in ["hw1", "past", "unpublished", "locked"].map(str::to_owned) {
            let named = || assignment.clone();
            ask!(assignments::get_assignment, GetAssignmentRequest { course: course(), assignment: named() });
            ask!(attempts::list_submissions, ListSubmissionsRequest { course: course(), assignment: named() });
            ask!(overrides::list_overrides, ListOverridesRequest { course: course(), assignment: named() });
            ask!(statistics::get_statistics, GetStatisticsRequest { course: course(), assignment: named() });
            ask!(drafts::get_draft, GetDraftRequest { course: course(), assignment: named() });
            ask!(drafts::list_draft_revisions, ListDraftRevisionsRequest { course: course(), assignment: named() });
            ask!(threads::list_threads, ListThreadsRequest { course: course(), assignment: named() });
            for user in ["", "ada", "bob"].map(str::to_owned) {
                let get = v1::GetSubmissionRequest {
                    course: course(),
                    assignment: named(),
                    user: user.clone(),
                    ..Default::default()
                };
                all.push(Box::new(move |view| Ok(attempts::get_submission(view, &get)?.encode_to_vec())));
                ask!(
                    attempts::list_attempts,
                    ListAttemptsRequest { course: course(), assignment: named(), user: user }
                );
            }
        }
        for id in &self.file_ids {
            all.push(Box::new(move |view| Ok(files::open_file(view, id)?.encode_to_vec())));
        }
        for upload_id in self.upload_ids.iter().cloned() {
            ask!(uploads::get_upload, GetUploadRequest { upload_id: upload_id });
        }
        all
    }
}

fn contains(answers: &[u8], secret: &str) -> bool {
    answers.windows(secret.len()).any(|window| window == secret.as_bytes())
}

fn assert_told(scene: &Scene, who: &str, secrets: &[&str], is_told: bool) {
    let answers = scene.told(who);
    for secret in secrets {
        assert_eq!(contains(&answers, secret), is_told, "{who} and `{secret}`");
    }
}

#[test]
fn no_answer_holds_what_is_not_for_whoever_asks() {
    let scene = Scene::new();
    let draft = ["draft-of-bob"];
    assert_told(&scene, "ada", &OF_THE_COURSE, true);
    for secrets in [&OF_BOB[..], &OF_THE_STAFF, &OF_THE_INSTRUCTORS, &draft] {
        assert_told(&scene, "ada", secrets, false);
    }
    assert_told(&scene, "bob", &OF_THE_COURSE, true);
    assert_told(&scene, "bob", &OF_BOB, true);
    assert_told(&scene, "bob", &draft, true);
    assert_told(&scene, "bob", &OF_THE_STAFF, false);
    for staff in ["tom", "ines", "root"] {
        for secrets in [&OF_BOB[..], &OF_THE_STAFF, &OF_THE_COURSE] {
            assert_told(&scene, staff, secrets, true);
        }
        assert_told(&scene, staff, &draft, false);
        assert_told(&scene, staff, &OF_THE_INSTRUCTORS, staff != "tom");
    }
    for secrets in [&OF_BOB[..], &OF_THE_STAFF, &OF_THE_INSTRUCTORS, &OF_THE_COURSE, &draft] {
        assert_told(&scene, "eve", secrets, false);
    }
    assert_told(&scene, "eve", &["Title of cs101", "Name of bob", "ada@example.org"], false);
}

#[test]
fn what_is_released_posted_and_unlocked_is_told_to_whom_it_is_for() {
    let mut scene = Scene::new();
    scene.class.world.now_ms += HOUR_MS;
    let post = v1::PostGradesRequest { course: COURSE.into(), assignment: "hw1".into(), ..Default::default() };
    scene.run::<v1::PostGradesResponse>("ines", Body::PostGrades(post));
    assert_told(&scene, "ada", &["title-of-unpublished-work"], false);
    let mut open = OF_THE_STAFF.to_vec();
    open.retain(|secret| *secret != "title-of-unpublished-work");
    assert_told(&scene, "ada", &open, true);
    assert_told(&scene, "ada", &OF_BOB, false);
    assert_told(&scene, "eve", &open, false);
}

#[test]
fn no_event_tells_of_what_is_not_for_whoever_watches() {
    use v1::EventKind::{Announcement, Assignment, Draft, Grade, Material, Module, Pledge, Submission, Thread};
    let scene = Scene::new();
    let store = &scene.class.world.store;
    let seen = |user_id: &str| -> Vec<v1::EventKind> {
        let seen = scene.events.iter().filter(|event| watch::may_see(store, user_id, false, event).unwrap());
        seen.map(|event| event.kind).collect()
    };
    let of_ada = seen(&scene.class.ada);
    // The open material; the three published assignments; the open question; the announcement.
    assert_eq!(of_ada, [Material, Assignment, Assignment, Assignment, Thread, Announcement]);
    let of_bob = seen(&scene.class.bob);
    for kind in [Submission, Draft] {
        assert!(of_bob.contains(&kind), "{kind:?}");
    }
    for kind in [Grade, Module] {
        assert!(!of_bob.contains(&kind), "{kind:?}");
    }
    assert_eq!(of_bob.iter().filter(|kind| **kind == Thread).count(), 2);
    let eve = scene.class.world.ask("eve", |view| Ok(view.actor.user_id().to_owned())).unwrap();
    assert_eq!(seen(&eve), []);
    assert!(!of_ada.contains(&Pledge));
}
