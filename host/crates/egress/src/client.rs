//! The client: a chain of hops under one deadline.

use std::sync::Arc;

use http::{Method, Request, Response, Uri};
use tokio::time::{Instant, timeout_at};

use crate::{
    PoolSize,
    body::Body,
    connect::Connector,
    counters::{Counters, Tally},
    error::{BuildError, Error, ErrorKind},
    failover::Sending,
    fields,
    pool::Pool,
    proxy::{Choice, Found, PacProxies, Way},
    reach::Reach,
    redirect::{self, Chain, Repeatable},
    send::{Head, Sender},
    settings::{Redirects, SendOptions, Settings},
    target::Target,
};

/// Sends requests. Cheap to clone; owns the pools, which close with the last clone.
#[derive(Clone)]
pub struct Client(Arc<Sender>);

impl Client {
    /// Reads the files that `settings` name; makes no socket and needs no runtime.
    ///
    /// # Errors
    ///
    /// A file that cannot be used (the error names it), or TLS settings that
    /// leave no version.
    pub fn new(settings: Settings) -> Result<Self, BuildError> {
        Ok(Self(Arc::new(Sender {
            connector: Connector::new(&settings)?,
            pool: Pool::new(&settings),
            tally: Tally::default(),
            response_header_timeout: settings.response_header_timeout,
            disable_keep_alives: settings.disable_keep_alives,
        })))
    }

    /// Sends `request`, whose URI is absolute, and returns when the head of the
    /// response is there. Follows redirects by `options`, choosing the way anew
    /// for every hop.
    ///
    /// The message is framed here: hop-by-hop fields, `Host`, `Content-Length`
    /// and `Transfer-Encoding` of `request` do not count, and hop-by-hop fields
    /// of the response are left out. Dropping the future or the body of the
    /// response closes the connection.
    ///
    /// # Errors
    ///
    /// See [`ErrorKind`]. Errors of the response's body are [`Error`]s in a box.
    pub async fn send(
        &self,
        request: Request<Body>,
        way: &Way,
        options: &SendOptions,
    ) -> Result<Response<Body>, Error> {
        let (parts, body) = request.into_parts();
        let mut head = Head {
            method: parts.method,
            headers: parts.headers,
        };
        if head.method == Method::CONNECT {
            return Err(Error::new(
                ErrorKind::InvalidRequest,
                "CONNECT cannot be sent as a request",
            ));
        }
        fields::clean_request(&mut head.headers);
        match options.redirects {
            Redirects::None => {
                self.hop(&mut head, &parts.uri, body, way, options, Turn::Only)
                    .await
            }
            Redirects::Follow { send_body } => {
                self.follow(head, parts.uri, body, way, options, send_body)
                    .await
            }
        }
    }

    /// What was done so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.0.tally.read()
    }

    /// Connections that wait for a request, and those that are shared by
    /// several at a time (HTTP/2), whether they wait or not.
    #[must_use]
    pub fn connections(&self) -> PoolSize {
        self.0.pool.size()
    }

    async fn follow(
        &self,
        mut head: Head,
        mut uri: Uri,
        body: Body,
        way: &Way,
        options: &SendOptions,
        send_body: bool,
    ) -> Result<Response<Body>, Error> {
        let deadline = options.deadline;
        let mut turn = Turn::First;
        let mut chain = Chain::new(&head.headers);
        let (mut body, mut repeatable) = Repeatable::prepare(body, send_body, deadline).await?;
        for _ in 0..redirect::REQUEST_LIMIT {
            let response = self.hop(&mut head, &uri, body, way, options, turn).await?;
            turn = Turn::Redirected;
            let Some(next) = chain.next(&response, &uri, &mut head, &mut repeatable) else {
                return Ok(response);
            };
            redirect::drain(response.into_body(), deadline).await;
            (uri, body) = (next.uri, next.body);
        }
        let text = format!("stopped after {} redirects", redirect::REQUEST_LIMIT);
        Err(Error::new(ErrorKind::Protocol, text))
    }

    /// One request to `uri`.
    async fn hop(
        &self,
        head: &mut Head,
        uri: &Uri,
        body: Body,
        way: &Way,
        options: &SendOptions,
        turn: Turn,
    ) -> Result<Response<Body>, Error> {
        let target = Target::parse(uri)?.within(admit(options, uri, turn)?);
        let deadline = options.deadline;
        let choice = match way.at_once(&target)? {
            Found::Choice(choice) => choice,
            Found::Pac(proxies) => Box::pin(ask(proxies, &target, deadline)).await?,
        };
        let sending = Sending {
            head,
            target,
            deadline,
            last: turn == Turn::Only,
        };
        self.0.hop(sending, body, choice).await
    }
}

/// Which request of a call.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// There is one, and its head is not needed again.
    Only,
    First,
    Redirected,
}

fn admit(options: &SendOptions, uri: &Uri, turn: Turn) -> Result<Reach, Error> {
    let Some(gate) = &options.gate else {
        return Ok(Reach::Any);
    };
    gate.admit(uri, turn == Turn::Redirected)
        .map_err(|text| Error::new(ErrorKind::Denied, text))
}

async fn ask(proxies: &PacProxies, target: &Target, deadline: Instant) -> Result<Choice, Error> {
    let choice = timeout_at(deadline, Choice::by_pac(proxies, target)).await;
    choice.unwrap_or_else(|_| {
        let text = format!("the way to {target} was not found in time");
        Err(Error::new(ErrorKind::Timeout, text))
    })
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Client")
    }
}
