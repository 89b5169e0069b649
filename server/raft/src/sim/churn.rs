//! Members that come and go: newcomers ask for a number and start on an empty disk; operators drain, restore and remove
//! nodes, and hand leadership over; nodes are switched off for longer than they keep their votes, or lose their disks.
//!
//! An operator asks the leader first, as a shell does, and what is granted is written into the log. Now and then something is
//! written that was not granted: between the judgement and the log the world may have changed.

use raft::eraftpb::EntryType;

use crate::{
    Committed, CommittedKind, Effect, Hello, Input, NodeId, Replica, Role,
    membership::{Request, Settings, Stage},
    sim::{
        SimDisk,
        checks::{Outcome, ensure},
        faults::Fault,
        machine::Machine,
        members::Proposed,
        node::{Ask, Delivery, Node},
        orders::{self, Command, Order},
        plan::Deed,
        world::{CLUSTER, Event, World},
    },
};

/// Disks that want to join.
#[derive(Debug, Default)]
pub(crate) struct Newcomers {
    /// How many there were.
    disks: u64,
}

impl<M: Machine> World<M> {
    /// Somebody does something about the members, and will again.
    pub(crate) fn operate(&mut self) -> Outcome {
        let Some(churn) = self.plan.churn.as_ref().filter(|_| !self.healed) else { return Ok(()) };
        let (deed, next) = churn.next(&mut self.dice);
        self.schedule(next, Event::Operator);
        self.deed(deed)
    }

    pub(crate) fn deed(&mut self, deed: Deed) -> Outcome {
        if self.healed {
            return Ok(());
        }
        let node = self.some_member();
        match deed {
            Deed::Join => self.ask_to_join(),
            Deed::Remove => self.order(Request::Remove(node), Order::Remove { node }),
            Deed::Drain => self.order(Request::Drain(node), Order::Drain { node }),
            Deed::Restore => self.order(Request::Restore(node), Order::Restore { node }),
            Deed::Transfer => self.hand_over(node),
            Deed::Describe => {
                let card = self.dice.roll();
                self.write_order(Order::Describe { node, card })
            }
            Deed::Away => {
                self.send_away(node);
                Ok(())
            }
            Deed::LoseDisk => {
                self.lose_disk(node);
                Ok(())
            }
            Deed::LoseMajority => self.lose_majority(),
        }
    }

    /// Whom an operator turns to: a leader that has settled.
    fn ready_leader(&mut self) -> Option<NodeId> {
        let leads = |node: &&Node<M>| node.is_up() && node.role.ready && node.paused_until <= self.now;
        let leaders: Vec<NodeId> = self.nodes.values().filter(leads).map(|node| node.config.node).collect();
        self.dice.pick(&leaders).copied()
    }

    /// Often the leader.
    fn some_member(&mut self) -> NodeId {
        let present = self.ids();
        let members: Vec<NodeId> =
            self.checks.members.all().into_iter().filter(|node| present.contains(node)).collect();
        let leaders = members.iter().copied().filter(|node| self.nodes[node].role.role == Role::Leader);
        let leaders: Vec<NodeId> = leaders.collect();
        let choice = if leaders.is_empty() || !self.dice.chance(250) { members } else { leaders };
        self.dice.pick(&choice).copied().unwrap_or(present[0])
    }

    /// A new disk wants to join, or one that asks again because it lost the answer.
    fn ask_to_join(&mut self) -> Outcome {
        let most = self.plan.churn.as_ref().map_or(0, |churn| churn.most_nodes);
        let again = self.newcomers.disks > 0 && (self.dice.chance(200) || self.nodes.len() >= most);
        let disk = if again { 1 + self.dice.below(self.newcomers.disks) } else { self.newcomers.disks + 1 };
        if self.nodes.len() >= most && !again {
            return Ok(());
        }
        self.newcomers.disks = self.newcomers.disks.max(disk);
        let card = self.dice.below(1 << 16);
        self.order(Request::Join, Order::Enrol { disk, card })
    }

    /// Asks the leader, and writes down what is granted.
    fn order(&mut self, request: Request, order: Order) -> Outcome {
        let Some(leader) = self.ready_leader() else { return Ok(()) };
        let answer = self.nodes[&leader].replica.as_ref().and_then(|replica| replica.ask(request).ok());
        let Some(answer) = answer else { return Ok(()) };
        if answer.granted {
            self.checks.counters.requests_granted += 1;
        } else {
            self.checks.counters.requests_declined += 1;
            if !self.dice.chance(150) {
                return Ok(());
            }
        }
        self.tell(|| format!("node {leader} is to write {order:?}: {}", answer.text));
        self.write_order_at(leader, order)
    }

