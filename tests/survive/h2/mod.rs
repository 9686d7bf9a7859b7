//! HTTP/2 clients that write their frames by hand (RFC 9113).

mod floods;
mod frames;
mod heads;
pub(crate) mod windows;
pub(crate) mod wire;
