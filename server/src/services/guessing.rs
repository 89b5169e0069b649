//! Slowing down guesses of passwords and codes.
//!
//! The limit is for an account *at an address*: whoever guesses slows down that pair and nothing else. Many wrong guesses
//! from one address, over however many accounts, refuse nobody who has not guessed wrong there themselves, because a
//! whole class may sit behind one address: they only take the free guesses away. So one machine that tries many
//! accounts has one guess at each, not five, and a classmate beside it still signs in at once.
//!
//! An attempt is charged before the password is looked at, so that many at once gain nothing, and given back when it
//! proves right. Attempts made while waiting are refused without being charged. Time is passed in.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

/// Wrong guesses at an account from an address that cost nothing.
const FREE_GUESSES: u32 = 5;
/// The same, while the address has spent its own allowance.
const FREE_GUESSES_WHEN_SPENT: u32 = 1;
/// The longest wait for an account at an address.
const LONGEST_WAIT_MS: i64 = 15 * 60 * 1000;
/// The first wait; each further one is twice as long.
const FIRST_WAIT_MS: i64 = 1000;
/// Guesses at an account are forgotten after this much quiet.
const FORGET_AFTER_MS: i64 = 60 * 60 * 1000;
/// Wrong guesses that are an address's allowance, over all accounts.
const ADDRESS_ALLOWANCE: i64 = 100;
/// No more than this is counted against an address: it recovers within minutes.
const MAX_SPENT: i64 = 2 * ADDRESS_ALLOWANCE;
/// One of them comes back each time this passes.
const ADDRESS_REFILL_MS: i64 = 2000;
/// Entries of each table.
const MAX_ENTRIES: usize = 50_000;

#[derive(Clone, Copy, Debug)]
struct Guesses {
    count: u32,
    last_ms: i64,
}

/// The address's spent guesses, as the time at which all of them will have been refilled.
#[derive(Clone, Copy, Debug)]
struct Spent {
    refilled_at_ms: i64,
}

/// Who guessed how often.
#[derive(Debug, Default)]
pub struct Guessing {
    by_account: HashMap<(String, IpAddr), Guesses>,
    by_address: HashMap<IpAddr, Spent>,
}

impl Guessing {
    /// Charges one attempt at `account` (any case) from `address`, or says how long to wait.
    pub fn begin(&mut self, account: &str, address: IpAddr, now_ms: i64) -> Result<(), Duration> {
        let (key, network) = (key(account, address), network(address));
        let guesses = self.by_account.get(&key).copied().filter(|it| it.last_ms + FORGET_AFTER_MS > now_ms);
        let refilled_at_ms = self.by_address.get(&network).map_or(now_ms, |it| it.refilled_at_ms.max(now_ms));
        let all_spent_ms = now_ms + ADDRESS_ALLOWANCE * ADDRESS_REFILL_MS;
        let free = if refilled_at_ms >= all_spent_ms { FREE_GUESSES_WHEN_SPENT } else { FREE_GUESSES };
        let wait = guesses.map_or(0, |it| it.last_ms + wait_after(it.count, free) - now_ms);
        if wait > 0 {
            return Err(Duration::from_millis(wait.unsigned_abs()));
        }
        let next = Guesses { count: guesses.map_or(0, |it| it.count).saturating_add(1), last_ms: now_ms };
        let refilled_at_ms = (refilled_at_ms + ADDRESS_REFILL_MS).min(now_ms + MAX_SPENT * ADDRESS_REFILL_MS);
        make_room(&mut self.by_account, |it| it.last_ms + FORGET_AFTER_MS > now_ms, |it| it.last_ms);
        make_room(&mut self.by_address, |it| it.refilled_at_ms > now_ms, |it| it.refilled_at_ms);
        self.by_account.insert(key, next);
        self.by_address.insert(network, Spent { refilled_at_ms });
        Ok(())
    }

    /// The attempt was right: the account's guesses at this address are forgotten.
    pub fn succeeded(&mut self, account: &str, address: IpAddr) {
        self.by_account.remove(&key(account, address));
        self.give_back_to(address);
    }

    /// The attempt was never judged: it does not count.
    pub fn not_judged(&mut self, account: &str, address: IpAddr) {
        if let Some(guesses) = self.by_account.get_mut(&key(account, address)) {
            guesses.count = guesses.count.saturating_sub(1);
            // Its wait was over when this attempt began.
            guesses.last_ms -= wait_after(guesses.count, FREE_GUESSES_WHEN_SPENT);
        }
        self.give_back_to(address);
    }

    fn give_back_to(&mut self, address: IpAddr) {
        if let Some(spent) = self.by_address.get_mut(&network(address)) {
            spent.refilled_at_ms -= ADDRESS_REFILL_MS;
        }
    }
}

fn key(account: &str, address: IpAddr) -> (String, IpAddr) {
    // Usernames are short; what is longer is none, and must not fill the table.
    let account: String = account.chars().take(lectern_lms::limits::USERNAME_CHARS).collect();
    (account.to_lowercase(), network(address))
}

/// An IPv6 host owns a whole /64; an IPv4 address written as IPv6 is itself.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// How long to wait after the last of so many wrong guesses.
fn wait_after(count: u32, free: u32) -> i64 {
    match count.checked_sub(free) {
        None => 0,
        Some(doublings) => (FIRST_WAIT_MS << doublings.min(20)).min(LONGEST_WAIT_MS),
    }
}

