//! Query strings: which of the client's go to the backend, and how any text is
//! written into a query.

use std::borrow::Cow;

use cuttle_config::InputQueryStrings;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, percent_encode};

/// `input_query_strings` of an endpoint and of one of its backends, as one
/// filter. Names are compared decoded and exactly.
pub(crate) enum QueryFilter {
    None,
    All,
    /// These, sorted.
    Names(Vec<String>),
}

impl QueryFilter {
    pub(crate) fn new(endpoint: &InputQueryStrings, backend: Option<&[String]>) -> Self {
        let mut names = match (endpoint, backend) {
            (InputQueryStrings::None, _) => return Self::None,
            (InputQueryStrings::All, None) => return Self::All,
            (InputQueryStrings::All, Some(second)) => second.to_vec(),
            (InputQueryStrings::List(first), None) => first.clone(),
            (InputQueryStrings::List(first), Some(second)) => first
                .iter()
                .filter(|n| second.contains(n))
                .cloned()
                .collect(),
        };
        names.sort_unstable();
        if names.is_empty() {
            Self::None
        } else {
            Self::Names(names)
        }
    }

    /// What passes of the client's `raw` query: sorted by name, the values of
    /// one name in their order, written anew. Empty when nothing does.
    ///
    /// Reads a query as Go does: pairs with a `;` or a broken escape are left
    /// out, for backends disagree about what they mean.
    pub(crate) fn apply(&self, raw: Option<&str>) -> String {
        let raw = match (self, raw) {
            (Self::None, _) | (_, None) => return String::new(),
            (_, Some(raw)) => raw,
        };
        let mut pairs: Vec<_> = raw
            .split('&')
            .filter_map(decode_pair)
            .filter(|(name, _)| self.passes(name))
            .collect();
        // Stable: the values of one name keep their order.
        pairs.sort_by(|(a, _), (b, _)| a.cmp(b));

        let mut out = String::with_capacity(raw.len());
        for (name, value) in pairs {
            if !out.is_empty() {
                out.push('&');
            }
            push_component(&mut out, &name);
            out.push('=');
            push_component(&mut out, &value);
        }
        out
    }

    fn passes(&self, name: &[u8]) -> bool {
        match self {
            Self::None => false,
            Self::All => true,
            Self::Names(names) => names
                .binary_search_by(|known| known.as_bytes().cmp(name))
                .is_ok(),
        }
    }
}

/// Everything but letters, digits, `-._~` and the blank, which becomes `+`.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b' ');

/// Appends `text` as a name or a value of a query, form-encoded: nothing in it
/// can end the value or start another pair.
pub(crate) fn push_component(out: &mut String, text: &[u8]) {
    for piece in percent_encode(text, COMPONENT) {
        out.extend(piece.chars().map(|c| if c == ' ' { '+' } else { c }));
    }
}

/// Bytes, as a query may carry text that is not UTF-8.
pub(crate) type Pair<'a> = (Cow<'a, [u8]>, Cow<'a, [u8]>);

/// `None` for a pair that means nothing, or more than one thing.
pub(crate) fn decode_pair(pair: &str) -> Option<Pair<'_>> {
    if pair.is_empty() || pair.contains(';') {
        return None;
    }
    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
    Some((decode_component(name)?, decode_component(value)?))
}

/// `None` when an escape is broken.
fn decode_component(text: &str) -> Option<Cow<'_, [u8]>> {
    let bytes = text.as_bytes();
    if !escapes_are_whole(bytes) {
        return None;
    }
    if !bytes.contains(&b'+') {
        return Some(percent_decode(bytes).into());
    }
    let blanks: Vec<u8> = bytes
        .iter()
        .map(|&b| if b == b'+' { b' ' } else { b })
        .collect();
    Some(Cow::Owned(percent_decode(&blanks).collect()))
}

fn escapes_are_whole(bytes: &[u8]) -> bool {
    bytes
        .split(|&b| b == b'%')
        .skip(1)
        .all(begins_with_hex_pair)
}

/// Whether a `%` in front of `rest` is an escape (RFC 3986 section 2.1).
pub(crate) fn begins_with_hex_pair(rest: &[u8]) -> bool {
    matches!(rest, [a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(names: &[&str]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_query_is_filtered_by_decoded_name_sorted_and_written_anew() {
        #[rustfmt::skip]
        let cases: &[(&[&str], &str, &str)] = &[
            (&["a", "b"],  "b=2&a=1",             "a=1&b=2"),
            (&["a"],       "a=2&x=9&a=1",         "a=2&a=1"),
            (&["c"],       "c",                   "c="),
            (&["c"],       "c=",                  "c="),
            (&["a"],       "A=1",                 ""),
            (&["a"],       "a=b%20c",             "a=b+c"),
            (&["a"],       "a=b+c",               "a=b+c"),
            (&["a"],       "a=1%2B1",             "a=1%2B1"),
            (&["a"],       "%61=1",               "a=1"),
            (&["a b"],     "a+b=1&a%20b=2",       "a+b=1&a+b=2"),
            (&["a"],       "a=1;b=2&a=3",         "a=3"),
            (&["a"],       "a=1%3Bb",             "a=1%3Bb"),
            (&["a"],       "a=%zz&a=%4&a=%&a=1",  "a=1"),
            (&["a"],       "a=%ff",               "a=%FF"),
            (&["a"],       "a=1=2",               "a=1%3D2"),
            (&["a"],       "a=x%26admin%3D1",     "a=x%26admin%3D1"),
            (&["a"],       "a=%0d%0aX:1",         "a=%0D%0AX%3A1"),
            (&["ü"],       "%C3%BC=~_-.*",        "%C3%BC=~_-.%2A"),
            (&["*"],       "a=1&*=2",             "%2A=2"),
            (&["a"],       "&&a=1&&",             "a=1"),
            (&["a"],       "aa=1&=2",             ""),
        ];
        for (names, raw, sent) in cases {
            let filter = QueryFilter::new(&InputQueryStrings::List(list(names)), None);
            assert_eq!(filter.apply(Some(raw)), *sent, "{names:?} of {raw:?}");
        }
    }

    #[test]
    fn the_backend_filters_what_the_endpoint_lets_pass() {
        use InputQueryStrings::{All, List, None as Nothing};
        #[rustfmt::skip]
        let cases: &[(InputQueryStrings, Option<&[&str]>, &str)] = &[
            (Nothing,                None,               ""),
            (Nothing,                Some(&["a"]),       ""),
            (All,                    None,               "=0&a=1&b=2&c=3"),
            (All,                    Some(&["b", "z"]),  "b=2"),
            (List(list(&["b","a"])), Some(&["b", "c"]),  "b=2"),
            (List(list(&["a"])),     Some(&[]),          ""),
            (List(list(&["a"])),     Some(&["*"]),       ""),
        ];
        for (endpoint, backend, sent) in cases {
            let backend = backend.map(list);
            let filter = QueryFilter::new(endpoint, backend.as_deref());
            assert_eq!(
                filter.apply(Some("c=3&b=2&a=1&=0")),
                *sent,
                "{endpoint:?}, then {backend:?}"
            );
            assert_eq!(filter.apply(None), "");
        }
    }
}
