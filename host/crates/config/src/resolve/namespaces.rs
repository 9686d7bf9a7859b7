//! `extra_config`: which namespaces there are, where they belong, and what it
//! means that one of them is not implemented.
//!
//! A component that protects something or changes answers stops the start if
//! it is not implemented: served without it, an endpoint would be open or
//! wrong. The others are warned about.

use crate::read::{Node, Object, Value};

use super::{Section, Unserved, nearest};

/// Objects that have an `extra_config`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    Service,
    Endpoint,
    Backend,
}

use Level::{Backend, Endpoint, Service};

/// What happens to a namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Read by another module, which has its own say.
    Implemented,
    /// Not implemented; the gateway can do without it. With what that leads to.
    NoEffect(&'static str),
    /// Not implemented; running without it would be unsafe or wrong.
    Needed,
}

use State::{Implemented, Needed, NoEffect};

/// A component of KrakenD, or one of our own.
struct Namespace {
    name: &'static str,
    /// Spelling of KrakenD 1.x, without `github.com/`; empty if there is none.
    alias: &'static str,
    levels: &'static [Level],
    state: State,
}

const fn namespace(
    name: &'static str,
    alias: &'static str,
    levels: &'static [Level],
    state: State,
) -> Namespace {
    Namespace {
        name,
        alias,
        levels,
        state,
    }
}

const NO_TELEMETRY: State = NoEffect("no such data is exported");
const NO_DOCUMENTATION: State = NoEffect("nothing is served differently");
const ANY: &[Level] = &[Service, Endpoint, Backend];
const REQUESTS: &[Level] = &[Endpoint, Backend];

