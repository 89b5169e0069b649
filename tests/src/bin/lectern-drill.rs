//! The drill: students hand in work without a pause while the leader is killed; then everything that was acknowledged
//! must be there, once. `scripts/cluster drill` runs it.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use clap::Parser;
use lectern_client::{Client, ClientOptions, Secret, Trust, new_key, v1};
use serde_json::json;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Students that hand in work at the same time.
const WRITERS: usize = 4;
/// How long is written before the leader is killed, after it, and after its return.
const ACT: Duration = Duration::from_secs(3);

/// Write while the leader is killed; count what was acknowledged and what was lost.
#[derive(Parser)]
struct Args {
    /// Addresses of the nodes.
    #[arg(long = "endpoint", value_delimiter = ',', required = true)]
    endpoints: Vec<String>,
    /// A file with the cluster's authority, where the addresses have no fingerprint.
    #[arg(long, env = "LECTERN_CA")]
    ca: Option<PathBuf>,
    /// The cluster's folder.
    #[arg(long)]
    dir: PathBuf,
    /// The script that kills and restarts nodes.
    #[arg(long)]
    script: PathBuf,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// What the writers saw.
#[derive(Default)]
struct Tally {
    /// Acknowledged submissions: text by submission id.
    acknowledged: BTreeMap<String, String>,
    /// When each acknowledgement came.
    times: Vec<Instant>,
    /// Calls whose outcome nobody knows.
    unknown: u64,
}

#[tokio::main]
async fn main() -> ExitCode {
    match drill(Args::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: the drill could not be run: {error}");
            ExitCode::from(2)
        }
    }
}

async fn drill(args: Args) -> Outcome<bool> {
    let admin = sign_in_admin(&args).await?;
    let course = format!("drill-{}", &new_key().to_lowercase()[10..20]);
    let students = set_up(&admin, &args, &course).await?;
    let stop = Arc::new(AtomicBool::new(false));
    let tally = Arc::new(Mutex::new(Tally::default()));
    let writers: Vec<_> = students
        .iter()
        .enumerate()
        .map(|(number, client)| {
            tokio::spawn(write(client.clone(), course.clone(), number, Arc::clone(&stop), Arc::clone(&tally)))
        })
        .collect();
    let killed = kill_and_restart(&args, &admin).await;
    stop.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.await?;
    }
    let killed = killed?;
    let stored = read_back(&students, &course).await?;
    let tally = tally.lock().map_err(|_| "a writer panicked")?;
    Ok(report(&tally, &stored, killed, args.json))
}

/// Kills the leader in the middle of the writing, and brings it back. Returns its number.
async fn kill_and_restart(args: &Args, admin: &Client) -> Outcome<u64> {
    tokio::time::sleep(ACT).await;
    let leader = admin.status().await?.leader_id;
    run_script(args, "kill", leader).await?;
    tokio::time::sleep(ACT).await;
    run_script(args, "restart", leader).await?;
    tokio::time::sleep(ACT).await;
    Ok(leader)
}

async fn run_script(args: &Args, command: &str, node: u64) -> Outcome<()> {
    let mut script = Command::new(&args.script);
    script.args([command, &node.to_string(), "--dir"]).arg(&args.dir).env("QUIET", "1").stdout(Stdio::null());
    let status = tokio::task::spawn_blocking(move || script.status()).await??;
    if status.success() { Ok(()) } else { Err(format!("scripts/cluster {command} {node} failed").into()) }
}

fn connect(args: &Args) -> Outcome<Client> {
    let mut options = ClientOptions::new(args.endpoints.iter().cloned());
    if let Some(ca) = &args.ca {
        options.trust = Trust::from_file(ca)?;
    }
    Ok(Client::connect(options)?)
}

/// The administrator: signed in with the password kept beside the cluster, or activated with the founding code.
async fn sign_in_admin(args: &Args) -> Outcome<Client> {
    let client = connect(args)?;
    let kept = args.dir.join("accounts/admin/password");
    let response = if kept.exists() {
        let password = std::fs::read_to_string(&kept)?.trim().to_owned();
        let request = v1::SignInRequest { username: "admin".into(), password, device_label: "drill".into() };
        client.call(request).await?
    } else {
        let code = std::fs::read_to_string(args.dir.join("admin-code"))?.trim().to_owned();
        let new_password = new_key();
        keep_password(&kept, &new_password)?;
        activate(&client, "admin", code, new_password).await?
    };
    client.set_token(Some(Secret::new(response.token)));
    Ok(client)
}

fn keep_password(path: &Path, password: &str) -> std::io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
        for (name, text) in [("username", "admin\n"), ("active", "")] {
            std::fs::write(folder.join(name), text)?;
        }
    }
    let mut file = std::fs::File::options().create(true).write(true).truncate(true).mode(0o600).open(path)?;
    writeln!(file, "{password}")
}

async fn activate(client: &Client, username: &str, code: String, new_password: String) -> Outcome<v1::SignInResponse> {
    let request = v1::ActivateRequest { username: username.into(), code, new_password, device_label: "drill".into() };
    Ok(client.call(request).await?)
}

