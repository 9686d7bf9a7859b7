//! One connection, whatever it speaks.

use futures_util::future::Either;
use http::{Request, Response};
use hyper::{body::Incoming, client::conn::TrySendError};

use super::{http1::Http1, http2::Http2};
use crate::{body::Upload, connect::Ready};

/// A connection that is ready for a request, or a share of one.
pub(crate) enum Connection {
    /// Ours alone. Dropping it closes the socket, whatever is under way.
    Http1(Http1),
    /// A place beside others. Dropping it ends nothing but our own exchange.
    Http2(Http2),
}

impl Connection {
    /// Starts HTTP on `ready`, as was agreed with the peer.
    pub(crate) async fn start(ready: Ready) -> hyper::Result<Self> {
        if ready.http2 {
            Http2::start(ready.io).await.map(Self::Http2)
        } else {
            Http1::start(ready.io).await.map(Self::Http1)
        }
    }

    pub(crate) fn send(
        &mut self,
        request: Request<Upload>,
    ) -> impl Future<Output = Result<Response<Incoming>, TrySendError<Request<Upload>>>> + use<>
    {
        match self {
            Self::Http1(connection) => Either::Left(connection.send(request)),
            Self::Http2(connection) => Either::Right(connection.send(request)),
        }
    }

    /// Bytes received so far that may belong to the next response.
    pub(crate) fn received(&self) -> u64 {
        match self {
            Self::Http1(connection) => connection.received(),
            // Bytes belong to streams; a response is there or is not.
            Self::Http2(_) => 0,
        }
    }

    pub(crate) fn is_http2(&self) -> bool {
        matches!(self, Self::Http2(_))
    }
}
