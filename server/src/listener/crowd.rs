//! Who is connected to a listener, and who has to go when too many are.
//!
//! A connection is *idle* while no call is open on it. When one more comes than there is room for, the idle one that is worth
//! least gives its place up: first those that never called, then those of the address that has most, then whoever has been
//! idle for longest. Where nobody is idle, the newcomer is refused.
//!
//! A listener can keep some of its places from *newcomers*, connections on which no call has begun yet: where a call begins
//! only after a proof, as among nodes, those without one never take all places.
//!
//! Invariants:
//! * A connection with an open call is never closed for another's sake.
//! * Whoever has just come has a moment to say what it wants.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

/// Whoever came less long ago does not give its place up.
const FIRST_MOMENT: Duration = Duration::from_millis(100);
/// Without any call for this long a connection is closed, however much room there is: programs connect again unasked.
pub(super) const LONGEST_IDLE: Duration = Duration::from_mins(5);

/// How many connections a listener has room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// At once.
    pub total: usize,
    /// … from one address; all addresses of one IPv6 network of 64 bits count as one.
    pub per_address: usize,
}

/// Why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Full {
    /// All are taken, and in use.
    Everywhere(usize),
    /// The caller's address has as many as one may have, and uses them.
    Address(usize),
    /// As many as may have called nothing yet have just come.
    Newcomers(usize),
}

/// See the module.
pub(super) struct Crowd {
    room: Room,
    /// How many may be there on which no call has begun yet.
    newcomers: usize,
    begun: Instant,
    guests: Mutex<Guests>,
}

#[derive(Default)]
struct Guests {
    next: u64,
    present: BTreeMap<u64, Guest>,
    by_network: HashMap<IpAddr, usize>,
}

struct Guest {
    network: IpAddr,
    came_ms: u64,
    activity: Arc<Activity>,
    /// Closes the connection.
    leave: oneshot::Sender<()>,
}

/// What happens on a connection.
#[derive(Debug, Default)]
struct Activity {
    open: AtomicUsize,
    called: AtomicBool,
    idle_since_ms: AtomicU64,
}

/// A connection's place; given up when it is dropped.
pub(super) struct Place {
    crowd: Arc<Crowd>,
    id: u64,
    activity: Arc<Activity>,
}

/// A connection that has found a place.
pub(super) struct Entered {
    pub(super) place: Place,
    /// Resolves when it has to leave.
    pub(super) told: oneshot::Receiver<()>,
    /// Another one had to leave for it.
    pub(super) instead_of_another: bool,
}

/// Opens calls on one connection.
#[derive(Clone, Debug)]
pub(crate) struct Calls {
    begun: Instant,
    activity: Arc<Activity>,
}

/// A call that is open.
pub(crate) struct OpenCall(Calls);

impl Crowd {
    pub(super) fn new(room: Room, newcomers: usize) -> Arc<Self> {
        Arc::new(Self { room, newcomers, begun: Instant::now(), guests: Mutex::default() })
    }

    /// A place for a connection from `address`.
    pub(super) fn enter(self: &Arc<Self>, address: IpAddr) -> Result<Entered, Full> {
        self.enter_at(address, ms(self.begun.elapsed()))
    }

    fn enter_at(self: &Arc<Self>, address: IpAddr, now_ms: u64) -> Result<Entered, Full> {
        let network = network(address);
        let mut guests = self.guests();
        let full = self.full(&guests, network);
        if let Some(full) = full {
            let id = guests.least_worth(full, network, now_ms).ok_or(full)?;
            guests.send_away(id);
        }
        let (leave, told) = oneshot::channel();
        let activity = Arc::new(Activity::default());
        activity.idle_since_ms.store(now_ms, Ordering::Relaxed);
        let id = guests.next;
        guests.next += 1;
        guests.present.insert(id, Guest { network, came_ms: now_ms, activity: Arc::clone(&activity), leave });
        *guests.by_network.entry(network).or_default() += 1;
        Ok(Entered { place: Place { crowd: Arc::clone(self), id, activity }, told, instead_of_another: full.is_some() })
    }

    /// Why one of this network finds no place that is free.
    fn full(&self, guests: &Guests, network: IpAddr) -> Option<Full> {
        if guests.by_network.get(&network).is_some_and(|count| *count >= self.room.per_address) {
            Some(Full::Address(self.room.per_address))
        } else if guests.present.len() >= self.room.total {
            Some(Full::Everywhere(self.room.total))
        } else if self.newcomers < self.room.total && guests.newcomers() >= self.newcomers {
            Some(Full::Newcomers(self.newcomers))
        } else {
            None
        }
    }

