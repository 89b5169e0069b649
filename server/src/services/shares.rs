//! A part of a bounded room for each account: nobody takes all places of a node.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};

use tonic::Status;

use super::errors;

/// How many places each account holds.
#[derive(Clone)]
pub struct Shares {
    held: Arc<Mutex<BTreeMap<String, usize>>>,
    most: usize,
    what: &'static str,
}

/// One place of an account, given back when it is dropped.
pub struct Share {
    shares: Shares,
    user_id: String,
}

impl Shares {
    /// At most `most` places for one account. `what` is named to those who are turned away, such as "downloads".
    pub fn new(what: &'static str, most: usize) -> Self {
        Self { held: Arc::default(), most, what }
    }

    /// A place for an account, or BUSY when it holds as many as it may.
    pub fn take(&self, user_id: &str) -> Result<Share, Status> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let own = held.entry(user_id.to_owned()).or_default();
        if *own >= self.most {
            let message = format!("{} {} of yours are under way, which is the most at once; end one", own, self.what);
            return Err(errors::busy(message));
        }
        *own += 1;
        Ok(Share { shares: self.clone(), user_id: user_id.to_owned() })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut held = self.shares.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Entry::Occupied(mut own) = held.entry(std::mem::take(&mut self.user_id)) {
            *own.get_mut() -= 1;
            if *own.get() == 0 {
                own.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_holds_so_many_places_and_takes_nobody_elses() {
        let shares = Shares::new("tests", 2);
        let held = [shares.take("ada").unwrap(), shares.take("ada").unwrap()];
        assert_eq!(shares.take("ada").map(drop).unwrap_err().code(), tonic::Code::ResourceExhausted);
        let other = shares.take("bob").unwrap();
        drop(held);
        drop(shares.take("ada").unwrap());
        drop(other);
        assert!(shares.held.lock().unwrap().is_empty(), "nothing is kept of who holds nothing");
    }
}
