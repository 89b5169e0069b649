//! Addresses: `HOST:PORT` of a node, and `lectern://HOST[:PORT][#sha256:FINGERPRINT]` of a cluster.
//!
//! A fingerprint, or a file with authorities, makes a cluster known: it is then called in TLS, wherever it is. One that is
//! not known is called on loopback only, in clear text: a token must not cross a network in the open.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use lectern_tls::{Fingerprint, Trust};

use crate::ClientError;

/// Where a node listens when nobody says otherwise.
pub const DEFAULT_PORT: u16 = 7600;

/// A cluster as a person names it.
///
/// ```
/// let address: lectern_client::ClusterAddress = "lectern://localhost:7401".parse()?;
/// assert_eq!(address.endpoint(), "localhost:7401");
/// # Ok::<(), lectern_client::ClientError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterAddress {
    /// Name or IP address, IPv6 without brackets.
    pub host: String,
    /// The client port.
    pub port: u16,
    /// Of the cluster's authority.
    pub fingerprint: Option<Fingerprint>,
}

impl ClusterAddress {
    /// `HOST:PORT`.
    pub fn endpoint(&self) -> String {
        join(&self.host, self.port)
    }

    /// Refuses what would send a token over a network in clear text.
    pub fn check_reachable_safely(&self, trust: &Trust) -> Result<(), ClientError> {
        if trust.is_secure() || is_loopback(&self.host) {
            return Ok(());
        }
        Err(ClientError::usage(format!(
            "{}: a token must not cross a network in clear text, so only loopback addresses are taken as they are; give the \
             cluster's fingerprint (lectern://HOST:PORT#sha256:…), or --ca with the file of its authority",
            self.endpoint()
        )))
    }
}

impl FromStr for ClusterAddress {
    type Err = ClientError;

    fn from_str(text: &str) -> Result<Self, ClientError> {
        let bare = text.strip_prefix("lectern://").unwrap_or(text);
        let (place, fingerprint) = match bare.split_once('#') {
            Some((place, fragment)) => (place, Some(parse_fingerprint(text, fragment)?)),
            None => (bare, None),
        };
        let (host, port) = split(place.trim_end_matches('/'))
            .ok_or_else(|| ClientError::usage(format!("{text:?} is not an address: write lectern://HOST:PORT")))?;
        Ok(Self { host, port, fingerprint })
    }
}

impl fmt::Display for ClusterAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "lectern://{}", self.endpoint())?;
        self.fingerprint.as_ref().map_or(Ok(()), |fingerprint| write!(f, "#{fingerprint}"))
    }
}

fn parse_fingerprint(text: &str, fragment: &str) -> Result<Fingerprint, ClientError> {
    let parsed = fragment.starts_with("sha256:").then(|| fragment.parse().ok()).flatten();
    parsed.ok_or_else(|| {
        ClientError::usage(format!("the fingerprint in {text:?} is not `sha256:` and 64 hexadecimal digits"))
    })
}

/// `HOST`, `HOST:PORT`, `[IPV6]`, `[IPV6]:PORT`.
fn split(place: &str) -> Option<(String, u16)> {
    let (host, port) = if let Some(rest) = place.strip_prefix('[') {
        let (host, rest) = rest.split_once(']')?;
        host.parse::<std::net::Ipv6Addr>().ok()?;
        (host, if rest.is_empty() { None } else { Some(rest.strip_prefix(':')?) })
    } else {
        match place.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (place, None),
        }
    };
    let sensible = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':' | b'%');
    if host.is_empty() || !host.bytes().all(sensible) {
        return None;
    }
    let port = port.map_or(Some(DEFAULT_PORT), |port| port.parse().ok().filter(|port| *port != 0))?;
    Some((host.to_owned(), port))
}

fn join(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// Whether `host` can only be this machine.
fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// An endpoint in the one form that addresses are compared in, if it may be talked to.
pub(crate) fn normalise_endpoint(text: &str, trust: &Trust) -> Result<String, ClientError> {
    let address: ClusterAddress = text.trim().parse()?;
    address.check_reachable_safely(trust)?;
    Ok(address.endpoint())
}

/// What is trusted when these are called: what their fingerprint says, and otherwise `known`.
pub(crate) fn trust_of(endpoints: &[String], known: &Trust) -> Result<Trust, ClientError> {
    let mut named = None;
    for text in endpoints {
        let address: ClusterAddress = text.trim().parse()?;
        match (named, address.fingerprint) {
            (Some(first), Some(other)) if first != other => {
                return Err(ClientError::usage(format!(
                    "the addresses name two authorities, {first} and {other}; give those of one cluster"
                )));
            }
            (_, found) => named = named.or(found),
        }
    }
    Ok(named.map_or_else(|| known.clone(), Trust::Fingerprint))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGITS: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

    #[test]
    fn addresses_parse_with_and_without_port_and_fingerprint() {
        let cases = [
            ("lectern://localhost", "localhost:7600"),
            ("lectern://127.0.0.1:7401", "127.0.0.1:7401"),
            ("127.0.0.1:7401", "127.0.0.1:7401"),
            ("lectern://[::1]:9", "[::1]:9"),
            ("[::1]", "[::1]:7600"),
            ("lectern://host.example/", "host.example:7600"),
        ];
        for (text, endpoint) in cases {
            assert_eq!(text.parse::<ClusterAddress>().unwrap().endpoint(), endpoint, "{text}");
        }
        let text = format!("lectern://host:1#sha256:{DIGITS}");
        let address: ClusterAddress = text.parse().unwrap();
        assert_eq!(address.fingerprint.map(|it| it.digits()).as_deref(), Some(DIGITS));
        assert_eq!(address.to_string(), text);
    }

    #[test]
    fn nonsense_is_refused() {
        for text in
            ["", "lectern://", "host:0", "host:70000", "host:1:2", "a b", "[::1", "[zz]:1", "h#sha1:aa", "h#sha256:aa"]
        {
            assert!(text.parse::<ClusterAddress>().is_err(), "{text}");
        }
    }

    #[test]
    fn clear_text_stays_on_the_machine() {
        for text in ["127.3.4.5:1", "localhost:1", "[::1]:1"] {
            assert!(normalise_endpoint(text, &Trust::Loopback).is_ok(), "{text}");
        }
        for text in ["10.0.0.1:1", "example.org", "localhost.example.org:1"] {
            let error = normalise_endpoint(text, &Trust::Loopback).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{text}");
            let known = Trust::Fingerprint(DIGITS.parse().unwrap());
            assert!(normalise_endpoint(text, &known).is_ok(), "{text}");
        }
    }

    #[test]
    fn one_address_with_a_fingerprint_is_enough_and_two_must_agree() {
        let pinned = format!("h:1#sha256:{DIGITS}");
        let known = Trust::Fingerprint(DIGITS.parse().unwrap());
        assert_eq!(trust_of(&["h:2".into(), pinned.clone()], &Trust::Loopback).unwrap(), known);
        assert_eq!(trust_of(&["h:2".into()], &known).unwrap(), known);
        let other = format!("h:3#sha256:{}", "0".repeat(64));
        assert_eq!(trust_of(&[pinned, other], &Trust::Loopback).unwrap_err().exit_code(), 2);
    }
}
