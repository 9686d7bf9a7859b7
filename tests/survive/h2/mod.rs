//! HTTP/2 clients that write their frames by hand (RFC 9113).

mod floods;
mod heads;
pub(crate) mod windows;
pub(crate) mod wire;
