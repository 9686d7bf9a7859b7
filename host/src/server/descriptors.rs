//! File descriptors of the process.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the limit to what the process may have, as Go's runtime does: the
/// usual 1,024 are for programs that use `select`.
pub(super) fn raise() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    // Where that is not allowed, the old limit holds and is respected.
    let _ = setrlimit(Resource::Nofile, raised);
}

/// How many of them clients may have: a quarter is for backends and files, so
/// that a flood of connections does not end requests that are under way.
pub(super) fn for_clients() -> usize {
    let limit = getrlimit(Resource::Nofile).current;
    let limit = limit.and_then(|limit| usize::try_from(limit).ok());
    limit.map_or(usize::MAX, |limit| limit - limit / 4)
}
