//! A tutor of a Lectern cluster.

use std::error::Error;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use lectern_tutor::service::config::Config;
use lectern_tutor::service::{self, doctor};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// Answers students from their course's own material, with a local model through Ollama.
#[derive(Debug, Parser)]
#[command(name = "lectern-tutor", version, about, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the tutor
    #[command(after_long_help = KEYS)]
    Run(File),
    /// Say whether cluster, Ollama and model are as they must be, and what to do
    Doctor(File),
    /// Say whether a configuration can be used
    #[command(after_long_help = KEYS)]
    CheckConfig(File),
}

#[derive(Debug, Args)]
struct File {
    /// tutor.toml
    #[arg(long, value_name = "FILE", default_value = "tutor.toml")]
    config: PathBuf,
}

const KEYS: &str = "Keys of tutor.toml:
  nodes                where nodes of the cluster serve clients: [\"HOST:PORT\", …]; one that answers is enough
  ca                   PEM of the cluster's authorities, where it has certificates
  token_file           the file with the token of the tutor's account
  listen               HOST:PORT where the tutor listens (loopback only)
  data_dir             where the index of the materials is kept; it is derived and can be deleted
  off                  courses that do without the tutor, by slug []
  ceiling              how far it goes at most on graded work before its deadline: hint, guiding_question, concept or analogous_example
                       [analogous_example]
  log                  what is logged, as tracing's EnvFilter reads it; LECTERN_LOG goes first [info]
  [ollama]
    url                where Ollama listens [http://127.0.0.1:11434]
    model              the model's name [qwen2.5-coder:0.5b]
    context            its context in tokens [4096]
    answer             the longest answer in tokens [512]
    temperature        how freely it speaks [0.2]
    parallel           requests that it answers at once [1]
  [limits]
    waiting            questions that wait for the model [32]
    student_per_hour   questions of one student in one course [30]
    course_per_hour    questions of one course [600]
    first_seconds      until the model's first word [180]
    idle_seconds       between two pieces of an answer [20]
    total_seconds      for a whole answer [300]

Paths are relative to the file's folder. The account is made by an administrator and has no other right:
  lectern-instructor account create tutor --name Tutor --tutor
It is activated like any other, and `token create` makes the token for the file.";

type Problem = Box<dyn Error + Send + Sync>;

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(code) => code,
        Err(problem) => {
            // Nobody is left to be told.
            let _ = writeln!(std::io::stderr(), "lectern-tutor: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<ExitCode, Problem> {
    let runtime = tokio::runtime::Runtime::new()?;
    match cli.command {
        Command::CheckConfig(File { config }) => {
            Config::load(&config)?.own_client()?;
            writeln!(std::io::stdout(), "{} can be used", config.display())?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Doctor(File { config }) => {
            let findings = runtime.block_on(doctor::examine(&Config::load(&config)?));
            let mut out = std::io::stdout().lock();
            for finding in &findings {
                let mark = if finding.well { "ok  " } else { "NOT " };
                writeln!(out, "{mark} {:<8} {}", finding.what, finding.words)?;
            }
            let all_well = findings.iter().all(|finding| finding.well);
            Ok(if all_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Command::Run(File { config }) => {
            let config = Config::load(&config)?;
            let filter = EnvFilter::try_from_env("LECTERN_LOG").unwrap_or_else(|_| EnvFilter::new(&config.log));
            tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false).init();
            runtime.block_on(async {
                let (mut terminate, mut interrupt) =
                    (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
                let shutdown = async move {
                    tokio::select! {
                        _ = terminate.recv() => {}
                        _ = interrupt.recv() => {}
                    }
                };
                Ok::<_, Problem>(service::run(config, shutdown).await?)
            })?;
            Ok(ExitCode::SUCCESS)
        }
    }
}
