//! Routes that cannot stand side by side.

use std::{error::Error, fmt};

use cuttle_pipeline::config::KeyPath;
use http::Method;

/// A route that cannot stand beside an earlier one.
///
/// `Display` is for the problem at [`place`](Self::place), so it does not repeat
/// that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Conflict {
    pub(crate) method: Method,
    /// Where the later route stands.
    pub(crate) place: KeyPath,
    /// Its path, as written.
    pub(crate) path: String,
    /// Where the earlier route stands.
    pub(crate) other_place: KeyPath,
    /// Its path, as written.
    pub(crate) other_path: String,
    pub(crate) kind: ConflictKind,
}

/// What is wrong about two routes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ConflictKind {
    /// Same path and method.
    Duplicate,
    /// Two names for the parameter at one position.
    ParamNames {
        /// Name in the later route.
        name: String,
        /// Name in the earlier one.
        other_name: String,
    },
}

impl Conflict {
    /// What to do about it.
    pub(crate) fn help(&self) -> String {
        match &self.kind {
            ConflictKind::Duplicate => {
                "remove one of the two, or give it another path or method".to_owned()
            }
            ConflictKind::ParamNames { other_name, .. } => {
                format!("call the parameter `{{{other_name}}}` in both")
            }
        }
    }
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            method,
            path,
            other_place,
            other_path,
            ..
        } = self;
        match &self.kind {
            ConflictKind::Duplicate if path == other_path => {
                write!(f, "`{method} {path}` is served by {other_place} already")
            }
            ConflictKind::Duplicate => write!(
                f,
                "`{method} {path}` is served by {other_place} already, as `{other_path}`"
            ),
            ConflictKind::ParamNames { name, other_name } => write!(
                f,
                "`{{{name}}}` of `{method} {path}` stands where `{method} {other_path}` \
                 ({other_place}) has `{{{other_name}}}`"
            ),
        }
    }
}

impl Error for Conflict {}
