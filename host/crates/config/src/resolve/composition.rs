//! `proxy` of an endpoint and of a backend: how answers are put together.

use crate::{
    Backend, Encoding, EndpointProxy, FlatmapOp, OutputEncoding, ResponseValue, Shadow, StaticData,
    StaticStrategy, read::Value,
};

use super::{Section, manipulation, nearest, responses, section::misfit, size};

pub(super) const STRATEGIES: [(&str, StaticStrategy); 5] = [
    ("always", StaticStrategy::Always),
    ("success", StaticStrategy::Success),
    ("errored", StaticStrategy::Errored),
    ("complete", StaticStrategy::Complete),
    ("incomplete", StaticStrategy::Incomplete),
];

const WITH_NO_OP: &str = "with no-op the body passes as it is";

/// Keys of an endpoint's `proxy` only.
pub(super) const OF_ENDPOINTS: [&str; 8] = [
    "sequential",
    "strategy",
    "sequential_propagated_params",
    "static",
    "combiner",
    "force_sandboxed_request",
    "max_payload",
    "decompress_gzip",
];

/// Keys of a backend's `proxy` only.
pub(super) const OF_BACKENDS: [&str; 2] = ["shadow", "shadow_timeout"];

/// `proxy` of an endpoint with these backends and this output.
pub(super) fn endpoint(
    mut section: Section<'_>,
    backends: &[Backend],
    output: OutputEncoding,
) -> EndpointProxy {
    let no_op = output == OutputEncoding::NoOp;
    let several = backends.iter().filter(|b| b.shadow.is_none()).count() > 1;
    let sequential = sequential(&mut section) && several;
    let proxy = EndpointProxy {
        sequential,
        propagated_params: propagated(&mut section, backends, sequential),
        static_data: static_data(&mut section).filter(|_| !no_op),
        flatmap: flatmap(&mut section, several),
        force_sandboxed_request: section.flag("force_sandboxed_request").unwrap_or(false),
        max_payload: size::bytes(&mut section, "max_payload").filter(|bytes| *bytes != 0),
    };
    if no_op {
        section.ignore(&["static"], WITH_NO_OP);
    }
    combiner(&mut section);
    // KrakenD Enterprise; answers pass decoded where they are decoded at all.
    section.accept(&["decompress_gzip"]);
    elsewhere(&mut section, &OF_BACKENDS, "a backend");
    section.finish();
    proxy
}

/// `proxy` of a backend: its `flatmap_filter`, and whether it is a shadow.
pub(super) fn backend(
    mut section: Section<'_>,
    encoding: Encoding,
) -> (Option<Vec<FlatmapOp>>, Option<Shadow>) {
    let flatmap = manipulation::flatmap(&mut section);
    if encoding == Encoding::NoOp {
        section.ignore(&["flatmap_filter"], WITH_NO_OP);
    }
    let shadow = section.flag("shadow").unwrap_or(false);
    let timeout = section.duration("shadow_timeout");
    if !shadow {
        section.ignore(&["shadow_timeout"], "the backend is no shadow");
    }
    elsewhere(&mut section, &OF_ENDPOINTS, "an endpoint");
    section.finish();
    (flatmap, shadow.then_some(Shadow { timeout }))
}

/// `sequential`, and `strategy`, its newer form. One of them is enough.
fn sequential(section: &mut Section<'_>) -> bool {
    let flag = section.flag("sequential").unwrap_or(false);
    let strategy = section.text("strategy").unwrap_or_default();
    let at = section.at().key("strategy");
    let problems = section.problems();
    match strategy.as_str() {
        "sequential" => return true,
        "parallel" if flag => {
            let message = "has no effect beside \"sequential\": true";
            problems.warning(&at, message, "remove one of the two");
        }
        "" | "parallel" => {}
        _ => {
            let message = format!("unknown strategy {strategy:?} has no effect");
            let help = match nearest(&strategy, ["sequential", "parallel"]) {
                Some(name) => format!("did you mean {name:?}?"),
                None => "write \"sequential\" or \"parallel\"".to_owned(),
            };
            problems.warning(&at, message, help);
        }
    }
    flag
}

