//! The server behind the gateway: answers by script, records everything.

use std::{io, net::SocketAddr, sync::Arc};

use bytes::Bytes;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    task::JoinHandle,
};
use tokio_rustls::TlsAcceptor;

use crate::{
    Authority, Head, Journal, Pattern, Recorded, Step, Wire,
    body::Summing,
    journal::{Shared, Tapped},
    script::{After, Resettable, listen, play, serve},
};

/// A recording origin on a free port of `127.0.0.1`.
#[derive(Debug)]
pub struct Origin {
    address: SocketAddr,
    scheme: &'static str,
    journal: Shared,
    server: JoinHandle<()>,
}

/// What the origin does once it has a request.
#[derive(Debug, Clone)]
pub struct Reply {
    steps: Vec<Step>,
    early: bool,
}

type Handler = Arc<dyn Fn(&Head) -> Reply + Send + Sync>;

impl Origin {
    /// Answers every request with 200 and this text.
    pub async fn replying(text: &str) -> Self {
        let reply = Reply::text(text);
        Self::start(move |_| reply.clone()).await
    }

    /// Answers each request as `handler` says.
    pub async fn start(handler: impl Fn(&Head) -> Reply + Send + Sync + 'static) -> Self {
        let (listener, address) = listen().await;
        let journal = Shared::default();
        let (seen, handler): (_, Handler) = (journal.clone(), Arc::new(handler));
        let server = serve(listener, move |stream| {
            let (seen, handler) = (seen.clone(), handler.clone());
            async move { converse(stream, seen, handler).await }
        });
        Self {
            address,
            scheme: "http",
            journal,
            server,
        }
    }

    /// The same with TLS, with a certificate for `localhost`, `127.0.0.1` and `origin.test`.
    pub async fn start_tls(
        authority: &Authority,
        handler: impl Fn(&Head) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let (listener, address) = listen().await;
        let acceptor =
            TlsAcceptor::from(authority.server(&["localhost", "127.0.0.1", "origin.test"]));
        let journal = Shared::default();
        let (seen, handler): (_, Handler) = (journal.clone(), Arc::new(handler));
        let server = serve(listener, move |stream| {
            let (seen, handler, acceptor) = (seen.clone(), handler.clone(), acceptor.clone());
            async move {
                // Tests of certificates make handshakes fail on purpose.
                if let Ok(stream) = acceptor.accept(stream).await {
                    converse(stream, seen, handler).await;
                }
            }
        });
        Self {
            address,
            scheme: "https",
            journal,
            server,
        }
    }

    /// For a backend's `host`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    /// Host and port.
    #[must_use]
    pub fn authority(&self) -> String {
        self.address.to_string()
    }

    /// The port alone.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// What it has seen so far.
    #[must_use]
    pub fn journal(&self) -> Journal {
        self.journal.snapshot()
    }

    /// Requests whose head has arrived.
    #[must_use]
    pub fn hits(&self) -> usize {
        self.journal().heads.len()
    }

    /// The last complete request.
    ///
    /// # Panics
    ///
    /// If there was none.
    #[must_use]
    pub fn last(&self) -> Recorded {
        self.journal()
            .requests
            .pop()
            .expect("the origin got a request")
    }

