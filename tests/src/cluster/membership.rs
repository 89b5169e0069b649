//! Nodes that come and go.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use serde_json::Value;

use super::{Cluster, PATIENCE};
use crate::program::{Person, Ran, bin};
use crate::wait;

/// `server.toml` of a cluster that notices soon who comes and goes: to be [`Cluster::extra_config`].
pub const QUICK_MEMBERSHIP: &str = "[membership]\nsettle_ms = 500\nlag_ms = 1000\nready_ms = 500\ndegraded_ms = 1500\n\
                                    replace_ms = 3000\nretry_ms = 500\n";

impl Cluster {
    /// Runs `lectern-monitor` as an operator: with a certificate where nodes have some, else with the key in a node's data.
    pub fn operate(&self, args: &[&str]) -> Ran {
        let as_operator: Vec<String> = if self.fingerprint.is_some() {
            let file = |ending: &str| self.certs_dir().join(format!("operator-ada.{ending}"));
            if !file("pem").exists() {
                self.certs(&["operator", "--name", "ada"]);
            }
            ["--cert".into(), file("pem").display().to_string(), "--key".into(), file("key").display().to_string()]
                .into()
        } else {
            let data = self.data_dir(self.present().next().expect("a node is left"));
            ["--operator-key".into(), data.display().to_string(), "--operator".into(), "ada".into()].into()
        };
        let args: Vec<&str> = args.iter().copied().chain(as_operator.iter().map(String::as_str)).collect();
        self.monitor().run(&args)
    }

    /// The same for an order that is granted sooner or later: what is in the way passes, such as a leader that does not know the
    /// others yet, or a spare that is not ready.
    pub fn order(&self, args: &[&str]) -> Value {
        wait::until(&format!("{args:?} to be granted"), PATIENCE, || {
            let ran = self.operate(args);
            assert!([0, 1, 4].contains(&ran.code), "`{}` ended with {}: {}", ran.command, ran.code, ran.stderr);
            (ran.code == 0).then(|| ran.json())
        })
    }

    /// Somebody at the monitor who is no operator.
    pub fn monitor(&self) -> Person {
        Person::new("lectern-monitor", &self.path("monitor"), &self.endpoints())
    }

    /// What `lectern-monitor members --json` prints, by the word of a leader.
    pub fn members(&self) -> Value {
        wait::until("a leader's word about the members", PATIENCE, || {
            let ran = self.monitor().run(&["members"]);
            let members: Value = serde_json::from_str(&ran.stdout).ok()?;
            (members["seen_by_leader"] == true).then_some(members)
        })
    }

    /// What is known of one member; null when it is none.
    pub fn member(&self, node: u32) -> Value {
        let members = self.members();
        let found = members["members"].as_array().into_iter().flatten().find(|member| member["node"] == node);
        found.cloned().unwrap_or_default()
    }

    /// The members that stand so: `voter`, `learner`.
    pub fn standing(&self, standing: &str) -> BTreeSet<u32> {
        let members = self.members();
        let such = members["members"].as_array().into_iter().flatten().filter(|member| member["standing"] == standing);
        such.filter_map(|member| u32::try_from(member["node"].as_u64()?).ok()).collect()
    }

    /// Waits until exactly these vote, and no change is half done.
    pub fn await_voters(&self, voters: &[u32]) {
        let wanted: BTreeSet<u32> = voters.iter().copied().collect();
        wait::until(&format!("the voters {wanted:?}"), PATIENCE, || {
            (self.members()["joint"] == false && self.standing("voter") == wanted).then_some(())
        });
    }

    /// A token with which one node can join.
    pub fn join_token(&self) -> String {
        // For a moment after the start the nodes do not know yet that all of them understand tokens.
        let made = wait::until("a token", PATIENCE, || {
            let ran = self.operate(&["members", "token", "create", "--label", "a test"]);
            (ran.code == 0).then(|| ran.json())
        });
        made["token"].as_str().expect("a token").to_owned()
    }

    /// What lets a new node join: the number that it will get, and the command to run.
    pub fn invite(&mut self) -> (u32, Command) {
        let node = self.size + 1;
        let token = self.join_token();
        let contact = self.address(self.present().next().expect("a node is left"));
        self.size = node;
        self.nodes.push(None);
        let config = self.write_config(node);
        let mut join = Command::new(bin("lectern-server"));
        join.args(["join", "--token", &token, "--contact", &contact, "--config"]).arg(&config);
        (node, join)
    }

    /// Lets a new node join and starts it; returns its number.
    pub fn join_node(&mut self) -> u32 {
        let (node, mut join) = self.invite();
        let joined =
            Ran::new(format!("lectern-server join (node {node})"), join.output().expect("lectern-server starts"));
        if self.fingerprint.is_some() {
            // Now that it has a number, it needs a certificate.
            let told = format!("certs node --dir certs --node {node}");
            assert!(joined.code == 1 && joined.stderr.contains(&told), "{}", joined.stderr);
            self.certs(&["node", "--node", &node.to_string(), "--host", &format!("{}.{node}", self.net)]);
        } else {
            let joined = joined.ok();
            assert!(joined.stdout.contains(&format!("This is node {node} ")), "{}", joined.stdout);
        }
        self.start_node(node);
        node
    }

    /// Lets a new node join, starts it and waits until it belongs to the cluster; returns its number.
    pub fn add_node(&mut self) -> u32 {
        let node = self.join_node();
        self.monitor().run(&["members", "await", &node.to_string(), "--within", "60s"]).ok();
        node
    }

    /// Removes a node as an operator does, and waits until it has left and its process has ended.
    pub fn remove_node(&mut self, node: u32) {
        self.order(&["remove", &node.to_string(), "--yes"]);
        wait::until(&format!("node {node} to have left"), PATIENCE, || self.member(node).is_null().then_some(()));
        self.retire(node);
    }

    /// Waits for the end of a node that was removed while it ran, and expects nothing of it any more.
    pub fn retire(&mut self, node: u32) {
        self.gone.insert(node);
        if self.nodes[node as usize - 1].is_some() {
            wait::until(&format!("node {node} to notice that it was removed"), PATIENCE, || {
                (!self.runs(node)).then_some(())
            });
            self.nodes[node as usize - 1] = None;
        }
    }

    /// Removes what a node kept on its disk.
    pub fn wipe(&self, node: u32) {
        fs::remove_dir_all(self.data_dir(node)).expect("the folder can be removed");
    }

    /// Nodes that were not removed.
    pub(super) fn present(&self) -> impl Iterator<Item = u32> + use<'_> {
        (1..=self.size).filter(|node| !self.gone.contains(node))
    }
}