    fn write_order(&mut self, order: Order) -> Outcome {
        let leader = self.ready_leader();
        leader.map_or(Ok(()), |leader| self.write_order_at(leader, order))
    }

    fn write_order_at(&mut self, leader: NodeId, order: Order) -> Outcome {
        let id = self.clients.number();
        self.clients.proposes_itself(id, leader);
        self.deliver(leader, Delivery::Ask { id, what: Ask::Order(order) })
    }

    fn hand_over(&mut self, to: NodeId) -> Outcome {
        let Some(leader) = self.ready_leader() else { return Ok(()) };
        let answer = self.nodes[&leader].replica.as_ref().and_then(|replica| replica.ask(Request::Transfer(to)).ok());
        if answer.is_none_or(|answer| !answer.granted) {
            return Ok(());
        }
        self.checks.counters.transfers += 1;
        self.feed(leader, Input::Transfer { to: Some(to) })
    }

    /// For longer than the node keeps its vote, sometimes for longer than it stays a member.
    fn send_away(&mut self, node: NodeId) {
        let Some(Settings { replace_ms, forget_ms, .. }) = self.plan.churn.as_ref().map(|churn| churn.settings.clone())
        else {
            return;
        };
        let at_least = if self.dice.chance(250) { replace_ms + forget_ms } else { replace_ms };
        let length = at_least + self.dice.below(replace_ms);
        self.checks.counters.absences += 1;
        if self.dice.chance(300) {
            self.tell(|| format!("node {node} stands still for {length} ms"));
            self.node(node).paused_until = self.now + length;
            return;
        }
        self.die(node, &format!("is switched off for {length} ms"));
        self.node(node).away_until = self.now + length;
        self.schedule(length, Event::Fault(Fault::Restart(node)));
    }

    /// An entry is applied for the first time: what it means for the members.
    pub(crate) fn first_applied(&mut self, id: NodeId, entry: &Committed) -> Outcome {
        let roster = &self.nodes[&id].state.roster;
        match &entry.kind {
            CommittedKind::Configuration(_) => self.checks.members.roster = roster.clone(),
            CommittedKind::Command(command) => {
                let Command::Roster(order) = orders::read(command) else { return Ok(()) };
                self.checks.members.roster = roster.clone();
                if let Order::Enrol { disk, .. } = order {
                    return self.numbered(disk);
                }
            }
            CommittedKind::Empty => {}
        }
        Ok(())
    }

    /// A disk has its number, and hears of it.
    fn numbered(&mut self, disk: u64) -> Outcome {
        let incarnation = orders::incarnation(disk);
        let records = self.checks.members.roster.records().iter();
        let mut known = records.filter(|(_, record)| record.incarnation.as_ref() == Some(&incarnation));
        let Some((node, _)) = known.next().map(|(node, record)| (*node, record.stage)) else { return Ok(()) };
        self.checks.members.numbered(node, &incarnation)?;
        let started = self.nodes.get(&node).is_some_and(|node| node.config.hello.incarnation == incarnation);
        // Some never come.
        if !started && !self.dice.chance(50) {
            let long = self.dice.chance(200);
            let delay = 10 + self.dice.below(if long { 5_000 } else { 300 });
            self.schedule(delay, Event::ComeUp { node, disk });
        }
        Ok(())
    }

    /// A newcomer has founded its log as one that joins, and starts.
    pub(crate) fn come_up(&mut self, id: NodeId, disk: u64) -> Outcome {
        let incarnation = orders::incarnation(disk);
        let before = self.nodes.get(&id);
        if before.is_some_and(|node| node.config.hello.incarnation.starts_with(&incarnation)) {
            return Ok(());
        }
        let life = before.map_or(0, |node| node.life + 1);
        let synchronous = self.dice.chance(self.plan.synchronous_permille);
        let hello = Hello { cluster_id: CLUSTER.to_owned(), epoch: self.epoch, node: id, incarnation };
        let mut node = Node::new(hello, &[], synchronous, |config| self.plan.configure(config));
        (node.life, node.joined) = (life, true);
        node.skew = i64::try_from(self.dice.below(self.plan.skew_ms + 1)).unwrap_or(0);
        node.system_clock = node.skew;
        self.tell(|| format!("node {id} joins, on an empty disk"));
        self.nodes.insert(id, node);
        // All tick at the same moments: what is done every so many of them is done at multiples.
        let tick = self.nodes[&id].config.tick_ms;
        self.schedule(tick - self.now % tick, Event::Tick(id));
        self.start(id)
    }

