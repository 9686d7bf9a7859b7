//! Keys that KrakenD knows and that have no effect here, one table per level:
//! whoever implements a key removes its line.

use crate::read::Value;

/// A key without effect.
pub(super) struct Key {
    pub(super) name: &'static str,
    /// A value that means the same as leaving it out, beside the empty ones.
    usual: &'static str,
    /// What that leads to, or what to do.
    help: &'static str,
}

const fn key(name: &'static str, usual: &'static str, help: &'static str) -> Key {
    Key { name, usual, help }
}

pub(super) const SERVICE: &[Key] = &[
    key(
        "expect_continue_timeout",
        "0s",
        "\"Expect\" is never sent to a backend, so there is no \"100 Continue\" to wait for",
    ),
    key("async_agent", "", "no queue is consumed"),
    key(
        "sequential_start",
        "",
        "it matters for \"async_agent\" only",
    ),
];

pub(super) const LOGGING: &[Key] = &[
    key(
        "syslog",
        "",
        "lines go to standard output; let the system pass them on",
    ),
    key("syslog_facility", "", "lines go to standard output"),
    key(
        "custom_format",
        "",
        "write \"format\": \"default\" or \"json\"",
    ),
    key("backend_format", "", "remove it"),
    key("access_log_format", "", "remove it"),
];

pub(super) const ROUTER: &[Key] = &[
    key(
        "app_engine",
        "",
        "the client's address is taken from \"remote_ip_headers\"",
    ),
    key(
        "max_multipart_memory",
        "",
        "bodies are never kept in memory",
    ),
    key(
        "disable_gzip",
        "",
        "responses are never compressed (KrakenD Enterprise)",
    ),
    key(
        "decompress_gzip",
        "",
        "bodies pass as they are (KrakenD Enterprise)",
    ),
];

/// Keys of KrakenD 1.x and their names since.
const RENAMED: [(&str, &str); 4] = [
    ("querystring_params", "input_query_strings"),
    ("headers_to_pass", "input_headers"),
    ("whitelist", "allow"),
    ("blacklist", "deny"),
];

const LEVELS: [(&str, &[&str]); 3] = [
    (
        "the service",
        &[
            "port",
            "listen_ip",
            "read_timeout",
            "write_timeout",
            "idle_timeout",
            "dialer_timeout",
            "response_header_timeout",
            "max_idle_connections",
            "disable_rest",
            "client_tls",
            "max_idle_connections_per_host",
            "idle_connection_timeout",
            "plugin",
            "allow_insecure_connections",
        ],
    ),
    (
        "an endpoint",
        &[
            "endpoint",
            "timeout",
            "cache_ttl",
            "concurrent_calls",
            "input_headers",
            "input_query_strings",
            "output_encoding",
            "backend",
        ],
    ),
    (
        "a backend",
        &[
            "url_pattern",
            "encoding",
            "sd",
            "sd_scheme",
            "disable_host_sanitize",
            "allow",
            "deny",
            "mapping",
            "target",
            "group",
            "is_collection",
            "host",
            "method",
        ],
    ),
];

impl Key {
    /// Whether `value` would change something in KrakenD.
    pub(super) fn is_set(&self, value: &Value) -> bool {
        !value.is_empty()
            && match value {
                Value::Number(digits) => digits != self.usual,
                Value::Text(text) => text != self.usual && text != "false",
                _ => true,
            }
    }

    pub(super) fn message(&self) -> &'static str {
        "is not implemented yet and has no effect"
    }

    pub(super) fn help(&self) -> &'static str {
        self.help
    }
}

/// The renamed keys, for people who still have the old ones.
pub(super) fn renamed() -> String {
    let renamed = RENAMED.map(|(old, new)| format!("`{old}` is now `{new}`"));
    renamed.join(", ")
}

/// What to do about a key that is known, but not where it stands.
pub(super) fn elsewhere(key: &str, known: &[&str]) -> Option<String> {
    let is_key = |name: &&str| key.eq_ignore_ascii_case(name);
    if let Some((_, new)) = RENAMED.iter().find(|(old, _)| is_key(old)) {
        return Some(format!("since KrakenD 2.0 its name is {new:?}"));
    }
    if known.contains(&"url_pattern") && is_key(&"timeout") {
        return Some("a backend has the timeout of its endpoint: set it there".to_owned());
    }
    if !known.contains(&"extra_config") {
        return None;
    }
    let level = LEVELS.iter().find(|(_, keys)| keys.iter().any(is_key));
    level.map(|(level, _)| format!("{key:?} is a key of {level}: move it there"))
}
