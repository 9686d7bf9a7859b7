//! Panics that cost one backend call, not the request around it.

use std::{future::Future, panic::AssertUnwindSafe};

use futures_util::FutureExt;

use crate::{Failure, FailureKind};

/// `call`, with a panic in it as its failure.
///
/// Calls share nothing that one of them could leave half done: each owns its
/// request and what it makes of the answer.
pub(crate) async fn guarded<T>(
    call: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let unwound = AssertUnwindSafe(call).catch_unwind().await;
    // The panic's text is with the panic hook's output, on standard error.
    unwound.unwrap_or_else(|_| {
        let why = "the backend's call has made the gateway panic";
        Err(Failure::new(FailureKind::Panicked, why))
    })
}
