//! Which requests may share a connection.

use std::sync::Arc;

use http::uri::Authority;

use crate::{proxy::Identity, reach::Reach};

/// Connections are shared between requests with equal keys only. Cloning is
/// counting references; comparing authorities does not look at case.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    /// The proxy with its credentials and options.
    pub(crate) proxy: Option<Arc<Identity>>,
    /// Whether TLS is spoken with the target.
    pub(crate) secure: bool,
    /// The target, or the end of the tunnel. None where a proxy takes requests
    /// for any target.
    pub(crate) authority: Option<Authority>,
    /// A connection whose address was not checked is none for those who need it.
    pub(crate) reach: Reach,
}
