//! The threads that answer queries.
//!
//! Few, and the same ones again and again: a query takes some ten microseconds, and to wake a thread for each would take longer.

use std::io;
use std::num::NonZero;

use crossbeam_channel::{Receiver, Sender, unbounded};

type Job = Box<dyn FnOnce() + Send>;

/// Queries wait for the disk at times: there are more threads than cores, and never fewer than so many.
const FEWEST: usize = 4;
const MOST: usize = 32;

/// Hands queries to their threads, which end when this is dropped and what was handed to them is done.
pub(crate) struct Readers {
    jobs: Sender<Job>,
}

impl Readers {
    /// Starts the threads.
    pub(crate) fn start() -> io::Result<Self> {
        let (jobs, incoming) = unbounded();
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        for _ in 0..(2 * cores).clamp(FEWEST, MOST) {
            let incoming: Receiver<Job> = incoming.clone();
            let work = move || incoming.into_iter().for_each(|job| job());
            std::thread::Builder::new().name("read".into()).spawn(work)?;
        }
        Ok(Self { jobs })
    }

    /// Runs `job` when its turn comes. How many may wait is bounded by who calls.
    pub(crate) fn run(&self, job: impl FnOnce() + Send + 'static) {
        let _ending = self.jobs.send(Box::new(job));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::mpsc::channel;
    use std::time::Duration;

    use super::*;

    #[test]
    fn every_job_is_done_and_one_that_takes_long_holds_up_no_other() {
        let readers = Readers::start().unwrap();
        let (go, wait) = channel::<()>();
        let (done, results) = channel();
        let first = done.clone();
        readers.run(move || {
            wait.recv().unwrap();
            first.send(0).unwrap();
        });
        for number in 1..=100 {
            let done = done.clone();
            readers.run(move || done.send(number).unwrap());
        }
        let deadline = Duration::from_mins(1);
        let seen: BTreeSet<u32> = (0..100).map(|_| results.recv_timeout(deadline).unwrap()).collect();
        assert_eq!(seen, (1..=100).collect());
        go.send(()).unwrap();
        assert_eq!(results.recv_timeout(deadline), Ok(0));
    }
}