#[rustfmt::skip]
const NAMESPACES: &[Namespace] = &[
    namespace("router", "devopsfaith/krakend/router/gin", &[Service], Implemented),
    namespace("cuttle/http", "", &[Service], Implemented),
    namespace("cuttle/plugins", "", &[Service], Implemented),
    namespace("telemetry/logging", "devopsfaith/krakend-gologging", &[Service], Implemented),
    namespace("proxy", "devopsfaith/krakend/proxy", REQUESTS, Implemented),
    namespace("backend/http/client", "", &[Backend], Implemented),
    namespace("backend/http", "devopsfaith/krakend/http", &[Backend], Implemented),
    namespace("plugin/http-client", "devopsfaith/krakend/transport/http/client/executor", &[Backend], Implemented),
    namespace("plugin/http-server", "devopsfaith/krakend/transport/http/server/handler", &[Service], Implemented),
    namespace("plugin/req-resp-modifier", "devopsfaith/krakend/proxy/plugin", REQUESTS, Implemented),

    namespace("security/cors", "devopsfaith/krakend-cors", &[Service], NoEffect("no CORS headers are sent, so browsers refuse calls from other origins")),
    namespace("qos/http-cache", "devopsfaith/krakend-httpcache", &[Backend], NoEffect("every request reaches the backend")),
    namespace("qos/circuit-breaker", "devopsfaith/krakend-circuitbreaker/gobreaker", &[Backend], NoEffect("a failing backend is called on")),
    namespace("qos/circuit-breaker/http", "", &[Backend], NoEffect("a failing backend is called on")),
    namespace("auth/jose", "", &[Service], NoEffect("it only tunes \"auth/validator\"")),
    namespace("async/amqp", "devopsfaith/krakend-amqp/agent", ANY, NoEffect("no queue is consumed")),
    namespace("telemetry/metrics", "devopsfaith/krakend-metrics", ANY, NO_TELEMETRY),
    namespace("telemetry/gelf", "devopsfaith/krakend-gelf", ANY, NO_TELEMETRY),
    namespace("telemetry/logstash", "devopsfaith/krakend-logstash", ANY, NoEffect("for JSON lines, set \"format\": \"json\" in \"telemetry/logging\"")),
    namespace("telemetry/influx", "letgoapp/krakend-influx", ANY, NO_TELEMETRY),
    namespace("telemetry/opencensus", "devopsfaith/krakend-opencensus", ANY, NO_TELEMETRY),
    namespace("telemetry/opentelemetry", "", ANY, NO_TELEMETRY),
    namespace("telemetry/opentelemetry-security", "", ANY, NO_TELEMETRY),
    namespace("telemetry/newrelic", "", ANY, NO_TELEMETRY),
    namespace("telemetry/moesif", "", ANY, NO_TELEMETRY),
    namespace("telemetry/ganalytics", "", ANY, NO_TELEMETRY),
    namespace("telemetry/instana", "", ANY, NO_TELEMETRY),
    namespace("documentation/openapi", "", ANY, NO_DOCUMENTATION),
    namespace("documentation/postman", "", ANY, NO_DOCUMENTATION),
    namespace("server/static-filesystem", "", &[Service], NoEffect("its paths answer 404 (KrakenD Enterprise)")),
    namespace("grpc", "", &[Service], NoEffect("no gRPC service is offered (KrakenD Enterprise)")),
    namespace("redis", "", &[Service], NoEffect("nothing uses Redis (KrakenD Enterprise)")),

    namespace("auth/validator", "devopsfaith/krakend-jose/validator", &[Endpoint], Needed),
    namespace("auth/signer", "devopsfaith/krakend-jose/signer", &[Endpoint], Needed),
    namespace("auth/revoker", "devopsfaith/bloomfilter", &[Service], Needed),
    namespace("auth/client-credentials", "devopsfaith/krakend-oauth2-clientcredentials", &[Backend], Needed),
    namespace("auth/api-keys", "", ANY, Needed),
    namespace("auth/basic", "", ANY, Needed),
    namespace("auth/gcp", "", &[Backend], Needed),
    namespace("auth/ntlm", "", &[Backend], Needed),
    namespace("auth/aws-sigv4", "", &[Backend], Needed),
    namespace("security/http", "devopsfaith/krakend-httpsecure", &[Service, Endpoint], Needed),
    namespace("security/bot-detector", "devopsfaith/krakend-botdetector", &[Service, Endpoint], Needed),
    namespace("security/policies", "", ANY, Needed),
    namespace("qos/ratelimit/router", "devopsfaith/krakend-ratelimit/juju/router", &[Endpoint], Needed),
    namespace("qos/ratelimit/proxy", "devopsfaith/krakend-ratelimit/juju/proxy", &[Backend], Needed),
    namespace("qos/ratelimit/service", "", &[Service], Needed),
    namespace("qos/ratelimit/service/redis", "", &[Service], Needed),
    namespace("qos/ratelimit/tiered", "", &[Service, Endpoint], Needed),
    namespace("qos/ratelimit/router/redis", "", &[Endpoint], Needed),
    namespace("governance/quota", "", ANY, Needed),
    namespace("governance/processors", "", &[Service], Needed),
    namespace("validation/cel", "devopsfaith/krakend-cel", REQUESTS, Needed),
    namespace("validation/json-schema", "devopsfaith/krakend-jsonschema", &[Endpoint], Needed),
    namespace("validation/response-json-schema", "", REQUESTS, Needed),
    namespace("modifier/martian", "devopsfaith/krakend-martian", &[Backend], Needed),
    namespace("modifier/lua-endpoint", "devopsfaith/krakend-lua/router", &[Service, Endpoint], Needed),
    namespace("modifier/lua-proxy", "devopsfaith/krakend-lua/proxy", &[Endpoint], Needed),
    namespace("modifier/lua-backend", "devopsfaith/krakend-lua/proxy/backend", &[Backend], Needed),
    namespace("modifier/body-generator", "", REQUESTS, Needed),
    namespace("modifier/request-body-generator", "", REQUESTS, Needed),
    namespace("modifier/request-body-extractor", "", REQUESTS, Needed),
    namespace("modifier/response-body", "", REQUESTS, Needed),
    namespace("modifier/response-body-generator", "", REQUESTS, Needed),
    namespace("modifier/response-headers", "", ANY, Needed),
    namespace("modifier/jmespath", "", REQUESTS, Needed),
    namespace("plugin/middleware", "", REQUESTS, Needed),
    namespace("server/virtualhost", "", &[Service], Needed),
    namespace("backend/conditional", "", &[Backend], Needed),
    namespace("backend/static-filesystem", "", &[Backend], Needed),
    namespace("backend/graphql", "devopsfaith/krakend/transport/http/client/graphql", &[Backend], Needed),
    namespace("backend/lambda", "devopsfaith/krakend-lambda", &[Backend], Needed),
    namespace("backend/amqp/consumer", "devopsfaith/krakend-amqp/consume", &[Backend], Needed),
    namespace("backend/amqp/producer", "devopsfaith/krakend-amqp/produce", &[Backend], Needed),
    namespace("backend/pubsub/subscriber", "devopsfaith/krakend-pubsub/subscriber", &[Backend], Needed),
    namespace("backend/pubsub/publisher", "devopsfaith/krakend-pubsub/publisher", &[Backend], Needed),
    namespace("backend/pubsub/subscriber/kafka", "", &[Backend], Needed),
    namespace("backend/pubsub/publisher/kafka", "", &[Backend], Needed),
    namespace("backend/grpc", "", &[Backend], Needed),
    namespace("backend/soap", "", &[Backend], Needed),
    namespace("websocket", "", &[Endpoint], Needed),
    namespace("workflow", "", &[Backend], Needed),
    namespace("ai/llm", "", &[Backend], Needed),
    namespace("ai/mcp", "", ANY, Needed),
];

