//! `lectern-server certs`: making and renewing the certificates of a cluster.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use lectern_certs::{Authority, CertsError, Issued, Term};

use crate::cli::Problem;
use crate::init::Genesis;

const CA_DAYS: u32 = 3_650;
const NODE_DAYS: u32 = 365;
const OPERATOR_DAYS: u32 = 90;

pub(crate) const HELP: &str = "Make and renew the certificates of a cluster.

One folder holds the authority. Whoever has its ca.key can be any node and any operator: keep the folder on a machine that is
no node, and hand out what is made there.

  lectern-server certs ca --dir certs --genesis genesis.json       prints the fingerprint that clients are told
  lectern-server certs node --dir certs --node 1 --host n1.example.org --host 10.0.0.1
  lectern-server certs operator --dir certs --name ada
  lectern-server certs show --dir certs

Nothing is overwritten. With --renew the old files are kept in old/.
  node --renew      another certificate and key for the same node; it reads them without a restart
  ca --renew        another authority, signed by the one before; from now on ca.pem holds both, and new certificates are its
  ca --retire       ca.pem holds the newest authority only";

#[derive(Debug, Subcommand)]
pub(crate) enum Certs {
    /// The authority of a cluster
    Ca(Ca),
    /// A node's certificate
    Node(Node),
    /// An operator's certificate, for lectern-monitor
    Operator(Operator),
    /// Say what the authority is: its fingerprint, until when it is good, how many are trusted
    Show(Folder),
}

#[derive(Debug, Args)]
pub(crate) struct Folder {
    /// The authority's folder
    #[arg(long, value_name = "DIR", default_value = "certs")]
    dir: PathBuf,
    /// Print the fingerprint and nothing else
    #[arg(long)]
    print_fingerprint_only: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Ca {
    #[command(flatten)]
    folder: Folder,
    /// The cluster, by its genesis file
    #[arg(long, value_name = "FILE", conflicts_with_all = ["cluster", "renew", "retire"])]
    genesis: Option<PathBuf>,
    /// The cluster, by its id
    #[arg(long, value_name = "ID", conflicts_with_all = ["renew", "retire"])]
    cluster: Option<String>,
    /// How many days it is good
    #[arg(long, value_name = "N", default_value_t = CA_DAYS, value_parser = clap::value_parser!(u32).range(1..=36_500))]
    days: u32,
    /// Let another authority follow; both are trusted
    #[arg(long, conflicts_with = "retire")]
    renew: bool,
    /// Trust the newest authority only
    #[arg(long)]
    retire: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Node {
    /// The authority's folder
    #[arg(long, value_name = "DIR", default_value = "certs")]
    dir: PathBuf,
    /// The node's number
    #[arg(long = "node", value_name = "N")]
    number: u64,
    /// A name or IP address of the node, for clients that compare it (Lectern's own do not); may be given several times
    #[arg(long, value_name = "HOST")]
    host: Vec<String>,
    /// How many days it is good, at most as long as the authority
    #[arg(long, value_name = "N", default_value_t = NODE_DAYS, value_parser = clap::value_parser!(u32).range(1..=36_500))]
    days: u32,
    /// Replace the one that exists
    #[arg(long)]
    renew: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Operator {
    /// The authority's folder
    #[arg(long, value_name = "DIR", default_value = "certs")]
    dir: PathBuf,
    /// What the operator is called
    #[arg(long, value_name = "NAME")]
    name: String,
    /// How many days it is good, at most as long as the authority
    #[arg(long, value_name = "N", default_value_t = OPERATOR_DAYS, value_parser = clap::value_parser!(u32).range(1..=36_500))]
    days: u32,
    /// Replace the one that exists
    #[arg(long)]
    renew: bool,
}

impl Certs {
    /// Does it; what to print.
    pub(crate) fn run(self) -> Result<String, Problem> {
        match self {
            Self::Ca(ca) => ca.run(),
            Self::Node(Node { dir, number, host, days, renew }) => {
                let issued = Authority::open(&dir)?.issue_node(number, &host, Term::days(days), renew)?;
                Ok(told(&format!("Node {number}"), &issued))
            }
            Self::Operator(Operator { dir, name, days, renew }) => {
                let issued = Authority::open(&dir)?.issue_operator(&name, Term::days(days), renew)?;
                Ok(told(&format!("Operator {name}"), &issued))
            }
            Self::Show(folder) => Ok(folder.describe(&Authority::open(&folder.dir)?)),
        }
    }
}

impl Ca {
    fn run(self) -> Result<String, Problem> {
        let dir = &self.folder.dir;
        let term = Term::days(self.days);
        let authority = if self.renew {
            Authority::open(dir)?.succeed(term)?
        } else if self.retire {
            Authority::open(dir)?.retire()?
        } else {
            Authority::found(dir, &self.cluster_id(dir)?, term)?
        };
        Ok(self.folder.describe(&authority))
    }

    fn cluster_id(&self, dir: &Path) -> Result<String, Problem> {
        if dir.join("ca.pem").exists() {
            return Err(CertsError::Exists { path: dir.join("ca.pem") }.into());
        }
        match (&self.genesis, &self.cluster) {
            (Some(genesis), _) => Ok(Genesis::load(genesis)?.cluster_id),
            (None, Some(id)) => Ok(id.clone()),
            (None, None) => Err("say for which cluster: --genesis FILE, or --cluster ID".into()),
        }
    }
}

impl Folder {
    fn describe(&self, authority: &Authority) -> String {
        if self.print_fingerprint_only {
            return authority.fingerprint().to_string();
        }
        let until =
            jiff::Timestamp::from_second(authority.not_after()).map_or_else(|_| "?".into(), |at| at.to_string());
        let trusted = match authority.trusted() {
            1 => "it alone is trusted".to_owned(),
            more => format!("{more} authorities are trusted, this one signs"),
        };
        format!(
            "Authority of cluster {}, good until {until}; {trusted}.\nIts fingerprint: {}\nClients connect with: \
             lectern://HOST:PORT#{}",
            authority.cluster(),
            authority.fingerprint(),
            authority.fingerprint()
        )
    }
}

fn told(who: &str, issued: &Issued) -> String {
    format!("{who}: certificate in {}, key in {}.", issued.certificate.display(), issued.key.display())
}
