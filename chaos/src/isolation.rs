//! A world of the run's own: network, mounts and processes in namespaces that end with it, whatever ends it.

use std::process::{Command, Stdio};

/// Makes and leaves everything the run will need.
const PROBE: &str = "command -v nsenter >/dev/null || { echo 'nsenter is missing' >&2; exit 1; }
mount -t tmpfs none /run
sysctl -qw net.ipv4.conf.all.route_localnet=1
ip netns add probe
ip link add here type veth peer name there netns probe
ip link add hub type bridge";

/// `unshare` and what it is to make. Who is not root becomes so in a user namespace, where the system allows it.
pub fn unshare() -> Vec<&'static str> {
    let mut words = vec!["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];
    if !rustix::process::geteuid().is_root() {
        words.extend(["--user", "--map-root-user"]);
    }
    words
}

/// Whether such a world can be made here; otherwise why not.
pub fn probe() -> Result<(), String> {
    let words = unshare();
    let output = Command::new(words[0]).args(&words[1..]).args(["sh", "-euc", PROBE]).stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("unshare cannot be run: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(said.lines().find(|line| !line.trim().is_empty()).unwrap_or("unshare failed and said nothing").to_owned())
}