/// Keeps a table within its bound: first what is over goes, then the older half.
fn make_room<K: Eq + Hash, V>(table: &mut HashMap<K, V>, alive: impl Fn(&V) -> bool, age: impl Fn(&V) -> i64) {
    if table.len() < MAX_ENTRIES {
        return;
    }
    table.retain(|_, entry| alive(entry));
    if table.len() >= MAX_ENTRIES {
        let mut ages: Vec<i64> = table.values().map(&age).collect();
        let middle = ages.len() / 2;
        let (_, median, _) = ages.select_nth_unstable(middle);
        let median = *median;
        table.retain(|_, entry| age(entry) > median);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const ELSEWHERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));

    fn fail(guessing: &mut Guessing, times: u32, now_ms: i64) {
        fail_at(guessing, "ada", times, now_ms);
    }

    #[test]
    fn five_guesses_are_free_and_each_further_one_waits_twice_as_long() {
        let mut guessing = Guessing::default();
        fail(&mut guessing, 5, 0);
        let mut now = 0;
        for wait in [1000, 2000, 4000, 8000] {
            assert_eq!(guessing.begin("ada", HOME, now), Err(Duration::from_millis(wait)));
            now += i64::try_from(wait).unwrap();
            assert_eq!(guessing.begin("ADA", HOME, now), Ok(()));
        }
        for _ in 0..20 {
            let wait = guessing.begin("ada", HOME, now).unwrap_err();
            assert!(wait <= Duration::from_mins(15));
            now += i64::try_from(wait.as_millis()).unwrap();
            guessing.begin("ada", HOME, now).unwrap();
        }
    }

    #[test]
    fn nobody_locks_a_classmate_out_from_another_address() {
        let mut guessing = Guessing::default();
        fail(&mut guessing, 5, 0);
        assert!(guessing.begin("ada", HOME, 1).is_err());
        assert_eq!(guessing.begin("ada", ELSEWHERE, 1), Ok(()));
        assert_eq!(guessing.begin("bob", HOME, 1), Ok(()));
    }

    #[test]
    fn attempts_made_while_waiting_do_not_lengthen_the_wait() {
        let mut guessing = Guessing::default();
        fail(&mut guessing, 5, 0);
        for now in 0..999 {
            assert!(guessing.begin("ada", HOME, now).is_err());
        }
        assert_eq!(guessing.begin("ada", HOME, 1000), Ok(()));
    }

    #[test]
    fn a_right_password_clears_and_an_unjudged_attempt_is_given_back() {
        let mut guessing = Guessing::default();
        fail(&mut guessing, 5, 0);
        guessing.begin("ada", HOME, 1000).unwrap();
        guessing.succeeded("ada", HOME);
        fail(&mut guessing, 5, 1000);
        for _ in 0..10 {
            guessing.not_judged("ada", HOME);
            assert_eq!(guessing.begin("ada", HOME, 1000), Ok(()));
        }
        assert!(guessing.begin("ada", HOME, 1000).is_err());
    }

    #[test]
    fn guesses_are_forgotten_after_an_hour_of_quiet() {
        let mut guessing = Guessing::default();
        fail(&mut guessing, 5, 0);
        fail(&mut guessing, 5, FORGET_AFTER_MS);
    }

    #[test]
    fn nobody_locks_a_classmate_out_from_the_same_address() {
        let mut guessing = Guessing::default();
        for user in 0..10 * ADDRESS_ALLOWANCE {
            guessing.begin(&format!("user{user}"), HOME, 0).unwrap();
        }
        for time in 0..100 {
            assert_eq!(guessing.begin("ada", HOME, time), Ok(()));
            guessing.succeeded("ada", HOME);
        }
    }

    #[test]
    fn an_address_that_tries_many_accounts_has_one_guess_at_each_and_recovers() {
        let mut guessing = Guessing::default();
        for user in 0..ADDRESS_ALLOWANCE {
            guessing.begin(&format!("user{user}"), HOME, 0).unwrap();
        }
        assert_eq!(guessing.begin("another", HOME, 0), Ok(()));
        assert_eq!(guessing.begin("another", HOME, 0), Err(Duration::from_secs(1)));
        assert_eq!(guessing.begin("another", ELSEWHERE, 0), Ok(()));
        assert_eq!(guessing.begin("another", HOME, 1000), Ok(()));
        assert_eq!(guessing.begin("another", HOME, 1000), Err(Duration::from_secs(2)));
        let rested = ADDRESS_REFILL_MS * 10 + 1000;
        fail_at(&mut guessing, "ada", 5, rested);
    }

    fn fail_at(guessing: &mut Guessing, account: &str, times: u32, now_ms: i64) {
        for _ in 0..times {
            guessing.begin(account, HOME, now_ms).expect("a free guess");
        }
    }

    #[test]
    fn an_ipv6_host_cannot_hide_in_its_own_network() {
        let mut guessing = Guessing::default();
        for host in 0..5_u16 {
            guessing.begin("ada", Ipv6Addr::new(0x2001, 0xdb8, 0, 1, 0, 0, 0, host).into(), 0).unwrap();
        }
        assert!(guessing.begin("ada", Ipv6Addr::new(0x2001, 0xdb8, 0, 1, 9, 9, 9, 9).into(), 0).is_err());
        assert_eq!(network("::ffff:192.0.2.1".parse().unwrap()), HOME);
    }

    #[test]
    fn the_tables_stay_bounded() {
        let mut guessing = Guessing::default();
        for host in 0..u32::try_from(MAX_ENTRIES).unwrap() + 10 {
            let address = IpAddr::V4(std::net::Ipv4Addr::from_bits(host));
            guessing.begin("ada", address, i64::from(host)).unwrap();
        }
        assert!(guessing.by_account.len() <= MAX_ENTRIES);
        assert!(guessing.by_address.len() <= MAX_ENTRIES);
    }
}
