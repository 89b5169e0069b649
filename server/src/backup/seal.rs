//! One sealed file: compressed where that helps, encrypted and authenticated in pieces.
//!
//! ```text
//! file   = "lctbak01", salt (32 random bytes), piece, piece, …
//! piece  = length and last flag (4 bytes), ChaCha20-Poly1305 of (kind, body)
//! ```
//!
//! Each file has a key of its own, the keyed hash of its salt, so that nonces are simply counted: piece number, and whether it is
//! the last (the STREAM construction of Hoang, Reyhanitabar, Rogaway and Vizár, 2015, as age and Tink use it). A piece that is
//! changed, moved, repeated, left out or cut off does not open. The purpose is authenticated with each piece: a
//! manifest is never taken for a file.

use std::io::{self, Read, Write};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

const MAGIC: &[u8; 8] = b"lctbak01";
const SALT_BYTES: usize = 32;
/// Of content in one piece.
const PIECE_BYTES: usize = 1 << 20;
/// What a piece may take up sealed: its kind, its content, its tag.
const MAX_SEALED_BYTES: usize = 1 + PIECE_BYTES + 16;
const LAST: u32 = 1 << 31;
/// As much of a piece is compressed to see whether that helps: most of RocksDB's files are compressed already.
const SAMPLE_BYTES: usize = 32 << 10;

const PLAIN: u8 = 0;
const DEFLATED: u8 = 1;

/// What was sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Content {
    /// BLAKE3 of it.
    pub(super) digest: blake3::Hash,
    /// Its length.
    pub(super) bytes: u64,
}

/// Why a file could not be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub(super) enum SealError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("{0}")]
    Damaged(&'static str),
}

/// Seals everything that `from` yields, for one purpose. The caller makes `to` durable.
pub(super) fn seal(
    key: &[u8; 32],
    purpose: &str,
    from: &mut impl Read,
    to: &mut impl Write,
) -> Result<Content, SealError> {
    let mut salt = [0; SALT_BYTES];
    getrandom::fill(&mut salt).map_err(io::Error::other)?;
    to.write_all(MAGIC)?;
    to.write_all(&salt)?;
    let cipher = cipher(key, &salt);
    let mut hasher = blake3::Hasher::new();
    let mut piece = Vec::with_capacity(PIECE_BYTES);
    for number in 0_u64.. {
        piece.clear();
        from.by_ref().take(PIECE_BYTES as u64).read_to_end(&mut piece)?;
        hasher.update(&piece);
        let last = piece.len() < PIECE_BYTES;
        let mut sealed = framed(&piece)?;
        cipher
            .seal_in_place_append_tag(nonce(number, last), Aad::from(purpose), &mut sealed)
            .map_err(|_| io::Error::other("a piece could not be encrypted"))?;
        let length = u32::try_from(sealed.len()).expect("a piece is about a MiB");
        to.write_all(&(length | if last { LAST } else { 0 }).to_be_bytes())?;
        to.write_all(&sealed)?;
        if last {
            break;
        }
    }
    Ok(Content { digest: hasher.finalize(), bytes: hasher.count() })
}

/// Opens a sealed file. Pieces are written as they are found to be good: an error means that `to` holds too little.
pub(super) fn open(
    key: &[u8; 32],
    purpose: &str,
    from: &mut impl Read,
    to: &mut impl Write,
) -> Result<Content, SealError> {
    let mut magic = [0; MAGIC.len()];
    read(from, &mut magic)?;
    if magic != *MAGIC {
        return Err(SealError::Damaged("it is not a sealed file"));
    }
    let mut salt = [0; SALT_BYTES];
    read(from, &mut salt)?;
    let cipher = cipher(key, &salt);
    let mut hasher = blake3::Hasher::new();
    for number in 0_u64.. {
        let mut head = [0; 4];
        read(from, &mut head)?;
        let head = u32::from_be_bytes(head);
        let last = head & LAST != 0;
        let length = (head & !LAST) as usize;
        if length > MAX_SEALED_BYTES {
            return Err(SealError::Damaged("a piece says that it is too long"));
        }
        let mut sealed = vec![0; length];
        read(from, &mut sealed)?;
        let opened = cipher
            .open_in_place(nonce(number, last), Aad::from(purpose), &mut sealed)
            .map_err(|_| SealError::Damaged("its content was changed, or sealed with another key"))?;
        let piece = unframed(opened)?;
        hasher.update(&piece);
        to.write_all(&piece)?;
        if last {
            break;
        }
    }
    if from.read(&mut [0])? > 0 {
        return Err(SealError::Damaged("something was added to its end"));
    }
    Ok(Content { digest: hasher.finalize(), bytes: hasher.count() })
}

fn read(from: &mut impl Read, buffer: &mut [u8]) -> Result<(), SealError> {
    from.read_exact(buffer).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => SealError::Damaged("its end is missing"),
        _ => error.into(),
    })
}

/// The cipher of the file with this salt.
fn cipher(key: &[u8; 32], salt: &[u8; SALT_BYTES]) -> LessSafeKey {
    cipher_of(blake3::keyed_hash(key, salt).as_bytes())
}

/// A cipher for a key that is used for one purpose only.
pub(super) fn cipher_of(key: &[u8; 32]) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, key).expect("the key has the algorithm's length"))
}

