//! What the gateway survives: hostile clients, broken backends and bad days.
//! Each module is one kind of them, and most run beside traffic that must not
//! notice.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests report by panicking"
)]

mod backends;
mod connections;
mod days;
mod h2;
mod head;
mod healthy;
mod slow;
mod soak;
