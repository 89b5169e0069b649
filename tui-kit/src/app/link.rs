//! The connection in words.

use lectern_client::Link;

/// An interruption that was shorter is over before anybody could read of its end.
const WORTH_TELLING_MS: i64 = 1_000;

/// The connection, and since when it is in trouble.
#[derive(Debug, Default)]
pub(super) struct LinkWords {
    link: Option<Link>,
    trouble_since_ms: Option<i64>,
}

impl LinkWords {
    /// Takes over a new state. Returns a sentence when an interruption is over.
    pub(super) fn change(&mut self, link: Link, now_ms: i64) -> Option<String> {
        let was_up = matches!(self.link, Some(Link::Up { .. }) | None);
        let mut sentence = None;
        match &link {
            Link::Up { .. } => {
                if let Some(since) = self.trouble_since_ms.take()
                    && now_ms - since >= WORTH_TELLING_MS
                {
                    sentence = Some(format!("Connected again, after {}.", span(now_ms - since)));
                }
            }
            Link::Connecting => {}
            Link::Retrying { .. } | Link::Down { .. } if was_up => self.trouble_since_ms = Some(now_ms),
            Link::Retrying { .. } | Link::Down { .. } => {
                self.trouble_since_ms.get_or_insert(now_ms);
            }
        }
        self.link = Some(link);
        sentence
    }

    /// What to say of a connection that is not as it should be.
    pub(super) fn words(&self, now_ms: i64) -> Option<String> {
        let waited = span(now_ms - self.trouble_since_ms.unwrap_or(now_ms));
        match self.link.as_ref()? {
            // The screens say what they ask for; that nothing was asked yet is no trouble.
            Link::Up { .. } | Link::Connecting => None,
            Link::Retrying { reason, .. } => {
                Some(format!("Reconnecting for {waited}. Type on: nothing is lost. ({reason})"))
            }
            Link::Down { reason } => {
                Some(format!("No connection for {waited}. It is tried again; what you typed is kept. ({reason})"))
            }
        }
    }

    /// When the words change: each second of an interruption.
    pub(super) fn wakes_at(&self, now_ms: i64) -> Option<i64> {
        let since = self.trouble_since_ms?;
        Some(now_ms + 1000 - (now_ms - since).rem_euclid(1000))
    }
}

fn span(ms: i64) -> String {
    lectern_cli::text::span(u64::try_from(ms / 1000).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn up() -> Link {
        Link::Up { node: "a".into(), leader: None }
    }

    fn retrying() -> Link {
        Link::Retrying { since: Instant::now(), reason: "no leader".into() }
    }

    #[test]
    fn trouble_is_told_with_its_length_and_its_end() {
        let mut words = LinkWords::default();
        assert_eq!(words.words(0), None);
        assert_eq!(words.change(up(), 0), None);
        assert_eq!(words.change(retrying(), 1_000), None);
        assert_eq!(words.wakes_at(1_300), Some(2_000));
        assert!(words.words(4_000).unwrap().contains("for 3 seconds."));
        words.change(Link::Down { reason: "gone".into() }, 5_000);
        assert!(words.words(6_000).unwrap().contains("for 5 seconds."));
        assert_eq!(words.change(up(), 7_500).unwrap(), "Connected again, after 6 seconds.");
        assert_eq!((words.words(8_000), words.wakes_at(8_000)), (None, None));
    }

    #[test]
    fn a_blink_is_not_worth_a_sentence() {
        let mut words = LinkWords::default();
        words.change(up(), 0);
        words.change(retrying(), 100);
        assert_eq!(words.change(up(), 400), None);
    }
}
