//! Signals that end the process.

use std::{future::Future, io};

use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};

/// Two futures: the first SIGTERM or SIGINT, and the second.
///
/// # Errors
/// The handlers cannot be installed.
pub fn signals() -> io::Result<(impl Future<Output = ()>, impl Future<Output = ()>)> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let (count, seen) = watch::channel(0_u32);
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            count.send_modify(|count| *count += 1);
        }
    });
    Ok((reached(seen.clone(), 1), reached(seen, 2)))
}

async fn reached(mut seen: watch::Receiver<u32>, times: u32) {
    if seen.wait_for(|count| *count >= times).await.is_err() {
        // Without the task no signal can come any more.
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    use std::{pin::pin, process::Command};

    use futures_util::FutureExt;

    use super::*;
    use crate::testing::within;

    fn send(signal: &str) {
        let pid = std::process::id().to_string();
        assert!(
            Command::new("kill")
                .args([signal, &pid])
                .status()
                .unwrap()
                .success()
        );
    }

    #[tokio::test]
    async fn the_first_and_the_second_signal_are_told_apart() {
        let (first, second) = signals().unwrap();
        let (mut first, mut second) = (pin!(first), pin!(second));
        assert!(first.as_mut().now_or_never().is_none());
        send("-TERM");
        within(first).await;
        assert!(second.as_mut().now_or_never().is_none());
        send("-INT");
        within(second).await;
    }
}
