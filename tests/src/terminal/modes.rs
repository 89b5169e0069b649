//! Which private modes a program has switched on, read from the raw bytes it wrote.

use std::collections::BTreeSet;

/// The cursor is shown.
pub(super) const CURSOR: u16 = 25;

/// The modes that are on after these bytes, of those that were switched by them. A terminal begins with the cursor shown.
pub(super) fn on_after(bytes: &[u8]) -> BTreeSet<u16> {
    let mut on = BTreeSet::from([CURSOR]);
    for (at, _) in bytes.windows(3).enumerate().filter(|(_, window)| window == b"\x1b[?") {
        let rest = &bytes[at + 3..];
        let Some(end) = rest.iter().position(|byte| !byte.is_ascii_digit() && *byte != b';') else { break };
        let numbers = rest[..end].split(|byte| *byte == b';');
        let modes = numbers.filter_map(|digits| std::str::from_utf8(digits).ok()?.parse::<u16>().ok());
        match rest[end] {
            b'h' => on.extend(modes),
            b'l' => modes.for_each(|mode| {
                on.remove(&mode);
            }),
            _ => {}
        }
    }
    on
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_is_on_until_it_is_switched_off() {
        assert_eq!(on_after(b"hello"), BTreeSet::from([CURSOR]));
        let entered = b"\x1b[?1049h\x1b[?2004h\x1b[?1000;1002h\x1b[?25l\x1b[31m";
        assert_eq!(on_after(entered), BTreeSet::from([1000, 1002, 1049, 2004]));
        let left = b"\x1b[?1000;1002l\x1b[?2004l\x1b[?25h\x1b[?1049l";
        assert_eq!(on_after(&[&entered[..], left].concat()), BTreeSet::from([CURSOR]));
    }
}