    /// Waits until it has seen something.
    pub async fn wait<T>(&self, what: &str, done: impl Fn(&Journal) -> Option<T>) -> T {
        self.journal.wait(what, done).await
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Reply {
    /// 200 with a short body.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::status(200, &[], text)
    }

    /// A complete answer. `status` is written without reason phrase.
    #[must_use]
    pub fn status(status: u16, fields: &[(&str, &str)], body: &str) -> Self {
        let mut head = format!("HTTP/1.1 {status} \r\n");
        for (name, value) in fields {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !matches!(status, 204 | 304) {
            head.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        Self::steps(vec![Step::Send(Bytes::from(format!("{head}\r\n{body}")))])
    }

    /// 200 with a long body behind a `Content-Length`.
    #[must_use]
    pub fn long(length: u64) -> Self {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
        Self::steps(vec![Step::send(&head), Step::Pattern(Pattern::new(length))])
    }

    /// 200 with a long body in chunks.
    #[must_use]
    pub fn chunked(length: u64) -> Self {
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        Self::steps(vec![Step::send(head), Step::Chunks(Pattern::new(length))])
    }

    /// Anything.
    #[must_use]
    pub fn steps(steps: Vec<Step>) -> Self {
        Self {
            steps,
            early: false,
        }
    }

    /// Runs the steps before the body of the request is read, and then closes.
    #[must_use]
    pub fn early(mut self) -> Self {
        self.early = true;
        self
    }
}

async fn converse<S>(stream: S, journal: Shared, handler: Handler)
where
    S: AsyncRead + AsyncWrite + Resettable + Unpin,
{
    let (connection, tapped) = journal.tap(stream);
    let mut wire = Wire::new(tapped);
    // Gateways that go away in the middle are part of many tests.
    loop {
        match answer(&mut wire, connection, &journal, &handler).await {
            Ok(After::Open) => {}
            Ok(After::Drop) => return,
            Ok(After::Close) | Err(_) => break,
        }
    }
    let _ = wire.finish().await;
}

async fn answer<S>(
    wire: &mut Wire<Tapped<S>>,
    connection: usize,
    journal: &Shared,
    handler: &Handler,
) -> io::Result<After>
where
    S: AsyncRead + AsyncWrite + Resettable + Unpin,
{
    let Some(head) = wire.head().await? else {
        return Ok(After::Close);
    };
    journal.write(|journal| journal.heads.push(head.clone()));
    let reply = handler(&head);
    if reply.early {
        return Ok(match play(wire, &reply.steps, journal).await? {
            After::Drop => After::Drop,
            After::Open | After::Close => After::Close,
        });
    }
    let body = match body(wire, &head).await {
        Ok(body) => body,
        Err(error) => {
            journal.write(|journal| journal.broken += 1);
            return Err(error);
        }
    };
    journal.write(|journal| {
        journal.requests.push(Recorded {
            head,
            body,
            connection,
        });
    });
    play(wire, &reply.steps, journal).await
}

async fn body<S>(wire: &mut Wire<Tapped<S>>, head: &Head) -> io::Result<crate::Digest>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    if head.field("expect").is_some() {
        wire.send(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
    }
    let mut framing = head.request_framing();
    let mut summing = Summing::default();
    while let Some(piece) = wire.piece(&mut framing).await? {
        summing.add(&piece);
    }
    Ok(summing.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Exchange, Gate, Outgoing, TestResult, command, soon};

    async fn connect(origin: &Origin) -> Exchange {
        Exchange::connect(origin.address).await.expect("it listens")
    }

    #[tokio::test]
    async fn it_records_heads_as_written_and_sums_bodies_up() -> TestResult {
        let origin = Origin::replying("ok").await;
        let mut exchange = connect(&origin).await;
        for size in [0, 1, 200_000] {
            let request = Outgoing::new("PUT", "/a?b").field("X-Odd", "Case");
            exchange
                .send(request.clone().body(Pattern::new(size)))
                .await?;
            assert_eq!(exchange.answer().await?.body, "ok");
            assert_eq!(origin.last().body, Pattern::new(size).digest());
            exchange.send(request.chunks(Pattern::new(size))).await?;
            assert_eq!(exchange.answer().await?.body, "ok");
            assert_eq!(origin.last().body, Pattern::new(size).digest());
        }
        let last = origin.last();
        assert!(last.head.raw.starts_with("PUT /a?b HTTP/1.1\r\nHost: "));
        assert!(last.head.raw.contains("\r\nX-Odd: Case\r\n"));
        assert_eq!(last.connection, 0, "one connection for all");
        Ok(())
    }

    #[tokio::test]
    async fn its_long_answers_are_what_they_should_be() -> TestResult {
        for reply in [Reply::long(1 << 20), Reply::chunked(1 << 20)] {
            let origin = Origin::start(move |_| reply.clone()).await;
            let answer = Exchange::ask(origin.address, Outgoing::new("GET", "/")).await?;
            assert!(answer.complete);
            assert_eq!(answer.digest, Pattern::new(1 << 20).digest());
        }
        Ok(())
    }

    #[tokio::test]
    async fn its_tls_is_good_enough_for_curl() -> TestResult {
        let authority = Authority::new();
        let origin = Origin::start_tls(&authority, |_| Reply::text("secure")).await;
        let file = authority.file();
        let (ca, url) = (file.to_string_lossy(), origin.url());
        let mut curl = command("/usr/bin/curl", &["-sS", "--cacert", &ca, &url]);
        let output = soon("curl", curl.output()).await?;
        assert_eq!(
            String::from_utf8_lossy(&output.stdout),
            "secure",
            "{output:?}"
        );
        Ok(())
    }

    #[tokio::test]
    async fn a_reset_breaks_an_answer_off_and_a_gate_holds_it() -> TestResult {
        let gate = Gate::new();
        let steps = vec![
            Step::send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"),
            Step::Wait(gate.clone()),
            Step::Reset,
        ];
        let origin = Origin::start(move |_| Reply::steps(steps.clone())).await;
        let mut exchange = connect(&origin).await;
        exchange.send(Outgoing::new("GET", "/")).await?;
        assert_eq!(exchange.piece_after_head().await?, "half");
        gate.open();
        let error = exchange.piece().await.expect_err("a reset");
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        Ok(())
    }

    #[tokio::test]
    async fn it_notices_a_peer_that_goes_away() -> TestResult {
        for step in [Step::Silence, Step::Flood] {
            let steps = vec![Step::send("HTTP/1.1 200 OK\r\n\r\n"), step];
            let origin = Origin::start(move |_| Reply::steps(steps.clone())).await;
            let mut exchange = connect(&origin).await;
            exchange.send(Outgoing::new("GET", "/")).await?;
            exchange.head().await?;
            drop(exchange);
            origin
                .wait("the end", |journal| (journal.gone == 1).then_some(()))
                .await;
        }
        Ok(())
    }
}
