//! Ids made inside apply: the command's seed and its successors.

/// Yields the seed first, then ids that sort right after it. All replicas draw the same ones.
#[derive(Clone, Debug)]
pub struct IdSource {
    next: u128,
}

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

impl IdSource {
    /// `None` when `seed` is not a ULID.
    pub fn new(seed: &str) -> Option<Self> {
        parse(seed).map(|next| Self { next })
    }

    /// The next id.
    pub fn next_id(&mut self) -> String {
        let id = format(self.next);
        self.next = self.next.wrapping_add(1);
        id
    }
}

/// Whether `text` is a ULID as Lectern writes them.
pub fn is_id(text: &str) -> bool {
    parse(text).is_some()
}

fn parse(text: &str) -> Option<u128> {
    if text.len() != 26 || !(b'0'..=b'7').contains(&text.as_bytes()[0]) {
        return None;
    }
    text.bytes().try_fold(0_u128, |value, byte| {
        let digit = ALPHABET.iter().position(|letter| *letter == byte)?;
        Some((value << 5) | digit as u128)
    })
}

fn format(value: u128) -> String {
    (0..26).rev().map(|place| ALPHABET[((value >> (5 * place)) & 31) as usize] as char).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_from_one_seed_are_ordered_and_begin_with_it() {
        let mut source = IdSource::new("01ARZ3NDEKTSV4RRFFQ69G5FZZ").unwrap();
        let ids: Vec<String> = (0..3).map(|_| source.next_id()).collect();
        assert_eq!(ids, ["01ARZ3NDEKTSV4RRFFQ69G5FZZ", "01ARZ3NDEKTSV4RRFFQ69G5G00", "01ARZ3NDEKTSV4RRFFQ69G5G01"]);
    }

    #[test]
    fn what_is_not_a_ulid_is_no_seed() {
        for text in
            ["", "short", "81ARZ3NDEKTSV4RRFFQ69G5FZZ", "01arz3ndektsv4rrffq69g5fzz", "01ARZ3NDEKTSV4RRFFQ69G5FZÉ"]
        {
            assert!(!is_id(text), "{text}");
        }
    }
}