/// Beginnings of names that protect something, so that also one nobody knows,
/// such as a misspelt one, stops the start.
const PROTECTING: [&str; 4] = ["auth/", "security/", "qos/ratelimit/", "validation/"];

/// Says what is wrong with the names in `extra`, the `extra_config` of `level`.
pub(super) fn check(extra: &Section<'_>, level: Level) {
    for name in extra.names() {
        let problems = extra.problems();
        let at = extra.at().key(name);
        let Some(namespace) = find(name) else {
            unknown(extra, name);
            continue;
        };
        if !namespace.name.eq_ignore_ascii_case(name) {
            let message = format!("has no effect beside {:?}, its newer name", namespace.name);
            problems.warning(&at, message, "remove one of the two");
            continue;
        }
        if !namespace.levels.contains(&level) {
            let levels: Vec<_> = namespace.levels.iter().map(|l| l.owner()).collect();
            let message = format!("has no effect in the extra_config of {}", level.owner());
            let help = format!("it belongs to {}", levels.join(" or "));
            problems.warning(&at, message, help);
            continue;
        }
        match namespace.state {
            Implemented => {}
            NoEffect(consequence) => {
                problems.warning(&at, "is not implemented yet and has no effect", consequence);
            }
            Needed => problems.error(
                &at,
                "is not implemented yet, so it would be served without it",
                "remove it to run without",
            ),
        }
    }
}

fn unknown(extra: &Section<'_>, name: &str) {
    let at = extra.at().key(name);
    let names = NAMESPACES.iter().map(|namespace| namespace.name);
    let help = match nearest(&name.replace('_', "/"), names) {
        Some(nearest) => format!("did you mean {nearest:?}?"),
        None => "remove it".to_owned(),
    };
    if PROTECTING.iter().any(|prefix| name.starts_with(prefix)) {
        let message = "unknown namespace; by its name it protects something";
        extra.problems().error(&at, message, help);
    } else {
        let message = "unknown namespace, has no effect";
        extra.problems().warning(&at, message, help);
    }
}

