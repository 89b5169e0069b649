//! What a terminal sends for a key.

/// The bytes for a key as people write it: `j`, `enter`, `ctrl-s`, `alt-x`, `shift-tab`, `pagedown`, `f1`.
pub(super) fn bytes(key: &str) -> Vec<u8> {
    if let Some(rest) = key.strip_prefix("ctrl-") {
        let [letter] = rest.as_bytes() else { panic!("`{key}` is no key") };
        return vec![letter.to_ascii_uppercase() & 0x1f];
    }
    if let Some(rest) = key.strip_prefix("alt-") {
        return [b"\x1b".to_vec(), bytes(rest)].concat();
    }
    let named: &[u8] = match key {
        "enter" => b"\r",
        "esc" => b"\x1b",
        "tab" => b"\t",
        "shift-tab" => b"\x1b[Z",
        "space" => b" ",
        "backspace" => b"\x7f",
        "up" => b"\x1b[A",
        "down" => b"\x1b[B",
        "right" => b"\x1b[C",
        "left" => b"\x1b[D",
        "home" => b"\x1b[H",
        "end" => b"\x1b[F",
        "delete" => b"\x1b[3~",
        "pageup" => b"\x1b[5~",
        "pagedown" => b"\x1b[6~",
        "f1" => b"\x1bOP",
        "f5" => b"\x1b[15~",
        _ if key.chars().count() == 1 => key.as_bytes(),
        _ => panic!("`{key}` is no key"),
    };
    named.to_vec()
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn keys_are_sent_as_terminals_send_them() {
        assert_eq!(bytes("j"), b"j");
        assert_eq!(bytes("é"), "é".as_bytes());
        assert_eq!(bytes("ctrl-s"), [0x13]);
        assert_eq!(bytes("ctrl-z"), [0x1a]);
        assert_eq!(bytes("alt-x"), b"\x1bx");
        assert_eq!(bytes("pagedown"), b"\x1b[6~");
    }
}