/// A course with one assignment, and a signed-in client for each student.
async fn set_up(admin: &Client, args: &Args, course: &str) -> Outcome<Vec<Client>> {
    let request = v1::CreateCourseRequest {
        slug: course.into(),
        code: course.into(),
        title: "Failover drill".into(),
        ..Default::default()
    };
    admin.call(request).await?;
    let available = Some(v1::CourseState::Available.into());
    admin.call(v1::UpdateCourseRequest { course: course.into(), state: available, ..Default::default() }).await?;
    let settings = v1::AssignmentSettings {
        title: "Drill".into(),
        submission_types: vec![v1::SubmissionType::Text.into()],
        published: true,
        ..Default::default()
    };
    let request = v1::CreateAssignmentRequest {
        course: course.into(),
        slug: "work".into(),
        settings: Some(settings),
        ..Default::default()
    };
    admin.call(request).await?;
    let mut students = Vec::new();
    for number in 0..WRITERS {
        students.push(student(admin, args, course, number).await?);
    }
    Ok(students)
}

async fn student(admin: &Client, args: &Args, course: &str, number: usize) -> Outcome<Client> {
    let username = format!("{course}-{number}");
    let request =
        v1::CreateUserRequest { username: username.clone(), name: format!("Drill {number}"), ..Default::default() };
    admin.call(request).await?;
    let issued = admin.call(v1::IssueCodesRequest { users: vec![username.clone()], course: String::new() }).await?;
    let code = issued.codes.into_iter().next().ok_or("no code was issued")?.code;
    let client = connect(args)?;
    let response = activate(&client, &username, code, new_key()).await?;
    client.set_token(Some(Secret::new(response.token)));
    let kind = v1::EnrollmentType::Student.into();
    let request = v1::EnrollRequest { course: course.into(), user: username, r#type: kind, section: String::new() };
    admin.call(request).await?;
    Ok(client)
}

/// Hands in one text after another until told to stop.
async fn write(client: Client, course: String, number: usize, stop: Arc<AtomicBool>, tally: Arc<Mutex<Tally>>) {
    let mut round = 0_u64;
    while !stop.load(Ordering::Relaxed) {
        round += 1;
        let text = format!("student {number}, round {round}");
        let request = v1::SubmitRequest {
            course: course.clone(),
            assignment: "work".into(),
            text: text.clone(),
            ..Default::default()
        };
        let answer = client.call(request).await;
        let mut tally = tally.lock().expect("no writer panics while it counts");
        match answer.map(|response| response.submission) {
            Ok(Some(submission)) => {
                tally.acknowledged.insert(submission.submission_id, text);
                tally.times.push(Instant::now());
            }
            Ok(None) => eprintln!("student {number}: handed in, but no submission came back"),
            Err(error) => {
                eprintln!("student {number}: {error}");
                tally.unknown += 1;
            }
        }
    }
}

/// Every stored submission: text by id.
async fn read_back(students: &[Client], course: &str) -> Outcome<BTreeMap<String, String>> {
    let mut stored = BTreeMap::new();
    for client in students {
        let mut page_token = String::new();
        loop {
            let request = v1::ListAttemptsRequest {
                course: course.into(),
                assignment: "work".into(),
                page_size: 500,
                page_token,
                ..Default::default()
            };
            let page = client.call(request).await?;
            stored.extend(page.attempts.into_iter().map(|attempt| (attempt.submission_id, attempt.text)));
            if page.next_page_token.is_empty() {
                break;
            }
            page_token = page.next_page_token;
        }
    }
    Ok(stored)
}

/// Prints the result; whether nothing was lost or doubled.
#[allow(clippy::print_stdout, reason = "printing it is what the program is for")]
fn report(tally: &Tally, stored: &BTreeMap<String, String>, killed: u64, as_json: bool) -> bool {
    let lost = tally.acknowledged.iter().filter(|(id, text)| stored.get(*id) != Some(text)).count();
    let mut by_text: BTreeMap<&str, u64> = BTreeMap::new();
    for text in stored.values() {
        *by_text.entry(text).or_default() += 1;
    }
    let doubled = by_text.values().filter(|count| **count > 1).count();
    let longest_pause_ms = longest_pause(&tally.times).as_millis();
    let acknowledged = tally.acknowledged.len();
    if as_json {
        let line = json!({
            "acknowledged": acknowledged, "lost": lost, "doubled": doubled, "unknown": tally.unknown,
            "longest_pause_ms": u64::try_from(longest_pause_ms).unwrap_or(u64::MAX), "killed": killed,
        });
        println!("{line}");
    } else {
        println!(
            "Node {killed} led and was killed. {acknowledged} submissions were acknowledged, {lost} lost, {doubled} \
             doubled; the longest pause was {longest_pause_ms} ms."
        );
    }
    lost == 0 && doubled == 0 && acknowledged > 0
}

/// The longest time between two acknowledgements.
fn longest_pause(times: &[Instant]) -> Duration {
    let mut times = times.to_vec();
    times.sort();
    times.windows(2).map(|pair| pair[1].duration_since(pair[0])).max().unwrap_or_default()
}
