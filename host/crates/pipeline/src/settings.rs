//! What holds for all endpoints of a service.

use cuttle_config::{HttpOptions, Service};

/// What the service sets for its pipelines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settings {
    /// Whether backends may compress answers that are read here; off with
    /// `disable_compression`.
    pub compression: bool,
    /// Bytes of a client's body that are kept at most where several calls need
    /// it: [`BODY_COPY`], or `max_payload` of `router` if that is less.
    pub body_copy: u64,
    /// `max_decoded_body` of `cuttle/http`: bytes of a backend's answer that are
    /// read at most, without content codings.
    pub decoded_body: usize,
}

/// A client's body that several calls need is kept in memory. This is far above
/// what APIs take as JSON, and with 64 such requests at a time still below
/// 1 GiB.
pub const BODY_COPY: u64 = 16 * 1024 * 1024;

impl Settings {
    /// Those of `service`.
    #[must_use]
    pub fn of(service: &Service) -> Self {
        let payload = service.router.max_payload.unwrap_or(BODY_COPY);
        Self {
            compression: !service.client.disable_compression,
            body_copy: payload.min(BODY_COPY),
            decoded_body: decoded_body(&service.http),
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            compression: true,
            body_copy: BODY_COPY,
            decoded_body: decoded_body(&HttpOptions::default()),
        }
    }
}

fn decoded_body(options: &HttpOptions) -> usize {
    usize::try_from(options.max_decoded_body).unwrap_or(usize::MAX)
}
