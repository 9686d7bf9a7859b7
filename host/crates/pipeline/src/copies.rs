//! One client's request for several calls.

use bytes::{Bytes, BytesMut};
use http_body::Body as _;
use http_body_util::{BodyExt, Full};

use crate::{Body, Failure, FailureKind, Inbound};

/// Hands a client's request out several times.
///
/// A body is a stream: it can be passed on once. Where every call is to have
/// it, it is read first, within a limit; that is the only place where a
/// client's body is kept in memory. Copies share its bytes.
pub(crate) struct Copies {
    /// Without its body.
    inbound: Inbound,
    body: Kept,
}

enum Kept {
    /// For each call.
    Whole(Bytes),
    /// For the first call.
    Stream(Option<Body>),
}

impl Copies {
    /// Each copy gets the body. Reads it to its end.
    pub(crate) async fn with_body(mut inbound: Inbound, limit: u64) -> Result<Self, Failure> {
        let body = std::mem::replace(&mut inbound.body, full(Bytes::new()));
        let body = Kept::Whole(whole(body, limit).await?);
        Ok(Self { inbound, body })
    }

    /// The first copy gets the body, unread, the others none.
    pub(crate) fn sharing(mut inbound: Inbound) -> Self {
        let body = std::mem::replace(&mut inbound.body, full(Bytes::new()));
        let body = match body.is_end_stream() {
            true => Kept::Whole(Bytes::new()),
            false => Kept::Stream(Some(body)),
        };
        Self { inbound, body }
    }

    /// One more of it.
    pub(crate) fn next(&mut self) -> Inbound {
        let body = match &mut self.body {
            Kept::Whole(bytes) => full(bytes.clone()),
            Kept::Stream(body) => body.take().unwrap_or_else(|| full(Bytes::new())),
        };
        let Inbound {
            method,
            params,
            query,
            headers,
            body: _,
            client_ip,
            host,
        } = &self.inbound;
        Inbound {
            method: method.clone(),
            params: params.clone(),
            query: query.clone(),
            headers: headers.clone(),
            body,
            client_ip: *client_ip,
            host: host.clone(),
        }
    }
}

fn full(bytes: Bytes) -> Body {
    Full::new(bytes)
        .map_err(|never| match never {})
        .boxed_unsync()
}

async fn whole(mut body: Body, limit: u64) -> Result<Bytes, Failure> {
    // What is announced too long is not waited for.
    if body.size_hint().lower() > limit {
        return Err(too_large(limit));
    }
    let mut pieces = Pieces::default();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Failure::new(FailureKind::ClientBody, error))?;
        if let Ok(piece) = frame.into_data() {
            pieces.add(piece);
        }
        if pieces.length() as u64 > limit {
            return Err(too_large(limit));
        }
    }
    Ok(pieces.finish())
}

/// Bytes that are copied only when there are several pieces of them.
#[derive(Default)]
struct Pieces {
    first: Bytes,
    rest: BytesMut,
}

impl Pieces {
    fn add(&mut self, piece: Bytes) {
        if self.first.is_empty() {
            self.first = piece;
        } else {
            self.rest.extend_from_slice(&piece);
        }
    }

    fn length(&self) -> usize {
        self.first.len() + self.rest.len()
    }

    fn finish(self) -> Bytes {
        if self.rest.is_empty() {
            return self.first;
        }
        let mut whole = BytesMut::with_capacity(self.length());
        whole.extend_from_slice(&self.first);
        whole.extend_from_slice(&self.rest);
        whole.freeze()
    }
}

fn too_large(limit: u64) -> Failure {
    let why = format!("more than the {limit} bytes that are kept for several calls");
    Failure::new(FailureKind::BodyTooLarge, why)
}