/// The nonce of a piece.
pub(super) fn nonce(number: u64, last: bool) -> Nonce {
    let mut nonce = [0; NONCE_LEN];
    nonce[..8].copy_from_slice(&number.to_be_bytes());
    nonce[NONCE_LEN - 1] = u8::from(last);
    Nonce::assume_unique_for_key(nonce)
}

/// A piece behind its kind: compressed, if that saves a tenth at least.
fn framed(piece: &[u8]) -> io::Result<Vec<u8>> {
    let helps = |compressed: usize, plain: usize| compressed * 10 <= plain * 9;
    let sample = &piece[..piece.len().min(SAMPLE_BYTES)];
    if helps(deflated(sample)?.len(), sample.len()) {
        let whole = deflated(piece)?;
        if helps(whole.len(), piece.len()) {
            return Ok(whole);
        }
    }
    let mut plain = Vec::with_capacity(MAX_SEALED_BYTES);
    plain.push(PLAIN);
    plain.extend_from_slice(piece);
    Ok(plain)
}

fn deflated(piece: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = DeflateEncoder::new(vec![DEFLATED], Compression::fast());
    encoder.write_all(piece)?;
    encoder.finish()
}

fn unframed(opened: &[u8]) -> Result<Vec<u8>, SealError> {
    match opened.split_first() {
        Some((&PLAIN, body)) => Ok(body.to_vec()),
        Some((&DEFLATED, body)) => {
            let mut piece = Vec::new();
            DeflateDecoder::new(body).take(PIECE_BYTES as u64 + 1).read_to_end(&mut piece)?;
            if piece.len() > PIECE_BYTES {
                return Err(SealError::Damaged("a piece is longer than any"));
            }
            Ok(piece)
        }
        _ => Err(SealError::Damaged("a piece is of a kind that this program does not know")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 32] = [7; 32];

    fn sealed(content: &[u8]) -> Vec<u8> {
        let mut sealed = Vec::new();
        let told = seal(&KEY, "test", &mut &*content, &mut sealed).unwrap();
        assert_eq!(told, Content { digest: blake3::hash(content), bytes: content.len() as u64 });
        sealed
    }

    fn opened(sealed: &[u8], key: &[u8; 32], purpose: &str) -> Result<Vec<u8>, String> {
        let mut content = Vec::new();
        let told = open(key, purpose, &mut &*sealed, &mut content).map_err(|error| error.to_string())?;
        assert_eq!(told, Content { digest: blake3::hash(&content), bytes: content.len() as u64 });
        Ok(content)
    }

    /// Bytes that no compression makes shorter.
    fn noise(bytes: usize) -> Vec<u8> {
        let mut noise = vec![0; bytes];
        blake3::Hasher::new().finalize_xof().fill(&mut noise);
        noise
    }

    #[test]
    fn what_is_sealed_is_opened_to_the_byte_whatever_its_length() {
        for length in [0, 1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES] {
            let content = noise(length);
            assert!(opened(&sealed(&content), &KEY, "test").unwrap() == content, "{length}");
        }
    }

    #[test]
    fn what_compresses_is_stored_compressed_and_noise_is_not() {
        let text = b"the same words again and again, ".repeat(50_000);
        assert!(sealed(&text).len() < text.len() / 10);
        assert!(opened(&sealed(&text), &KEY, "test").unwrap() == text);
        let noise = noise(100_000);
        assert!(sealed(&noise).len() < noise.len() + 200);
    }

    #[test]
    fn the_same_content_is_sealed_differently_each_time() {
        assert_ne!(sealed(b"same"), sealed(b"same"));
    }

    #[test]
    fn another_key_or_purpose_opens_nothing() {
        let file = sealed(b"content");
        assert!(opened(&file, &[8; 32], "test").unwrap_err().contains("another key"));
        assert!(opened(&file, &KEY, "backup").is_err());
    }

    #[test]
    fn every_flipped_bit_is_found() {
        let file = sealed(b"a short content");
        for place in 0..file.len() {
            for bit in 0..8 {
                let mut damaged = file.clone();
                damaged[place] ^= 1 << bit;
                assert!(opened(&damaged, &KEY, "test").is_err(), "byte {place}, bit {bit}");
            }
        }
    }

    #[test]
    fn pieces_that_are_cut_off_swapped_repeated_or_added_are_found() {
        let file = sealed(&noise(3 * PIECE_BYTES + 10));
        let head = MAGIC.len() + SALT_BYTES;
        let piece = 4 + MAX_SEALED_BYTES;
        let (first, second) = (&file[head..head + piece], &file[head + piece..head + 2 * piece]);
        let rest = &file[head + 2 * piece..];
        let with = |pieces: &[&[u8]]| [&[&file[..head]], pieces].concat().concat();
        assert!(opened(&with(&[first, second, rest]), &KEY, "test").is_ok());
        assert_eq!(opened(&with(&[first, second]), &KEY, "test").unwrap_err(), "its end is missing");
        for wrong in [
            with(&[second, first, rest]),
            with(&[first, rest]),
            with(&[first, first, second, rest]),
            with(&[first, second, rest, first]),
            with(&[]),
            file[..file.len() - 1].to_vec(),
            [&file[..], b"x"].concat(),
            Vec::new(),
        ] {
            assert!(opened(&wrong, &KEY, "test").is_err());
        }
    }
}