    /// Closes what has been idle for too long; returns how many.
    pub(super) fn close_idle(&self) -> usize {
        self.close_idle_at(ms(self.begun.elapsed()))
    }

    fn close_idle_at(&self, now_ms: u64) -> usize {
        let mut guests = self.guests();
        let longest = ms(LONGEST_IDLE);
        let idle = guests.present.iter().filter(|(_, guest)| guest.activity.idle_ms(now_ms) >= Some(longest));
        let idle: Vec<u64> = idle.map(|(id, _)| *id).collect();
        for id in &idle {
            guests.send_away(*id);
        }
        idle.len()
    }

    /// How many are there.
    pub(super) fn len(&self) -> usize {
        self.guests().present.len()
    }

    fn guests(&self) -> MutexGuard<'_, Guests> {
        self.guests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Guests {
    /// The idle connection that gives its place up, among those that make it `full` for one of this network.
    fn least_worth(&self, full: Full, network: IpAddr, now_ms: u64) -> Option<u64> {
        let candidates = self.present.iter().filter(|(_, guest)| match full {
            Full::Everywhere(_) => true,
            Full::Address(_) => guest.network == network,
            Full::Newcomers(_) => guest.is_newcomer(),
        });
        let idle = candidates.filter_map(|(id, guest)| {
            let idle_ms = guest.activity.idle_ms(now_ms)?;
            if now_ms.saturating_sub(guest.came_ms) < ms(FIRST_MOMENT) {
                return None;
            }
            let called = !guest.is_newcomer();
            let neighbours = self.by_network.get(&guest.network).copied().unwrap_or_default();
            Some(((called, Reverse(neighbours), Reverse(idle_ms)), *id))
        });
        idle.min().map(|(_, id)| id)
    }

    fn newcomers(&self) -> usize {
        self.present.values().filter(|guest| guest.is_newcomer()).count()
    }

    fn send_away(&mut self, id: u64) {
        if let Some(guest) = self.forget(id) {
            // Gone already: so is its place.
            let _gone = guest.leave.send(());
        }
    }

    fn forget(&mut self, id: u64) -> Option<Guest> {
        let guest = self.present.remove(&id)?;
        if let Some(count) = self.by_network.get_mut(&guest.network) {
            *count -= 1;
            if *count == 0 {
                self.by_network.remove(&guest.network);
            }
        }
        Some(guest)
    }
}

impl Guest {
    fn is_newcomer(&self) -> bool {
        !self.activity.called.load(Ordering::Relaxed)
    }
}

impl Activity {
    /// For how long no call has been open; `None` while one is.
    fn idle_ms(&self, now_ms: u64) -> Option<u64> {
        let idle = self.open.load(Ordering::Acquire) == 0;
        idle.then(|| now_ms.saturating_sub(self.idle_since_ms.load(Ordering::Relaxed)))
    }
}

impl Place {
    /// For whoever answers calls.
    pub(super) fn calls(&self) -> Calls {
        Calls { begun: self.crowd.begun, activity: Arc::clone(&self.activity) }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.crowd.guests().forget(self.id);
    }
}

impl Calls {
    /// A call begins; it ends when what is returned is dropped.
    pub(crate) fn begin(&self) -> OpenCall {
        self.activity.called.store(true, Ordering::Relaxed);
        self.activity.open.fetch_add(1, Ordering::AcqRel);
        OpenCall(self.clone())
    }
}

impl Drop for OpenCall {
    fn drop(&mut self) {
        let Calls { begun, activity } = &self.0;
        activity.idle_since_ms.store(ms(begun.elapsed()), Ordering::Relaxed);
        activity.open.fetch_sub(1, Ordering::AcqRel);
    }
}

fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// What counts as one address: whoever has one IPv6 address has a whole network of them.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LATER_MS: u64 = 10_000;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn crowd(total: usize, per_address: usize) -> Arc<Crowd> {
        Crowd::new(Room { total, per_address }, total)
    }

    fn was_told(entered: &mut Entered) -> bool {
        entered.told.try_recv().is_ok()
    }

    #[test]
    fn a_place_that_is_left_is_free_again_and_a_newcomer_is_not_pushed_out_at_once() {
        let crowd = crowd(2, 2);
        let first = crowd.enter_at(address("10.0.0.1"), 0).unwrap();
        let _second = crowd.enter_at(address("10.0.0.2"), 0).unwrap();
        assert_eq!(crowd.enter_at(address("10.0.0.3"), 1).err(), Some(Full::Everywhere(2)));
        drop(first);
        assert_eq!(crowd.len(), 1);
        assert!(!crowd.enter_at(address("10.0.0.3"), 1).unwrap().instead_of_another);
    }

    #[test]
    fn whoever_never_called_goes_first_and_whoever_is_in_a_call_stays() {
        let crowd = crowd(3, 3);
        let enter = |last: u64, now_ms| crowd.enter_at(address(&format!("10.0.0.{last}")), now_ms);
        let (mut calling, mut idle, mut silent) = (enter(1, 0).unwrap(), enter(2, 0).unwrap(), enter(3, 1).unwrap());
        let open = calling.place.calls().begin();
        drop(idle.place.calls().begin());
        let fourth = enter(4, LATER_MS).unwrap();
        assert!(fourth.instead_of_another && was_told(&mut silent) && !was_told(&mut idle));
        let _fifth = enter(5, LATER_MS).unwrap();
        assert!(was_told(&mut idle) && !was_told(&mut calling));
        assert_eq!(enter(6, LATER_MS).err(), Some(Full::Everywhere(3)), "one is in a call, and two have just come");
        drop(open);
        let _sixth = enter(6, LATER_MS).unwrap();
        assert!(was_told(&mut calling));
    }

    #[test]
    fn the_idle_ones_of_the_address_with_most_go_before_others() {
        let crowd = crowd(4, 3);
        let mut lonely = crowd.enter_at(address("10.0.0.1"), 0).unwrap();
        let mut many: Vec<_> = (1..=3).map(|at| crowd.enter_at(address("10.0.0.2"), at).unwrap()).collect();
        let _newcomer = crowd.enter_at(address("10.0.0.3"), LATER_MS).unwrap();
        assert!(!was_told(&mut lonely) && was_told(&mut many[0]));
    }

    #[test]
    fn an_address_that_has_its_share_pushes_out_only_its_own() {
        let crowd = crowd(100, 2);
        let mut other = crowd.enter_at(address("10.0.0.9"), 0).unwrap();
        let mut own: Vec<_> = (0..2).map(|at| crowd.enter_at(address("2001:db8::1"), at).unwrap()).collect();
        assert_eq!(crowd.enter_at(address("2001:db8::2"), 2).err(), Some(Full::Address(2)), "one network");
        assert!(!crowd.enter_at(address("2001:db8:0:1::2"), 2).unwrap().instead_of_another, "another network");
        let _third = crowd.enter_at(address("2001:db8::3"), LATER_MS).unwrap();
        assert!(was_told(&mut own[0]) && !was_told(&mut own[1]) && !was_told(&mut other));
        let _second = crowd.enter_at(address("::ffff:10.0.0.9"), LATER_MS).unwrap();
        assert_eq!(crowd.guests().by_network[&address("10.0.0.9")], 2, "an address has one form");
    }

    #[test]
    fn newcomers_push_out_each_other_and_leave_the_other_places_to_those_that_called() {
        let crowd = Crowd::new(Room { total: 6, per_address: 6 }, 2);
        let enter = |now_ms| crowd.enter_at(address("10.0.0.1"), now_ms);
        let mut called = enter(0).unwrap();
        drop(called.place.calls().begin());
        let mut calling = enter(0).unwrap();
        let _open = calling.place.calls().begin();
        let (mut first, mut second) = (enter(1).unwrap(), enter(2).unwrap());
        assert_eq!(enter(3).err(), Some(Full::Newcomers(2)), "they have just come");
        assert!(enter(LATER_MS).unwrap().instead_of_another);
        assert!(was_told(&mut first) && !was_told(&mut second));
        let _now_called = second.place.calls().begin();
        assert!(!enter(LATER_MS).unwrap().instead_of_another, "who has called is no newcomer");
        assert!(!was_told(&mut called) && !was_told(&mut calling));
    }

    #[test]
    fn what_is_idle_for_long_is_closed_and_a_long_call_is_not() {
        let crowd = crowd(9, 9);
        let mut idle = crowd.enter_at(address("10.0.0.1"), 0).unwrap();
        let mut watching = crowd.enter_at(address("10.0.0.1"), 0).unwrap();
        let _open = watching.place.calls().begin();
        assert_eq!(crowd.close_idle_at(ms(LONGEST_IDLE) - 1), 0);
        assert_eq!(crowd.close_idle_at(ms(LONGEST_IDLE)), 1);
        assert!(was_told(&mut idle) && !was_told(&mut watching));
        assert_eq!(crowd.len(), 1);
    }
}
