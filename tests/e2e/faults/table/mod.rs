//! What a forward proxy, or somebody in its place, can do wrong.

mod bodies;
mod heads;

use std::time::Duration;

use bytes::Bytes;
use cuttle_tests::Step;

use super::run::Outcome;

/// One way to misbehave.
pub(super) struct Fault {
    pub(in crate::faults) name: &'static str,
    /// What the peer does on each connection.
    pub(in crate::faults) script: Vec<Step>,
    /// What the client gets when this is the answer of the proxy to a request
    /// for an `http` target. As an answer to `CONNECT` it is always a failure.
    pub(in crate::faults) outcome: Outcome,
    /// What it gets when this is the answer of the target, inside of TLS.
    pub(in crate::faults) inside: Outcome,
}

fn fault(name: &'static str, script: Vec<Step>, outcome: Outcome) -> Fault {
    Fault {
        name,
        script,
        outcome,
        inside: outcome,
    }
}

impl Fault {
    fn inside(mut self, outcome: Outcome) -> Self {
        self.inside = outcome;
        self
    }
}

/// This text after the head of the request, and the end of the connection.
fn answer(text: &str) -> Vec<Step> {
    vec![Step::Head, Step::send(text)]
}

/// This text, and then something else.
fn then(text: &str, step: Step) -> Vec<Step> {
    vec![Step::Head, Step::send(text), step]
}

fn slowly(text: &str) -> Step {
    Step::Drip(
        Bytes::copy_from_slice(text.as_bytes()),
        Duration::from_millis(20),
    )
}

const OK: &str = "HTTP/1.1 200 OK\r\n";
const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
const HUNDRED: &str = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n";

/// All of them.
pub(super) fn faults() -> Vec<Fault> {
    let mut all = heads::connections();
    all.extend(heads::heads());
    all.extend(heads::fields());
    all.extend(bodies::lengths());
    all.extend(bodies::chunks());
    all.extend(heads::interim());
    all.extend(bodies::leftovers());
    all.extend(heads::statuses());
    all
}
