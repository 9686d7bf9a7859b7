//! `{respN_x}` and its relatives: values of earlier backends' responses.

use crate::{Backend, Encoding, ResponseValue, UrlPart};

use super::{At, Problems};

/// `name` as a placeholder of a `url_pattern`: `respN_` and a path, or `respN`
/// alone, which is the whole body of a no-op backend.
pub(super) fn placeholder(name: &str) -> Option<ResponseValue> {
    value(name).filter(|_| name.starts_with('r'))
}

/// `name` as a parameter to hand on: also `RespN`.
fn value(name: &str) -> Option<ResponseValue> {
    let rest = name
        .strip_prefix("resp")
        .or_else(|| name.strip_prefix("Resp"))?;
    let (digits, path) = match rest.split_once('_') {
        Some((_, "")) => return None,
        Some((digits, path)) => (digits, path.split('.').map(str::to_owned).collect()),
        None => (rest, Vec::new()),
    };
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some(ResponseValue {
        backend: digits.parse().unwrap_or(usize::MAX),
        path,
        name: name.to_owned(),
    })
}

/// The values of `sequential_propagated_params`. What never has a value is
/// warned about and left out.
pub(super) fn propagated(
    names: &[(String, At)],
    backends: &[Backend],
    problems: &Problems<'_>,
) -> Vec<ResponseValue> {
    let order = Order::of(backends);
    let names = names.iter();
    names
        .filter_map(|(name, at)| {
            let Some(mut value) = value(name) else {
                let message = format!("{name:?} is no value of a response and is ignored");
                let help = "write one such as \"resp0_user.id\", or \"resp0\" for the whole body \
                            of a no-op backend";
                problems.warning(at, message, help);
                return None;
            };
            order.bind(&mut value);
            let Some(why) = order.why_never(&value, backends.len()) else {
                return Some(value);
            };
            let message = format!("{name:?} never has a value: {why}");
            problems.warning(at, message, "name a backend that is called earlier");
            None
        })
        .collect()
}

/// Points the placeholders of `backends` to backends, and warns about those
/// that never have a value. A whole body that is never there is an error:
/// KrakenD takes `respN` for a parameter that the path lacks.
pub(super) fn bind(backends: &mut [Backend], sequential: bool, problems: &Problems<'_>) {
    let order = Order::of(backends);
    for (position, backend) in backends.iter_mut().enumerate() {
        let at = At::Key(backend.place.key("url_pattern"));
        for part in &mut backend.url_pattern.parts {
            let UrlPart::Response(value) = part else {
                continue;
            };
            order.bind(value);
            let (why, help) = if !sequential {
                let help = "add \"proxy\": {\"sequential\": true} to the extra_config of the \
                            endpoint";
                (Some("the endpoint is not sequential"), help)
            } else if backend.shadow.is_some() {
                (Some("a shadow backend sees no responses"), "remove it")
            } else {
                let help = "name a backend that stands earlier in the list";
                (order.why_never(value, position), help)
            };
            if let Some(why) = why {
                let message = format!("`{{{}}}` never has a value: {why}", value.name);
                match value.path.is_empty() {
                    true => problems.error(&at, message, help),
                    false => problems.warning(&at, message, help),
                }
            }
        }
    }
}

/// The backends that are numbered: all but the shadows.
struct Order(Vec<(usize, Encoding)>);

impl Order {
    fn of(backends: &[Backend]) -> Self {
        let regular = backends.iter().enumerate();
        Self(
            regular
                .filter(|(_, backend)| backend.shadow.is_none())
                .map(|(position, backend)| (position, backend.encoding))
                .collect(),
        )
    }

    /// From the number as written to the position in the whole list.
    fn bind(&self, value: &mut ResponseValue) {
        let numbered = self.0.get(value.backend);
        value.backend = numbered.map_or(usize::MAX, |(position, _)| *position);
    }

    /// Why a backend at `position` never gets `value`, which is bound.
    fn why_never(&self, value: &ResponseValue, position: usize) -> Option<&'static str> {
        // Positions ascend.
        let found = self.0.binary_search_by_key(&value.backend, |(at, _)| *at);
        let source = found.ok().and_then(|found| self.0.get(found));
        match source {
            None => Some("there is no such backend"),
            Some((index, _)) if *index >= position => Some("that backend is not called before"),
            Some((_, Encoding::NoOp)) if !value.path.is_empty() => {
                Some("a no-op backend has a body and no fields")
            }
            Some((_, encoding)) if value.path.is_empty() && *encoding != Encoding::NoOp => {
                Some("only a no-op backend has a body as a whole")
            }
            Some(_) => None,
        }
    }
}
