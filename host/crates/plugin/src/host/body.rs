//! `types.body`.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use cuttle_egress::{Body, BoxError};
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::{BodyExt, Empty, Full};
use wasmtime::component::Resource;

use super::{
    failure::body_failure,
    pipe::{BodyWriter, Pipe},
};
use crate::{
    bindings::cuttle::plugin::types::{Error, HostBody},
    state::State,
};

/// Most bytes of one `read`: keeps the copy short, and costs a plugin that
/// reads all of a large body nothing that could be measured.
const READ_SIZE: usize = 1 << 20;

/// A body in a plugin's hands.
pub struct BodyHandle {
    body: Body,
    /// Read from `body`, not yet by the plugin.
    rest: Bytes,
    state: Reading,
    pipe: Option<Arc<Pipe>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Reading {
    Open,
    Ended,
    Failed,
}

impl BodyHandle {
    pub(super) fn new(body: Body) -> Self {
        Self {
            body,
            rest: Bytes::new(),
            state: Reading::Open,
            pipe: None,
        }
    }

    /// A body that has nothing in it is none.
    pub(super) fn unless_empty(body: Body) -> Option<Self> {
        (!body.is_end_stream()).then(|| Self::new(body))
    }

    fn piped() -> (BodyWriter, Self) {
        let (writer, reader) = Pipe::open();
        let pipe = Arc::clone(&reader.0);
        let body = Self {
            pipe: Some(pipe),
            ..Self::new(reader.boxed_unsync())
        };
        (writer, body)
    }

    /// The next piece, at most `max` bytes and not empty.
    async fn read(&mut self, max: usize) -> Result<Option<Bytes>, Error> {
        while self.rest.is_empty() {
            match self.state {
                Reading::Open => {}
                Reading::Ended => return Ok(None),
                Reading::Failed => return Err(Error::Body("the body has failed before".into())),
            }
            if self.pipe.as_ref().is_some_and(|pipe| pipe.is_stuck()) {
                self.state = Reading::Failed;
                return Err(Error::Body(
                    "nothing more is written while this is read".into(),
                ));
            }
            self.fill().await?;
        }
        Ok(Some(self.rest.split_to(max.min(self.rest.len()))))
    }

    async fn fill(&mut self) -> Result<(), Error> {
        match self.body.frame().await {
            // Trailers have no place in the contract.
            Some(Ok(frame)) => self.rest = frame.into_data().unwrap_or_default(),
            Some(Err(error)) => {
                self.state = Reading::Failed;
                return Err(body_failure(error.as_ref()));
            }
            None => self.state = Reading::Ended,
        }
        Ok(())
    }

    /// All that is left, if it is not more than `limit` bytes.
    async fn read_all(&mut self, limit: u64) -> Result<Vec<u8>, Error> {
        let mut all = Vec::new();
        while let Some(piece) = self.read(READ_SIZE).await? {
            all.extend_from_slice(&piece);
            if all.len() as u64 > limit {
                self.state = Reading::Failed;
                self.rest = Bytes::new();
                return Err(Error::Body(format!("more than {limit} bytes")));
            }
        }
        Ok(all)
    }

    fn len(&self) -> Option<u64> {
        match self.state {
            Reading::Open => Some(self.rest.len() as u64 + self.body.size_hint().exact()?),
            Reading::Ended => Some(self.rest.len() as u64),
            Reading::Failed => None,
        }
    }

    /// What is left of it, to be sent.
    fn into_body(self) -> Body {
        if let Some(pipe) = &self.pipe {
            pipe.mark_sending();
        }
        // By far the most bodies pass unread: no further layer for them.
        if self.rest.is_empty() && self.state == Reading::Open {
            return self.body;
        }
        Remainder(self).boxed_unsync()
    }
}

/// The body of a message that leaves the plugin.
pub(crate) fn body_to_send(body: Option<BodyHandle>) -> Body {
    match body {
        Some(body) => body.into_body(),
        None => Empty::new().map_err(|never| match never {}).boxed_unsync(),
    }
}

/// A body that has been read in part.
struct Remainder(BodyHandle);

impl http_body::Body for Remainder {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let body = &mut self.get_mut().0;
        if !body.rest.is_empty() {
            let rest = std::mem::take(&mut body.rest);
            return Poll::Ready(Some(Ok(Frame::data(rest))));
        }
        match body.state {
            Reading::Open => Pin::new(&mut body.body).poll_frame(context),
            Reading::Ended => Poll::Ready(None),
            // An end would look complete.
            Reading::Failed => Poll::Ready(Some(Err("the body broke off before".into()))),
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.0
            .len()
            .map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

impl HostBody for State {
    fn from_bytes(&mut self, content: Vec<u8>) -> wasmtime::Result<Resource<BodyHandle>> {
        let content = self.hold(content)?;
        let body = Full::new(content).map_err(|never| match never {});
        Ok(self.table.push(BodyHandle::new(body.boxed_unsync()))?)
    }

    fn pipe(&mut self) -> wasmtime::Result<(Resource<BodyWriter>, Resource<BodyHandle>)> {
        let (writer, body) = BodyHandle::piped();
        self.remember_pipe(Arc::clone(&writer.0));
        Ok((self.table.push(writer)?, self.table.push(body)?))
    }

    fn size_hint(&mut self, this: Resource<BodyHandle>) -> wasmtime::Result<Option<u64>> {
        Ok(self.table.get(&this)?.len())
    }

    async fn read(
        &mut self,
        this: Resource<BodyHandle>,
        max: u32,
    ) -> wasmtime::Result<Result<Option<Vec<u8>>, Error>> {
        let body = self.table.get_mut(&this)?;
        let max = usize::try_from(max)
            .unwrap_or(READ_SIZE)
            .clamp(1, READ_SIZE);
        let read = body.read(max).await;
        Ok(read.and_then(|piece| {
            piece
                .map(|piece| {
                    self.count_read(piece.len() as u64)?;
                    Ok(piece.to_vec())
                })
                .transpose()
        }))
    }

    async fn read_all(
        &mut self,
        this: Resource<BodyHandle>,
        limit: u64,
    ) -> wasmtime::Result<Result<Vec<u8>, Error>> {
        let readable = self.readable();
        let body = self.table.get_mut(&this)?;
        let read = body.read_all(limit.min(readable)).await;
        Ok(read.and_then(|all| {
            self.count_read(all.len() as u64)?;
            Ok(all)
        }))
    }

    fn drop(&mut self, this: Resource<BodyHandle>) -> wasmtime::Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}

impl State {
    /// Holds bytes for the plugin; too many end the call.
    pub(super) fn hold(&mut self, content: Vec<u8>) -> wasmtime::Result<Bytes> {
        self.held.hold(content).ok_or_else(|| {
            self.limiter.reached = Some("memory");
            wasmtime::Error::msg("the bodies made by the plugin take up more than its memory may")
        })
    }

    /// Bytes of bodies this call may still read.
    fn readable(&self) -> u64 {
        self.call.as_ref().map_or(0, |call| call.readable)
    }

    fn count_read(&mut self, bytes: u64) -> Result<(), Error> {
        let limit = self.site.limits.body_read;
        let left = self
            .readable()
            .checked_sub(bytes)
            .ok_or_else(|| Error::Body(format!("more than the {limit} bytes a call may read")))?;
        if let Some(call) = &mut self.call {
            call.readable = left;
        }
        Ok(())
    }
}