/// What becomes of the namespace `name`, a short one, in an `extra_config` of
/// `level`, if it belongs there and is not served.
pub(super) fn unserved(name: &str, level: Level) -> Option<(&'static str, Unserved)> {
    let mut belonging = of_level(level);
    let found = belonging.find(|namespace| namespace.name.eq_ignore_ascii_case(name))?;
    Some((found.name, found.unserved()?))
}

/// All that [`unserved`] knows of `level`.
#[cfg(test)]
pub(super) fn all_unserved(level: Level) -> impl Iterator<Item = (&'static str, Unserved)> {
    of_level(level).filter_map(|namespace| Some((namespace.name, namespace.unserved()?)))
}

/// Names of the namespaces of `level` that are served.
#[cfg(test)]
pub(super) fn served(level: Level) -> impl Iterator<Item = &'static str> {
    let served = of_level(level).filter(|namespace| namespace.unserved().is_none());
    served.map(|namespace| namespace.name)
}

fn of_level(level: Level) -> impl Iterator<Item = &'static Namespace> {
    let all = NAMESPACES.iter();
    all.filter(move |namespace| namespace.levels.contains(&level))
}

/// Gives namespaces that stand there under their long name the short one. If
/// both stand there, the long one stays and [`check`] says so.
pub(crate) fn shorten_namespaces(root: &mut Node) {
    shorten_in(root);
    for endpoint in children(root, "endpoints") {
        shorten_in(endpoint);
        for backend in children(endpoint, "backend") {
            shorten_in(backend);
        }
    }
}

fn shorten_in(node: &mut Node) {
    let Some(extra) = object(node).and_then(|object| child(object, "extra_config")) else {
        return;
    };
    let Some(extra) = object(extra) else {
        return;
    };
    let names: Vec<_> = extra.entries().iter().map(|e| e.key.clone()).collect();
    for name in names {
        let Some(short) = find(&name).map(|namespace| namespace.name) else {
            continue;
        };
        if extra.find(short).is_none()
            && let Some(entry) = extra.entries_mut().iter_mut().find(|e| e.key == name)
        {
            short.clone_into(&mut entry.key);
        }
    }
}

/// The entries of the list under `key`; something else is a list of one.
fn children<'a>(node: &'a mut Node, key: &str) -> impl Iterator<Item = &'a mut Node> {
    let child = object(node).and_then(|object| child(object, key));
    let (list, single) = match child {
        Some(Node {
            value: Value::List(items),
            ..
        }) => (items.as_mut_slice(), None),
        other => (&mut [][..], other),
    };
    list.iter_mut().chain(single)
}

fn object(node: &mut Node) -> Option<&mut Object> {
    match &mut node.value {
        Value::Object(object) => Some(object),
        _ => None,
    }
}

fn child<'a>(object: &'a mut Object, key: &str) -> Option<&'a mut Node> {
    let mut entries = object.entries_mut().iter_mut();
    let entry = entries.rfind(|entry| entry.key.eq_ignore_ascii_case(key));
    entry.map(|entry| &mut entry.node)
}

/// The namespace with this name, long or short, in any case.
fn find(name: &str) -> Option<&'static Namespace> {
    let lower = name.to_ascii_lowercase();
    let long = lower
        .strip_prefix("github.com/")
        .or_else(|| lower.strip_prefix("github_com/"))
        .map(|rest| match rest.strip_prefix("luraproject/lura/") {
            Some(rest) => format!("devopsfaith/krakend/{rest}"),
            None => rest.to_owned(),
        });
    NAMESPACES.iter().find(|namespace| match &long {
        Some(long) => namespace.alias == long,
        None => namespace.name == lower,
    })
}

impl Namespace {
    fn unserved(&self) -> Option<Unserved> {
        match self.state {
            Implemented => None,
            NoEffect(consequence) => Some(Unserved::NoEffect(consequence)),
            Needed => Some(Unserved::Refused),
        }
    }
}

impl Level {
    fn owner(self) -> &'static str {
        match self {
            Service => "the service",
            Endpoint => "an endpoint",
            Backend => "a backend",
        }
    }
}
