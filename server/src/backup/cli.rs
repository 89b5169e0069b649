//! `lectern-server backup` and `lectern-server restore`.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::BackupError;
use super::create::{self, Created};
use super::keys;
use super::manifest::Manifest;
use super::prune::{self, Pruned};
use super::repository::{Access, Repository};
use super::restore::{self, Choice, Made};
use super::verify::{self, Judged, Verified, Which};
use crate::cli::{Problem, WrongUsage, say};
use crate::config::Config;
use crate::init::{self, GenesisMember};

pub(crate) const HELP: &str = "Back a node up, and look after backups.

  lectern-server backup init --to DIR --passphrase-file FILE       once; makes FILE where there is none
  lectern-server backup --config server.toml --to DIR --passphrase-file FILE
  lectern-server backup list --from DIR --passphrase-file FILE
  lectern-server backup verify --from DIR --passphrase-file FILE
  lectern-server backup prune --from DIR --passphrase-file FILE --keep 30

Any one node is enough: each holds everything. The node goes on meanwhile; one that is stopped can be backed up as well. A
backup holds the state after one entry of the log: if the node runs and a majority can be reached, everything that was
acknowledged before. It adds what the repository does not hold yet. Everything in the repository is encrypted and
authenticated under the passphrase. Keep a copy of the passphrase elsewhere: without it nothing can be restored.

Certificates, server.toml and the cluster's secret are in no backup.";

pub(crate) const RESTORE_HELP: &str = "Make the first node of a new cluster from a backup.

  lectern-server restore --from DIR --passphrase-file FILE --data /var/lib/lectern

The new cluster has everything that the backup holds, another id and another secret: nodes and certificates of the old one do
not fit it. Its configuration is this node alone; further nodes join it with an empty directory. Everybody signs in again,
with the password of then; tokens for scripts are made anew. Dates that fell between the backup and the restore are
extended, as after any outage.

It takes the newest backup, where a majority had confirmed that everything acknowledged is in it. Any other one is restored
with --accept-loss only.";

