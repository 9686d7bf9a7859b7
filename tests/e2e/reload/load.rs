//! Requests without a pause.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use cuttle_tests::{Exchange, Gateway, Outgoing, soon};
use tokio::task::JoinSet;

/// Clients that send one request after the other, each on a connection that is
/// kept alive, until they are told to stop.
pub(super) struct Load {
    stop: Arc<AtomicBool>,
    sent: Arc<AtomicUsize>,
    clients: JoinSet<anyhow::Result<()>>,
}

impl Load {
    pub(super) fn start(gateway: &Gateway, paths: &[String], clients: usize) -> Self {
        let (stop, sent) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
        let mut set = JoinSet::new();
        for client in 0..clients {
            let (stop, sent, address) = (stop.clone(), sent.clone(), gateway.address());
            let paths = paths.to_owned();
            set.spawn(async move {
                let mut exchange = Exchange::connect(address).await?;
                let mut next = client;
                while !stop.load(Ordering::Relaxed) {
                    let path = &paths[next % paths.len()];
                    exchange.send(Outgoing::new("GET", path)).await?;
                    let answer = exchange.answer().await?;
                    anyhow::ensure!(
                        answer.status == 200 && answer.complete,
                        "{path}: {answer:?}"
                    );
                    sent.fetch_add(1, Ordering::Relaxed);
                    next += 1;
                }
                Ok(())
            });
        }
        Self {
            stop,
            sent,
            clients: set,
        }
    }

    /// Waits until so many more requests have been answered.
    pub(super) async fn go_on(&self, requests: usize) {
        let goal = self.sent.load(Ordering::Relaxed) + requests;
        soon("answers under load", async {
            while self.sent.load(Ordering::Relaxed) < goal {
                assert!(!self.clients.is_empty());
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
    }

    /// How many requests were answered; the first that was not is an error.
    pub(super) async fn end(mut self) -> anyhow::Result<usize> {
        self.stop.store(true, Ordering::Relaxed);
        while let Some(client) = self.clients.join_next().await {
            client??;
        }
        Ok(self.sent.load(Ordering::Relaxed))
    }
}
