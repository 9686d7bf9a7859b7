//! What `FindProxyForURL` returns: `PROXY a:3128; SOCKS5 b; DIRECT`.
//!
//! The grammar is that of browsers (there is no standard): entries are
//! separated by `;`, each is a kind and, but for `DIRECT`, a host with an
//! optional port. Case does not matter.

use super::PacError;

/// Entries of one answer. Real files name up to five.
const MAX_ENTRIES: usize = 32;
/// Characters of an entry that a message repeats.
const SHOWN: usize = 80;

/// One entry.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// `DIRECT`.
    Direct,
    /// Address of a proxy, with scheme and port.
    Proxy(String),
}

/// Reads an answer. Between two `;` there may be nothing.
pub(super) fn parse(answer: &str) -> Result<Vec<Entry>, PacError> {
    let entries: Vec<_> = answer
        .split(';')
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
        .take(MAX_ENTRIES + 1)
        .map(entry)
        .collect::<Result<_, _>>()?;
    match entries.len() {
        0 => Err(PacError::Answer(
            "nothing; to go direct it must answer `DIRECT`".to_owned(),
        )),
        1..=MAX_ENTRIES => Ok(entries),
        _ => Err(PacError::Answer(format!("more than {MAX_ENTRIES} entries"))),
    }
}

fn entry(text: &str) -> Result<Entry, PacError> {
    let (kind, place) = text
        .split_once(|c: char| c.is_ascii_whitespace())
        .map_or((text, ""), |(kind, place)| (kind, place.trim()));
    // `SOCKS` and `SOCKS4` come without name resolution in the letter of the
    // protocol; asking the proxy (4a) looks up nothing here. So does 5h.
    let (scheme, default_port) = match kind.to_ascii_uppercase().as_str() {
        "DIRECT" if place.is_empty() => return Ok(Entry::Direct),
        "PROXY" | "HTTP" => ("http", 80),
        "HTTPS" => ("https", 443),
        "SOCKS" | "SOCKS4" => ("socks4a", 1080),
        "SOCKS5" => ("socks5h", 1080),
        _ => return Err(unusable(text, "which is no way to a proxy")),
    };
    if place.is_empty() {
        return Err(unusable(text, "which names no host"));
    }
    // A message about the address repeats it as it is.
    let unprintable = |c: char| c.is_whitespace() || c.is_control();
    if place.contains(['@', '/', '\\', '?', '#']) || place.contains(unprintable) {
        return Err(unusable(
            text,
            "where only a host and a port may follow the kind of proxy",
        ));
    }
    Ok(Entry::Proxy(if has_port(place) {
        format!("{scheme}://{place}")
    } else {
        format!("{scheme}://{place}:{default_port}")
    }))
}

fn has_port(place: &str) -> bool {
    match place.rsplit_once(']') {
        Some((_, rest)) => rest.starts_with(':'),
        None => place.contains(':'),
    }
}

/// Repeats an entry only where it cannot hold credentials.
fn unusable(entry: &str, why: &str) -> PacError {
    if entry.contains(['@', '%']) {
        return PacError::Answer(format!("an entry {why}; it may hold no credentials"));
    }
    let shown: String = entry.chars().take(SHOWN).collect();
    PacError::Answer(format!("{shown:?}, {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kinds_of_browsers_are_understood() {
        for (answer, expected) in [
            ("DIRECT", &["direct"][..]),
            (" direct ; ", &["direct"]),
            ("PROXY a:3128", &["http://a:3128"]),
            ("PROXY a", &["http://a:80"]),
            ("proxy\ta:1;", &["http://a:1"]),
            ("HTTP a", &["http://a:80"]),
            ("HTTPS a", &["https://a:443"]),
            ("HTTPS a:8443", &["https://a:8443"]),
            ("SOCKS a", &["socks4a://a:1080"]),
            ("SOCKS4 a:1", &["socks4a://a:1"]),
            ("SOCKS5 a", &["socks5h://a:1080"]),
            ("PROXY [::1]", &["http://[::1]:80"]),
            ("PROXY [::1]:3128", &["http://[::1]:3128"]),
            ("PROXY   10.0.0.1:8080", &["http://10.0.0.1:8080"]),
            (
                "PROXY a:1; PROXY b:2; DIRECT",
                &["http://a:1", "http://b:2", "direct"],
            ),
            (
                ";;PROXY a:1;;SOCKS5 b;",
                &["http://a:1", "socks5h://b:1080"],
            ),
        ] {
            let found: Vec<_> = parse(answer)
                .unwrap()
                .into_iter()
                .map(|entry| match entry {
                    Entry::Direct => "direct".to_owned(),
                    Entry::Proxy(address) => address,
                })
                .collect();
            assert_eq!(found, expected, "{answer}");
        }
    }

    #[test]
    fn one_bad_entry_spoils_the_answer() {
        for answer in [
            "",
            "  ; ;",
            "undefined",
            "null",
            "PROXY",
            "PROXY ; DIRECT",
            "DIRECT a",
            "DIRECT DIRECT",
            "PROXY a:1 b:2",
            "PROXY a:1, PROXY b:2",
            "PROXY a:1 DIRECT",
            "PROXY http://a:1",
            "PROXY a:1/path",
            "QUIC a:1",
            "a:3128",
            "DIRECTLY; PROXY a:1",
            "PROXY a:1; nonsense",
            "SOCKS \u{0}5:[:]:1079",
            "PROXY \u{1b}[31ma:1",
        ] {
            assert!(parse(answer).is_err(), "{answer}");
        }
        assert!(parse(&"DIRECT;".repeat(MAX_ENTRIES)).is_ok());
        assert!(parse(&"DIRECT;".repeat(MAX_ENTRIES + 1)).is_err());
    }

    #[test]
    fn a_message_repeats_no_credentials_and_not_everything() {
        for answer in [
            "PROXY user:s3cret@a:1",
            "PROXY http://user:s3cret@a:1",
            "X s3cret%40a",
        ] {
            let message = parse(answer).unwrap_err().to_string();
            assert!(!message.contains("s3cret"), "{message}");
        }
        let message = parse(&"x".repeat(10_000)).unwrap_err().to_string();
        assert!(message.len() < 200, "{message}");
        let message = parse("PROXY\na\n\u{1b}[31m b").unwrap_err().to_string();
        assert!(!message.contains(char::is_control), "{message}");
    }
}
