//! The gateway among hostile clients, broken backends and bad days. Each module
//! is one kind of them.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests report by panicking"
)]

mod head;
