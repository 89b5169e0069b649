//! The probe: what the full-screen programs cost, measured from outside in a terminal. A measurement, not a test.
//!
//! ```text
//! LECTERN_ENDPOINTS=… LECTERN_CONFIG_DIR=… LECTERN_STATE_DIR=… lectern-probe
//! lectern-probe --program lectern-student --typing 'enter enter e' --json
//! ```

use std::error::Error;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use lectern_tests::program::bin;
use lectern_tests::terminal::{Launch, Terminal};
use serde_json::{Value, json};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Presses of which the median is told.
const PRESSES: usize = 50;
/// How long a program at rest is watched.
const AT_REST: Duration = Duration::from_secs(5);
/// Without a byte for so long a program has settled.
const SETTLED: Duration = Duration::from_millis(400);
/// Clock ticks of `/proc/PID/stat` in a second, on every Linux there is.
const TICKS: f64 = 100.0;

/// Measure the full-screen programs in a terminal of 120×40: first frame, key to first byte, a keystroke, rest, memory.
#[derive(Parser)]
struct Args {
    /// A program; may be given several times. All three by default.
    #[arg(long = "program", value_name = "NAME")]
    programs: Vec<String>,
    /// Addresses of nodes, comma separated.
    #[arg(long, env = "LECTERN_ENDPOINTS")]
    endpoints: String,
    /// The person's configuration.
    #[arg(long, env = "LECTERN_CONFIG_DIR")]
    config: PathBuf,
    /// The person's drafts and the like.
    #[arg(long, env = "LECTERN_STATE_DIR")]
    state: PathBuf,
    /// Keys that lead to a place to write in, such as `enter e`: then a keystroke there is measured, too.
    #[arg(long, value_name = "KEYS")]
    typing: Option<String>,
    /// Keys after which nothing changes by itself.
    #[arg(long, value_name = "KEYS", default_value = "")]
    rest: String,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// What one program costs.
struct Cost {
    program: String,
    first_frame: Duration,
    key_to_byte: Duration,
    /// Median and most bytes for a letter that is typed.
    letter_bytes: Option<(usize, usize)>,
    idle_bytes: usize,
    idle_cpu_percent: f64,
    resident_kib: u64,
}

fn main() -> ExitCode {
    match probe(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: the probe could not measure: {error}");
            ExitCode::from(2)
        }
    }
}

fn probe(args: &Args) -> Outcome<()> {
    let all = ["lectern-student", "lectern-instructor", "lectern-monitor"].map(String::from).to_vec();
    let programs = if args.programs.is_empty() { all } else { args.programs.clone() };
    let costs = programs.iter().map(|program| measure(program, args)).collect::<Outcome<Vec<Cost>>>()?;
    let mut out = io::stdout().lock();
    if args.json {
        let costs: Vec<Value> = costs.iter().map(Cost::json).collect();
        writeln!(out, "{}", json!({ "programs": costs }))?;
        return Ok(());
    }
    writeln!(
        out,
        "{:<20} {:>11} {:>12} {:>16} {:>11} {:>9} {:>9}",
        "program", "first frame", "key to byte", "bytes a letter", "idle bytes", "idle CPU", "resident"
    )?;
    for cost in &costs {
        writeln!(out, "{}", cost.row())?;
    }
    Ok(())
}

impl Cost {
    fn row(&self) -> String {
        let letter = self.letter_bytes.map_or_else(|| "-".into(), |(median, most)| format!("{median} (most {most})"));
        format!(
            "{:<20} {:>8.1} ms {:>9.2} ms {letter:>16} {:>11} {:>7.1} % {:>5.1} MiB",
            self.program,
            milliseconds(self.first_frame),
            milliseconds(self.key_to_byte),
            self.idle_bytes,
            self.idle_cpu_percent,
            mebibytes(self.resident_kib)
        )
    }

