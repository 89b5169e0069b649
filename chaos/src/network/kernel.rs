//! One network namespace for each node, joined by a bridge, and nft's rules in each of them.
//!
//! A node without TLS listens on loopback addresses only, so 127.X.Y.0/24 lives on the virtual links here:
//! `route_localnet` lets the kernel carry it, and nothing but 127.0.0.1 stays on `lo`.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use super::{Addresses, Cuts};

/// Where `ip netns` keeps namespaces; a tmpfs of the run's own covers it.
const NAMESPACES: &str = "/run/netns";

/// The kernel of this run's world.
#[derive(Clone, Debug)]
pub struct Kernel {
    addresses: Addresses,
}

impl Kernel {
    /// Makes the namespaces and links. Only inside a network and mount namespace of the run's own.
    pub fn build(addresses: &Addresses) -> Result<Self, String> {
        run("sh", &["-euc", &building(addresses)])?;
        Ok(Self { addresses: addresses.clone() })
    }

    /// Whether nft can be used here; otherwise why not.
    pub fn has_nft() -> Result<(), String> {
        run("nft", &["list", "ruleset"]).map(drop)
    }

    /// What runs a program in a node's namespace: it becomes the program itself, so that its process is the node's.
    pub fn enter(node: u32) -> Vec<String> {
        let path: PathBuf = [NAMESPACES, &format!("n{node}")].iter().collect();
        vec!["nsenter".into(), format!("--net={}", path.display()), "--".into()]
    }

    /// Puts exactly these faults in force.
    pub fn rule(&self, cuts: &Cuts, loss: &[(u32, u64)]) -> Result<(), String> {
        for node in 1..=self.addresses.places() {
            let rules = rules(&self.addresses, node, cuts, loss);
            let mut command: Vec<String> = Self::enter(node);
            command.extend(["nft".into(), "-f".into(), "-".into()]);
            feed(&command, &rules)?;
        }
        Ok(())
    }
}

fn building(addresses: &Addresses) -> String {
    let net = &addresses.net;
    // The order of the local route and of the addresses matters: what is left of 127.0.0.0/8 on lo would keep packets.
    let mut script = format!(
        "mount -t tmpfs none /run
         localnet='net.ipv4.conf.all.route_localnet=1 net.ipv4.conf.default.route_localnet=1'
         sysctl -qw $localnet
         ip link set lo up
         ip addr del 127.0.0.1/8 dev lo; ip addr add 127.0.0.1/32 dev lo
         ip link add hub type bridge; ip link set hub up
         ip addr add {net}.254/24 dev hub\n"
    );
    for (from, to) in addresses.pairs() {
        let _ = writeln!(script, "ip addr add {}/32 dev hub", addresses.pair_host(from, to));
    }
    for node in 1..=addresses.places() {
        let host = addresses.host(node);
        let _ = writeln!(
            script,
            "ip netns add n{node}
             ip link add v{node} type veth peer name eth0 netns n{node}
             ip link set v{node} master hub up
             ip netns exec n{node} sh -euc \"sysctl -qw $localnet net.ipv4.conf.eth0.route_localnet=1
                 ip link set lo up
                 ip addr del 127.0.0.1/8 dev lo; ip addr add 127.0.0.1/32 dev lo
                 ip addr add {host}/24 dev eth0; ip link set eth0 up\""
        );
    }
    script
}

/// The rules of one node's namespace.
fn rules(addresses: &Addresses, node: u32, cuts: &Cuts, loss: &[(u32, u64)]) -> String {
    let others = |wanted: &dyn Fn(u32) -> bool| -> Option<String> {
        let hosts: BTreeSet<String> = (1..=addresses.places())
            .filter(|other| *other != node && wanted(*other))
            .flat_map(|other| [addresses.host(other), addresses.pair_host(node, other)])
            .collect();
        (!hosts.is_empty()).then(|| hosts.into_iter().collect::<Vec<_>>().join(", "))
    };
    let mut rules = String::from("table inet chaos\ndelete table inet chaos\ntable inet chaos {\n  chain out {\n");
    rules.push_str("    type filter hook output priority 0; policy accept;\n");
    if let Some(hosts) = others(&|other| cuts.contains(&(node, other))) {
        let _ = writeln!(rules, "    ip daddr {{ {hosts} }} drop");
    }
    if let Some((_, percent)) = loss.iter().find(|(of, _)| *of == node)
        && let Some(hosts) = others(&|_| true)
    {
        let _ = writeln!(rules, "    ip daddr {{ {hosts} }} numgen random mod 100 < {percent} drop");
    }
    rules.push_str("  }\n}\n");
    rules
}

/// Runs a program to its end; an error is what it said.
pub fn run(program: &str, args: &[&str]) -> Result<String, String> {
    let output = Command::new(program).args(args).stdin(Stdio::null()).output();
    told(program, &output.map_err(|error| format!("{program}: {error}"))?)
}

fn feed(command: &[String], input: &str) -> Result<String, String> {
    let program = command.join(" ");
    let say = |error: std::io::Error| format!("{program}: {error}");
    let mut child = Command::new(&command[0])
        .args(&command[1..])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(say)?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input.as_bytes()).map_err(say)?;
    }
    told(&program, &child.wait_with_output().map_err(say)?)
}

fn told(program: &str, output: &Output) -> Result<String, String> {
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.lines().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing");
    Err(format!("{program} failed ({}): {said}", output.status))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses() -> Addresses {
        Addresses::new("127.77.0", 2)
    }

    #[test]
    fn a_one_way_cut_is_a_rule_of_the_sender_alone() {
        let cuts = Cuts::from([(1, 2)]);
        let sender = rules(&addresses(), 1, &cuts, &[]);
        assert!(sender.contains("ip daddr { 127.77.0.112, 127.77.0.2 } drop"), "{sender}");
        assert!(!rules(&addresses(), 2, &cuts, &[]).contains("drop"));
        assert!(!rules(&addresses(), 3, &cuts, &[]).contains("drop"));
    }

    #[test]
    fn loss_hits_what_goes_to_nodes_and_not_what_goes_to_clients() {
        let lossy = rules(&addresses(), 3, &Cuts::new(), &[(3, 20)]);
        let hosts = "127.77.0.1, 127.77.0.131, 127.77.0.132, 127.77.0.2";
        assert!(lossy.contains(&format!("ip daddr {{ {hosts} }} numgen random mod 100 < 20 drop")), "{lossy}");
        assert!(!lossy.contains("127.77.0.254"));
    }

    #[test]
    fn what_a_program_said_is_the_error() {
        let error = run("sh", &["-c", "echo no such luck >&2; exit 3"]).unwrap_err();
        assert!(error.contains("no such luck"), "{error}");
        assert!(run("no-such-program", &[]).is_err());
    }
}
