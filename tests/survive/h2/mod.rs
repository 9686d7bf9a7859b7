//! HTTP/2 clients that write their frames by hand (RFC 9113).

mod floods;
mod heads;
mod windows;
mod wire;
