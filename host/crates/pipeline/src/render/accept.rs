//! Which encoding a client gets that may choose.

use http::HeaderValue;

/// What `output_encoding: negotiate` may answer with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Offer {
    Json,
    Xml,
    Yaml,
}

/// The order decides where an entry of `Accept` allows several.
const OFFERS: [(&str, Offer); 4] = [
    ("application/json", Offer::Json),
    ("text/plain", Offer::Yaml),
    ("application/xml", Offer::Xml),
    ("application/x-yaml", Offer::Yaml),
];

/// The first entry of `accept` that something is offered for decides; quality
/// values do not count, and upper and lower case differ. Without such an entry
/// it is JSON.
///
/// An entry also stands for everything it is the beginning of: `application/`
/// is JSON. That is an accident of KrakenD's router, kept because `*` and
/// `application/*` work by it.
pub(super) fn choose(accept: Option<&HeaderValue>) -> Offer {
    let accept = accept.and_then(|value| value.to_str().ok()).unwrap_or("");
    accept
        .split(',')
        .map(|entry| {
            entry
                .split_once(';')
                .map_or(entry, |(range, _)| range)
                .trim()
        })
        .filter(|range| !range.is_empty())
        .find_map(offer)
        .unwrap_or(Offer::Json)
}

fn offer(range: &str) -> Option<Offer> {
    let before_star = range.split_once('*').map_or(range, |(start, _)| start);
    OFFERS
        .iter()
        .find(|(name, _)| name.starts_with(before_star))
        .map(|(_, offer)| *offer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_entry_that_is_offered_decides() {
        use Offer::{Json, Xml, Yaml};
        let cases = [
            (None, Json),
            (Some(""), Json),
            (Some("*/*"), Json),
            (Some("application/json"), Json),
            (Some("application/xml"), Xml),
            (Some("application/x-yaml"), Yaml),
            (Some("text/plain"), Yaml),
            (Some("text/*"), Yaml),
            (Some("application/*"), Json),
            (Some("application/yaml"), Json),
            (Some("text/html"), Json),
            (Some("text/html, application/xml"), Xml),
            (Some("application/xml, application/json"), Xml),
            (Some("application/json, application/xml"), Json),
            (Some("application/json;q=0.1, application/xml;q=0.9"), Json),
            (
                Some("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
                Xml,
            ),
            (Some("application/x-yaml ; q=1"), Yaml),
            (Some("APPLICATION/XML"), Json),
            (Some(",, application/xml"), Xml),
            (Some("application/x"), Xml),
            (Some("application/xmlx"), Json),
        ];
        for (accept, expected) in cases {
            let accept = accept.map(HeaderValue::from_static);
            assert_eq!(choose(accept.as_ref()), expected, "{accept:?}");
        }
    }
}
