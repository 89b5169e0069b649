//! Three nodes of Lectern with one course, an open assignment, and students.

use lectern_client::{Client, Secret, v1};
use lectern_tests::cluster::PASSWORD;
use lectern_tests::{Class, Cluster, load};
use tokio::runtime::Runtime;
use tonic::transport::{Channel, Endpoint};

use crate::Outcome;
use crate::caller::{ASSIGNMENT, COURSE, Caller, Student};
use crate::system::{End, NODES, System};

/// Who hands in; with more clients than students, several clients are one student.
pub const STUDENTS: usize = 64;
/// Signing in is slow on purpose: several at a time.
const CODES_AT_ONCE: usize = 16;

/// The cluster and its people.
pub struct Lectern {
    /// The course's people and programs.
    pub class: Class,
    tokens: Vec<Secret>,
    /// Nodes that were told to end and may not be gone yet.
    ending: Vec<u32>,
}

impl Lectern {
    /// Founds and starts it with the defaults of an installation, and signs the students in.
    pub fn start(runtime: &Runtime) -> Outcome<Self> {
        let class = Class::of(Cluster::found(NODES));
        class.assignment(ASSIGNMENT, &[]);
        let endpoints = class.cluster.endpoints();
        let admin = load::client(&class.admin, &endpoints);
        let tokens = runtime.block_on(sign_in_students(&admin))?;
        Ok(Self { class, tokens, ending: Vec::new() })
    }

    fn student(&self, channel: Channel, number: usize) -> Outcome<Caller> {
        Ok(Caller::Lectern(Box::new(Student::new(channel, &self.tokens[number % self.tokens.len()])?)))
    }
}

async fn sign_in_students(admin: &Client) -> Outcome<Vec<Secret>> {
    let names: Vec<_> = (0..STUDENTS).map(|number| format!("bench{number}")).collect();
    for username in &names {
        let (user, name) = (username.clone(), username.clone());
        admin.call(v1::CreateUserRequest { username: username.clone(), name, ..Default::default() }).await?;
        let (course, r#type) = (COURSE.into(), v1::EnrollmentType::Student.into());
        admin.call(v1::EnrollRequest { course, user, r#type, section: String::new() }).await?;
    }
    let mut tokens = Vec::new();
    for some in names.chunks(CODES_AT_ONCE) {
        let issued = admin.call(v1::IssueCodesRequest { users: some.to_vec(), course: String::new() }).await?;
        for issued in issued.codes {
            let request = v1::ActivateRequest {
                username: issued.person.ok_or("a code names its person")?.username,
                code: issued.code,
                new_password: PASSWORD.into(),
                device_label: "bench".into(),
            };
            tokens.push(Secret::new(admin.call(request).await?.token));
        }
    }
    Ok(tokens)
}

impl System for Lectern {
    fn name(&self) -> &'static str {
        "lectern"
    }

    fn processes(&self) -> Vec<u32> {
        (1..=NODES).filter_map(|node| self.class.cluster.process(node)).collect()
    }

    fn leader(&mut self, _: &Runtime) -> Outcome<u32> {
        Ok(self.class.cluster.await_leader())
    }

    fn connect(&self, runtime: &Runtime, node: u32, number: usize) -> Outcome<Caller> {
        let endpoint = Endpoint::from_shared(format!("http://{}", self.class.cluster.address(node)))?;
        // A lazy connection belongs to the runtime in which it was made, and is made again after a failure.
        let _inside = runtime.enter();
        self.student(endpoint.connect_lazy(), number)
    }

    fn share(&self, caller: &Caller, number: usize) -> Outcome<Caller> {
        let Caller::Lectern(student) = caller else { return Err("a caller of another system".into()) };
        self.student(student.channel(), number)
    }

    fn end(&mut self, node: u32, how: End) -> Outcome<()> {
        match how {
            End::Kill => self.class.cluster.kill(node),
            End::Term => {
                self.class.cluster.signal(node, "TERM");
                self.ending.push(node);
            }
        }
        Ok(())
    }

    fn restore(&mut self, _: &Runtime) -> Outcome<()> {
        for node in self.ending.drain(..) {
            let ended = self.class.cluster.collect(node);
            if !ended.success() {
                return Err(format!("node {node} was told to stop and ended with {ended}").into());
            }
        }
        self.class.cluster.start_all();
        self.class.cluster.await_caught_up();
        Ok(())
    }
}
