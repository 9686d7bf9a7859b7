//! Imports in plain words.

use crate::{World, component::is_offered, standard};

/// What an import is to the one who runs the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Meaning {
    /// It lets the plugin do this.
    May(&'static str),
    /// Standard libraries ask for it; there is nothing behind it.
    GetsNothing(&'static str),
    /// Nothing by itself: types and streams that others work with.
    Plumbing,
    /// The gateway refuses a plugin that wants it.
    Refused,
}

/// What `import` means, which is the name of an interface with its package and
/// version, to a plugin of these worlds.
#[must_use]
pub fn meaning(import: &str, worlds: &[World]) -> Meaning {
    match is_offered(import) || standard::is_offered(import, worlds) {
        true => known(import.split('@').next().unwrap_or(import)),
        false => Meaning::Refused,
    }
}

fn known(interface: &str) -> Meaning {
    use Meaning::{GetsNothing, May, Plumbing};
    match interface {
        "cuttle:plugin/types" => Plumbing,
        "cuttle:plugin/outbound" => May("send requests to the hosts of its backend"),
        "cuttle:plugin/forward-proxy" => May("send requests through a forward proxy"),
        "cuttle:plugin/next" => {
            May("hand requests on: to the next plugin, to its backend, to the gateway")
        }
        "cuttle:plugin/client" => May("see the address of the client"),
        "cuttle:plugin/log" => May("write to the log"),
        "wasi:http/outgoing-handler" | "wasi:http/client" | "wasi:http/handler" => {
            May("send requests to the hosts of its backend")
        }
        "wasi:cli/stdout" | "wasi:cli/stderr" => May("write to the log"),
        "wasi:cli/environment" => GetsNothing("environment variables and arguments"),
        "wasi:cli/stdin" => GetsNothing("standard input"),
        "wasi:cli/exit" => Plumbing,
        _ => by_package(interface),
    }
}

fn by_package(interface: &str) -> Meaning {
    use Meaning::{GetsNothing, May, Plumbing};
    let (package, _) = interface.split_once('/').unwrap_or((interface, ""));
    match package {
        "wasi:clocks" => May("read the clock"),
        "wasi:random" => May("ask for random numbers"),
        "wasi:filesystem" => GetsNothing("files"),
        "wasi:sockets" => GetsNothing("sockets and names of hosts"),
        "wasi:cli" => GetsNothing("a terminal"),
        "wasi:config" => May("read its settings"),
        "wasi:io" | "wasi:http" => Plumbing,
        // One that this list has forgotten: better too much said than nothing.
        _ => May("use what this version of the gateway has no words for"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_are_told_in_plain_words() {
        let cases = [
            ("cuttle:plugin/types@0.1.0", Meaning::Plumbing),
            (
                "cuttle:plugin/forward-proxy@0.1.1",
                Meaning::May("send requests through a forward proxy"),
            ),
            ("cuttle:plugin/forward-proxy@0.9.0", Meaning::Refused),
            ("cuttle:plugin/secrets@0.1.0", Meaning::Refused),
            (
                "wasi:clocks/wall-clock@0.2.6",
                Meaning::May("read the clock"),
            ),
            ("wasi:filesystem/types@0.2.6", Meaning::GetsNothing("files")),
            (
                "wasi:cli/terminal-stdout@0.2.6",
                Meaning::GetsNothing("a terminal"),
            ),
            ("wasi:io/streams@0.2.6", Meaning::Plumbing),
            ("wasi:clocks/wall-clock@0.3.0", Meaning::Refused),
            ("wasi:http/outgoing-handler@0.2.6", Meaning::Refused),
            ("acme:thing/any", Meaning::Refused),
        ];
        for (import, expected) in cases {
            assert_eq!(meaning(import, &[World::HttpClient]), expected, "{import}");
        }
    }

    #[test]
    fn standard_components_may_import_more() {
        let sends = Meaning::May("send requests to the hosts of its backend");
        let cases = [
            (
                "wasi:http/outgoing-handler@0.2.6",
                World::WasiHttpProxy,
                sends,
            ),
            (
                "wasi:http/client@0.3.0",
                World::WasiHttpProxy,
                Meaning::Refused,
            ),
            ("wasi:http/client@0.3.0", World::WasiHttpService, sends),
        ];
        for (import, world, expected) in cases {
            assert_eq!(meaning(import, &[world]), expected, "{import}");
        }
    }
}