/// Where a repository is and what opens it.
#[derive(Debug, Args)]
struct From {
    /// The repository
    #[arg(long = "from", value_name = "DIR")]
    repository: PathBuf,
    /// A file whose first line is its passphrase
    #[arg(long, value_name = "FILE")]
    passphrase_file: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Backup {
    #[command(subcommand)]
    action: Option<Action>,
    /// The node's server.toml
    #[arg(long, value_name = "FILE", required_unless_present = "data", conflicts_with = "data")]
    config: Option<PathBuf>,
    /// Instead of server.toml, the node's data directory
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The repository, made by `backup init`
    #[arg(long, value_name = "DIR", required = true)]
    to: Option<PathBuf>,
    /// A file whose first line is its passphrase
    #[arg(long, value_name = "FILE", required = true)]
    passphrase_file: Option<PathBuf>,
    /// Read every file, also those that an earlier backup has
    #[arg(long)]
    reread: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a repository, and a passphrase where there is none
    Init {
        /// An empty directory, or one that does not exist yet
        #[arg(long, value_name = "DIR")]
        to: PathBuf,
        /// A file whose first line is the passphrase; made, with a random one, where there is none
        #[arg(long, value_name = "FILE")]
        passphrase_file: PathBuf,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show the backups of a repository, oldest first
    List(From),
    /// Read backups back as a restore would, and open what comes out
    Verify {
        #[command(flatten)]
        from: From,
        /// This backup instead of the newest
        #[arg(long, value_name = "ID", conflicts_with = "all")]
        backup: Option<String>,
        /// All of them
        #[arg(long)]
        all: bool,
        /// Where there is room for one backup in clear text, for a while [the system's directory for temporary files]
        #[arg(long, value_name = "DIR")]
        scratch: Option<PathBuf>,
    },
    /// Delete all but the newest backups
    Prune {
        #[command(flatten)]
        from: From,
        /// How many to keep
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
        keep: u32,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Restore {
    #[command(flatten)]
    from: From,
    /// This backup instead of the newest
    #[arg(long, value_name = "ID")]
    backup: Option<String>,
    /// An empty directory, or one that does not exist yet
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The node's number and addresses
    #[arg(long, value_name = "N=HOST:PEERPORT,HOST:CLIENTPORT", value_parser = init::parse_member, default_value = init::DEFAULT_MEMBER)]
    member: GenesisMember,
    /// Restore it although something that was acknowledged may be missing: it is not the newest, or no majority had confirmed it
    #[arg(long)]
    accept_loss: bool,
}

impl Backup {
    /// Does it and prints what came of it.
    pub(crate) fn run(self) -> Result<(), Problem> {
        if let Some(action) = self.action {
            return action.run();
        }
        let data_dir = match (self.data, self.config) {
            (Some(data), _) => Some(data),
            (None, Some(config)) => Some(Config::load(&config)?.data_dir),
            (None, None) => None,
        };
        let (Some(data_dir), Some(to), Some(passphrase_file)) = (data_dir, self.to, self.passphrase_file) else {
            return Err(WrongUsage("give --config or --data, --to and --passphrase-file".into()).into());
        };
        let created = create::create(&data_dir, &to, &keys::read_passphrase(&passphrase_file)?, self.reread)?;
        say(&if self.json { text(&created_json(&created)) } else { created_text(&created) })
    }
}

impl Action {
    fn run(self) -> Result<(), Problem> {
        match self {
            Self::Init { to, passphrase_file, json } => say(&init_repository(&to, &passphrase_file, json)?),
            Self::List(from) => {
                let listed = list(&from.repository, &keys::read_passphrase(&from.passphrase_file)?)?;
                say(&if from.json { text(&list_json(&listed)) } else { list_text(&listed) })
            }
            Self::Verify { from, backup, all, scratch } => {
                let which = match &backup {
                    _ if all => Which::All,
                    Some(id) => Which::One(id),
                    None => Which::Newest,
                };
                let scratch = scratch.unwrap_or_else(std::env::temp_dir);
                let passphrase = keys::read_passphrase(&from.passphrase_file)?;
                let judged = verify::verify(&from.repository, &passphrase, which, &scratch)?;
                say(&if from.json { text(&judged_json(&judged)) } else { judged_text(&judged) })?;
                match judged.iter().filter(|one| one.found.is_err()).count() {
                    0 => Ok(()),
                    _ if judged.len() == 1 => Err("the backup is not good".into()),
                    bad => Err(format!("{bad} of {} backups are not good", judged.len()).into()),
                }
            }
            Self::Prune { from, keep } => {
                let passphrase = keys::read_passphrase(&from.passphrase_file)?;
                let pruned = prune::prune(&from.repository, &passphrase, keep as usize)?;
                say(&if from.json { text(&pruned_json(&pruned)) } else { pruned_text(&pruned) })
            }
        }
    }
}

impl Restore {
    /// Does it and prints what came of it.
    pub(crate) fn run(self) -> Result<(), Problem> {
        let passphrase = keys::read_passphrase(&self.from.passphrase_file)?;
        let choice = Choice { backup: self.backup.as_deref(), accept_loss: self.accept_loss };
        let made = restore::restore(&self.from.repository, &passphrase, choice, &self.data, self.member)?;
        if self.from.json {
            return say(&text(&json!({
                "backup": manifest_json(&made.manifest),
                "cluster_id": made.cluster_id,
                "node": made.node,
                "data": self.data.display().to_string(),
                "ended_tokens": made.ended_tokens,
            })));
        }
        let Made { manifest, cluster_id, node, ended_tokens } = made;
        say(&format!(
            "Restored {} to {}.\nIt is node {node} of the new cluster {cluster_id}. {ended_tokens} tokens ended: everybody \
             signs in again.\nStart it with `lectern-server run`; further nodes join it with an empty data directory.",
            one_line(&manifest),
            self.data.display()
        ))
    }
}

fn init_repository(to: &Path, passphrase_file: &Path, json: bool) -> Result<String, Problem> {
    let made = keys::make_passphrase(passphrase_file)?;
    let repository_id = Repository::init(to, &keys::read_passphrase(passphrase_file)?)?;
    if json {
        let (repository, passphrase_file) = (to.display().to_string(), passphrase_file.display().to_string());
        return Ok(text(&json!({
            "repository_id": repository_id,
            "repository": repository,
            "passphrase_file": passphrase_file,
            "passphrase_made": made,
        })));
    }
    let advice = if made { "A random passphrase was written to" } else { "Its passphrase is the one in" };
    Ok(format!(
        "{} is a repository for backups now.\n{advice} {}. Keep a copy of it elsewhere: without it nothing can be restored.",
        to.display(),
        passphrase_file.display()
    ))
}

/// Each backup, or why its manifest cannot be read.
type Listed = (String, Result<Manifest, BackupError>);

fn list(root: &Path, passphrase: &[u8]) -> Result<Vec<Listed>, BackupError> {
    let repository = Repository::open(root, passphrase, Access::Read)?;
    let read = |id: String| {
        let manifest = repository.manifest(&id);
        (id, manifest)
    };
    Ok(repository.backups()?.into_iter().map(read).collect())
}

fn text(value: &Value) -> String {
    value.to_string()
}

/// As the other programs write times.
fn time(ms: i64) -> String {
    Timestamp::from_millisecond(ms).map_or_else(|_| ms.to_string(), |time| time.to_string())
}

fn manifest_json(manifest: &Manifest) -> Value {
    json!({
        "backup_id": manifest.id,
        "created_at": time(manifest.created_at_ms),
        "cluster_id": manifest.cluster_id,
        "node": manifest.node,
        "epoch": manifest.epoch,
        "index": manifest.index,
        "term": manifest.term,
        "chain": manifest.chain,
        "feature_level": manifest.feature_level,
        "state_time": time(manifest.state_time_ms),
        "confirmed": manifest.confirmed,
        "version": manifest.version,
        "files": manifest.files.len(),
        "bytes": manifest.bytes(),
        "added_bytes": manifest.added_bytes,
    })
}

/// A backup in a line, without its end.
fn one_line(manifest: &Manifest) -> String {
    format!(
        "backup {} (entry {} of cluster {}, made {} at node {})",
        manifest.id,
        manifest.index,
        manifest.cluster_id,
        time(manifest.created_at_ms),
        manifest.node
    )
}

fn created_json(created: &Created) -> Value {
    let mut value = manifest_json(&created.manifest);
    value["added_files"] = created.added_files.into();
    value["missing_entries"] = created.missing_entries.into();
    value
}

fn created_text(created: &Created) -> String {
    let Created { manifest, added_files, missing_entries } = created;
    let mut text = format!(
        "Made {}: {} files, {} bytes; {added_files} files and {} bytes are new in the repository.",
        one_line(manifest),
        manifest.files.len(),
        manifest.bytes(),
        manifest.added_bytes
    );
    if *missing_entries > 0 {
        let missing = format!(
            "\nThe node was stopped before it applied {missing_entries} entries that were committed: they are not in this \
             backup. Start it, and back it up again."
        );
        text.push_str(&missing);
    } else if !manifest.confirmed {
        text += "\nNo majority confirmed how far the cluster is: what other nodes acknowledged may be missing.";
    }
    text
}

fn list_json(listed: &[Listed]) -> Value {
    let one = |(id, manifest): &Listed| match manifest {
        Ok(manifest) => manifest_json(manifest),
        Err(problem) => json!({ "backup_id": id, "problem": problem.to_string() }),
    };
    json!({ "backups": listed.iter().map(one).collect::<Vec<_>>() })
}

fn list_text(listed: &[Listed]) -> String {
    if listed.is_empty() {
        return "There is no backup yet.".into();
    }
    let mut lines = vec![format!(
        "{:26}  {:24}  {:>4}  {:>12}  {:>14}  {:>14}  {}",
        "backup", "made", "node", "entry", "bytes", "added", "confirmed"
    )];
    lines.extend(listed.iter().map(|(id, manifest)| match manifest {
        Ok(manifest) => format!(
            "{id}  {:24}  {:>4}  {:>12}  {:>14}  {:>14}  {}",
            time(manifest.created_at_ms),
            manifest.node,
            manifest.index,
            manifest.bytes(),
            manifest.added_bytes,
            if manifest.confirmed { "yes" } else { "no" }
        ),
        Err(problem) => format!("{id}  {problem}"),
    }));
    lines.join("\n")
}

fn judged_json(judged: &[Judged]) -> Value {
    let one = |Judged { id, found }: &Judged| match found {
        Ok(Verified { manifest, rows }) => {
            let mut value = manifest_json(manifest);
            value["good"] = true.into();
            value["rows"] = (*rows).into();
            value
        }
        Err(problem) => json!({ "backup_id": id, "good": false, "problem": problem.to_string() }),
    };
    json!({ "backups": judged.iter().map(one).collect::<Vec<_>>() })
}

fn judged_text(judged: &[Judged]) -> String {
    let lines = judged.iter().map(|Judged { id, found }| match found {
        Ok(Verified { manifest, rows }) => {
            format!("Good: {}; {} files, {rows} rows.", one_line(manifest), manifest.files.len())
        }
        Err(problem) => format!("Not good: backup {id}: {problem}"),
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn pruned_json(pruned: &Pruned) -> Value {
    let Pruned { backups, kept, files, bytes } = pruned;
    json!({ "deleted": backups, "kept": kept, "deleted_files": files, "deleted_bytes": bytes })
}

fn pruned_text(pruned: &Pruned) -> String {
    let Pruned { backups, kept, files, bytes } = pruned;
    format!(
        "Deleted {} with {} of {bytes} bytes; {} left.",
        counted(backups.len(), "backup"),
        counted(usize::try_from(*files).unwrap_or(usize::MAX), "file"),
        if *kept == 1 { "1 is".to_owned() } else { format!("{kept} are") }
    )
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Program {
        #[command(flatten)]
        backup: Backup,
    }

    fn parse(args: &[&str]) -> Result<Backup, clap::Error> {
        Program::try_parse_from([&["program"], args].concat()).map(|program| program.backup)
    }

    #[test]
    fn a_backup_is_made_without_a_subcommand_and_needs_node_repository_and_passphrase() {
        let made = parse(&["--data", "d", "--to", "r", "--passphrase-file", "p", "--json"]).unwrap();
        assert!(made.action.is_none() && made.json);
        assert_eq!((made.data, made.to), (Some("d".into()), Some("r".into())));
        assert!(parse(&["--config", "c", "--to", "r", "--passphrase-file", "p"]).unwrap().config.is_some());
        for wrong in [
            &["--to", "r", "--passphrase-file", "p"][..],
            &["--data", "d", "--config", "c", "--to", "r", "--passphrase-file", "p"],
            &["--data", "d", "--passphrase-file", "p"],
            &["--data", "d", "--to", "r"],
            &[],
        ] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn subcommands_have_arguments_of_their_own() {
        let list = parse(&["list", "--from", "r", "--passphrase-file", "p"]).unwrap();
        assert!(matches!(list.action, Some(Action::List(_))));
        assert!(parse(&["list"]).is_err());
        assert!(parse(&["prune", "--from", "r", "--passphrase-file", "p", "--keep", "0"]).is_err());
        assert!(parse(&["--data", "d", "list", "--from", "r", "--passphrase-file", "p"]).is_err());
    }
}