    fn json(&self) -> Value {
        json!({
            "program": self.program, "first_frame_ms": milliseconds(self.first_frame),
            "key_to_first_byte_ms": milliseconds(self.key_to_byte),
            "letter_bytes_median": self.letter_bytes.map(|(median, _)| median),
            "letter_bytes_most": self.letter_bytes.map(|(_, most)| most),
            "idle_bytes_in_5_s": self.idle_bytes, "idle_cpu_percent": self.idle_cpu_percent,
            "resident_mib": mebibytes(self.resident_kib),
        })
    }
}

fn milliseconds(span: Duration) -> f64 {
    span.as_secs_f64() * 1e3
}

fn mebibytes(kib: u64) -> f64 {
    // A resident size in KiB is far below what a double counts exactly.
    u32::try_from(kib).map_or(f64::INFINITY, f64::from) / 1024.0
}

fn measure(program: &str, args: &Args) -> Outcome<Cost> {
    let home = args.config.parent().unwrap_or(Path::new("/"));
    let launch = Launch::new(&bin(program), home)
        .env("LECTERN_CONFIG_DIR", &args.config)
        .env("LECTERN_STATE_DIR", &args.state)
        .env("LECTERN_ENDPOINTS", &args.endpoints)
        .size(120, 40);
    // The second start finds the program in the page cache, as a person's does.
    drop(settled(&launch));
    let begun = Instant::now();
    let mut terminal = launch.start();
    terminal.wait_for("help");
    let first_frame = begun.elapsed();
    terminal.wait_quiet_for(SETTLED, AT_REST);
    let key_to_byte = key_to_byte(&mut terminal);
    let letter_bytes = args.typing.as_deref().map(|keys| typing(&launch, keys));
    terminal.keys(&args.rest);
    terminal.wait_quiet_for(SETTLED, AT_REST);
    let process = PathBuf::from(format!("/proc/{}", terminal.pid().as_raw_nonzero()));
    let (ticks, bytes) = (cpu_ticks(&process)?, terminal.bytes_written());
    std::thread::sleep(AT_REST);
    Ok(Cost {
        program: program.to_owned(),
        first_frame,
        key_to_byte,
        letter_bytes,
        idle_bytes: terminal.bytes_written() - bytes,
        idle_cpu_percent: (cpu_ticks(&process)? - ticks) / TICKS / AT_REST.as_secs_f64() * 100.0,
        resident_kib: resident_kib(&process)?,
    })
}

fn settled(launch: &Launch) -> Terminal {
    let mut terminal = launch.start();
    terminal.wait_for("help");
    terminal.wait_quiet_for(SETTLED, AT_REST);
    terminal
}

/// The help is opened, measured, and closed again.
fn key_to_byte(terminal: &mut Terminal) -> Duration {
    let mut spans: Vec<Duration> = (0..PRESSES)
        .map(|_| {
            let span = terminal.press("?");
            terminal.keys("esc");
            terminal.wait_quiet_for(Duration::from_millis(40), Duration::from_secs(1));
            span
        })
        .collect();
    spans.sort_unstable();
    spans[PRESSES / 2]
}

/// Letters in a text, one after the other, each drawn before the next.
fn typing(launch: &Launch, keys: &str) -> (usize, usize) {
    let mut terminal = settled(launch);
    for key in keys.split_whitespace() {
        terminal.keys(key);
        terminal.wait_quiet_for(SETTLED, AT_REST);
    }
    let mut bytes: Vec<usize> = "a quiet sentence about invariants, typed by a probe"
        .split_inclusive(|_| true)
        .map(|letter| {
            let before = terminal.bytes_written();
            terminal.type_text(letter);
            terminal.wait_quiet_for(Duration::from_millis(40), Duration::from_secs(1));
            terminal.bytes_written() - before
        })
        .collect();
    bytes.sort_unstable();
    (bytes[bytes.len() / 2], bytes[bytes.len() - 1])
}

/// User and system time, in clock ticks.
fn cpu_ticks(process: &Path) -> Outcome<f64> {
    let stat = fs::read_to_string(process.join("stat"))?;
    // The name is in brackets and may hold spaces; what follows does not.
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<f64>);
    Ok(ticks.sum::<Result<f64, _>>()?)
}

fn resident_kib(process: &Path) -> Outcome<u64> {
    let status = fs::read_to_string(process.join("status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no resident size")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}