    /// A leader is about to write a change of the configuration: may it?
    pub(crate) fn check_changes(&self, id: NodeId, effect: &Effect) -> Outcome {
        let (Effect::Persist(persist), Some(churn)) = (effect, &self.plan.churn) else { return Ok(()) };
        let node = &self.nodes[&id];
        let changes = persist.entries.iter().filter(|entry| entry.entry_type != EntryType::EntryNormal as i32);
        for entry in changes.filter(|entry| node.role.role == Role::Leader && entry.term == node.role.term) {
            let Some(status) = node.replica.as_ref().map(Replica::<SimDisk>::status) else { return Ok(()) };
            let proposed = Proposed {
                leader: id,
                entry,
                conf_state: &status.conf_state,
                led_ms: self.now - node.ready_since,
                settle_ms: churn.settings.settle_ms,
            };
            let lag = churn.settings.lag_ms;
            let heard = |peer: NodeId| node.heard.get(&peer).is_some_and(|at| self.now - at <= lag);
            proposed.check(heard)?;
        }
        Ok(())
    }

    /// Who knows that it was removed does not lead (trap 3).
    pub(crate) fn leads_as_a_voter(&self, id: NodeId) -> Outcome {
        let node = &self.nodes[&id];
        if node.role.role != Role::Leader || !self.checks.members.is_gone(id) {
            return Ok(());
        }
        let Some(status) = node.replica.as_ref().map(Replica::<SimDisk>::status) else { return Ok(()) };
        ensure(status.is_member() || status.role != Role::Leader, || format!("node {id} was removed, and leads on"))
    }

    /// Everyone who belongs to the cluster has its place, and nothing is left to be done: the configuration is not joint; no
    /// newcomer waits although there is room; the voters are as many as there should be, as far as nodes are healthy; nobody
    /// who is to leave is there that could go.
    pub(crate) fn is_at_rest(&self) -> bool {
        let Some(churn) = &self.plan.churn else { return true };
        let (members, settings) = (&self.checks.members, &churn.settings);
        let conf = &members.now;
        let leads = |node: &&Node<M>| node.is_up() && node.role.ready && self.left_out != Some(node.config.node);
        let Some(leader) = self.nodes.values().find(leads) else { return false };
        let sound = |node: &NodeId| self.is_sound(*node);
        let stays = |node: &NodeId| {
            members.roster.records().get(node).is_some_and(|record| record.stage == Stage::Member && !record.drained)
        };
        let waiting = members
            .roster
            .records()
            .iter()
            .any(|(node, record)| record.stage == Stage::Enrolled && self.nodes.get(node).is_some_and(Node::is_up));
        let leaving = conf
            .learners
            .iter()
            .any(|node| members.roster.records().get(node).is_some_and(|record| record.stage == Stage::Leaving));
        let spares = conf.learners.iter().filter(|node| sound(node) && stays(node)).count();
        let voters = conf.voters.len();
        let more = if voters.is_multiple_of(2) { 1 } else { 2 };
        let room = voters + more <= settings.target_voters && spares >= more;
        let silent = |node: &NodeId| !self.nodes.get(node).is_some_and(Node::is_up);
        let unwanted = |node: &&NodeId| **node != leader.config.node && (silent(node) || !stays(node));
        // The others could finish it alone.
        let can_go =
            |node: &&NodeId| conf.voters.iter().filter(|voter| voter != node && sound(voter)).count() > voters / 2;
        let dismissed = spares > 0 && conf.voters.iter().filter(unwanted).any(|node| can_go(&node));
        let successor = |node: &NodeId| *node != leader.config.node && sound(node) && stays(node);
        let led_well = stays(&leader.config.node) || !conf.voters.iter().any(successor);
        let full = members.all().len() >= settings.max_members;
        conf.voters_outgoing.is_empty() && (!waiting || full) && !leaving && !room && !dismissed && led_well
    }
}