fn propagated(
    section: &mut Section<'_>,
    backends: &[Backend],
    sequential: bool,
) -> Vec<ResponseValue> {
    let names = section.texts("sequential_propagated_params");
    if sequential {
        let values = responses::propagated(&names, backends, section.problems());
        unseen_by_plugins(section, &values, backends);
        return values;
    }
    let why = "the endpoint is not sequential";
    section.ignore(&["sequential_propagated_params"], why);
    Vec::new()
}

/// Says that plugins, which KrakenD would hand `values`, do not get them.
fn unseen_by_plugins(section: &Section<'_>, values: &[ResponseValue], backends: &[Backend]) {
    let later = |value: &ResponseValue| {
        let later = backends.iter().skip(value.backend.saturating_add(1));
        later.into_iter().find(|backend| backend.plugin.is_some())
    };
    let Some((value, backend)) = values.iter().find_map(|value| Some((value, later(value)?)))
    else {
        return;
    };
    let at = section.at().key("sequential_propagated_params");
    let message = format!(
        "has no effect for the plugin of {}: plugins are not given parameters",
        backend.place
    );
    let help = format!("put `{{{}}}` into its \"url_pattern\"", value.name);
    section.problems().warning(&at, message, help);
}

/// `static`. KrakenD follows it only with an object as `data`.
fn static_data(section: &mut Section<'_>) -> Option<StaticData> {
    let mut section = section.section("static")?;
    let strategy = strategy(&mut section);
    let data = section.item("data");
    let found = match &data {
        None => {
            let at = section.at().key("data");
            let help = "write the fields to add, such as \"data\": {\"source\": \"cache\"}";
            section
                .problems()
                .warning(&at, "is missing: nothing is added", help);
            None
        }
        Some(item) if matches!(item.node.value, Value::Object(_)) => Some(item.node.to_json()),
        Some(item) => {
            misfit(section.problems(), item, "an object");
            None
        }
    };
    section.finish();
    found.map(|data| StaticData { strategy, data })
}

fn strategy(section: &mut Section<'_>) -> StaticStrategy {
    let written = section.text("strategy").unwrap_or_default();
    let known = STRATEGIES.iter().find(|(name, _)| *name == written);
    if known.is_none() && !written.is_empty() {
        let message = format!("unknown strategy {written:?} is taken for \"always\"");
        let help = match nearest(&written, STRATEGIES.map(|(name, _)| name)) {
            Some(name) => format!("did you mean {name:?}?"),
            None => "write always, success, errored, complete or incomplete".to_owned(),
        };
        let at = section.at().key("strategy");
        section.problems().warning(&at, message, help);
    }
    known.map_or_else(StaticStrategy::default, |(_, strategy)| *strategy)
}

fn flatmap(section: &mut Section<'_>, several: bool) -> Vec<FlatmapOp> {
    let operations = manipulation::flatmap(section).unwrap_or_default();
    if several {
        return operations;
    }
    let why = "with one backend there is nothing to merge; it can have its own";
    section.ignore(&["flatmap_filter"], why);
    Vec::new()
}

/// Only one way to combine answers is known; KrakenD takes any other for it.
fn combiner(section: &mut Section<'_>) {
    let name = section.text("combiner").unwrap_or_default();
    if !matches!(name.as_str(), "" | "default") {
        let message = format!("unknown combiner {name:?} is taken for \"default\"");
        let at = section.at().key("combiner");
        section.problems().warning(&at, message, "remove it");
    }
}

fn elsewhere(section: &mut Section<'_>, keys: &[&'static str], owner: &str) {
    for key in keys {
        if let Some(item) = section.item(key) {
            let message = "has no effect here";
            let help = format!("it belongs to the \"proxy\" of {owner}: move it there");
            section.problems().warning(&item.at, message, help);
        }
    }
}
