//! The response of a guest that may still be at work.

use std::{
    collections::VecDeque,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use cuttle_egress::{Body, BoxError, remove_hop_by_hop};
use http::{HeaderMap, Method, Response, StatusCode, header};
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt;
use wasmtime_wasi_http::WasiBody;

use super::{
    running::{Ended, Running},
    watched::Watched,
};

/// Most pieces that a guest can have written and nobody has read: the channel
/// of a body holds two.
const MAX_WRITTEN: usize = 4;

/// The body of a response, with the guest that writes it: it runs on whenever
/// somebody asks for more.
///
/// The body of a guest that is gone looks finished. So its end is looked for
/// before the guest goes, and one that has none breaks off.
pub(crate) struct Answer {
    inner: WasiBody,
    guest: Option<Running>,
    /// Written by the guest before it went.
    rest: VecDeque<Bytes>,
    end: Option<End>,
    /// Bytes still missing from the length that the head promises.
    left: Option<u64>,
}

enum End {
    Complete,
    /// `None` once it has been told.
    Broken(Option<BoxError>),
}

impl Answer {
    /// The response as it goes to the client, without what belongs to a
    /// connection. The body is written by `guest`.
    ///
    /// # Errors
    /// Text about what makes it unusable.
    pub(crate) fn of(
        response: Response<WasiBody>,
        guest: Running,
        method: &Method,
    ) -> Result<Response<Self>, String> {
        let (mut parts, inner) = response.into_parts();
        check_status(parts.status)?;
        remove_hop_by_hop(&mut parts.headers);
        let promised = match has_body(method, parts.status) {
            true => length(&parts.headers),
            false => None,
        };
        if inner.is_end_stream() && promised.is_some_and(|length| length > 0) {
            return Err("it promises a body and has none".to_owned());
        }
        let answer = Self {
            inner,
            guest: Some(guest),
            rest: VecDeque::new(),
            end: None,
            left: promised,
        };
        Ok(Response::from_parts(parts, answer))
    }

    /// The guest has ended: what it has written is taken before it goes.
    pub(crate) fn settle(&mut self, ended: Ended) {
        let Some(guest) = self.guest.take() else {
            return;
        };
        let end = self.take_written();
        self.end = Some(match (end, guest.finish(ended)) {
            (Some(End::Complete), Err(error)) => {
                error.mention();
                End::Complete
            }
            (Some(end), _) => end,
            (None, Err(error)) => End::Broken(Some(error.into_error().into())),
            (None, Ok(())) => {
                End::Broken(Some("the plugin ended without finishing its body".into()))
            }
        });
    }

    /// The body for the client.
    pub(crate) fn into_body(mut self) -> Body {
        if self.end.is_none() && self.inner.is_end_stream() {
            self.complete();
        }
        match self.guest.as_ref().map(Running::deadline) {
            Some(deadline) => Watched::new(self, deadline).boxed_unsync(),
            None => self.boxed_unsync(),
        }
    }

    /// Takes what is there. `None`: the guest has not finished it.
    fn take_written(&mut self) -> Option<End> {
        let mut context = Context::from_waker(Waker::noop());
        for _ in 0..MAX_WRITTEN {
            match Pin::new(&mut self.inner).poll_frame(&mut context) {
                Poll::Ready(Some(Ok(frame))) => self.rest.extend(frame.into_data().ok()),
                Poll::Ready(Some(Err(error))) => return Some(End::Broken(Some(error.into()))),
                Poll::Ready(None) => return Some(End::Complete),
                Poll::Pending => break,
            }
        }
        None
    }

    fn run_guest(&mut self, context: &mut Context<'_>) {
        let Some(guest) = &mut self.guest else {
            return;
        };
        if let Poll::Ready(ended) = guest.poll(context) {
            self.settle(ended);
        }
    }

    fn poll_inner(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, BoxError>>> {
        loop {
            match Pin::new(&mut self.inner).poll_frame(context) {
                Poll::Ready(Some(Ok(frame))) => {
                    // Trailers go no further than any other in this gateway.
                    if let Ok(piece) = frame.into_data() {
                        return Poll::Ready(Some(Ok(piece)));
                    }
                }
                Poll::Ready(Some(Err(error))) => {
                    self.guest = None;
                    self.end = Some(End::Broken(None));
                    return Poll::Ready(Some(Err(error.into())));
                }
                Poll::Ready(None) => {
                    self.complete();
                    return Poll::Ready(None);
                }
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    fn next(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, BoxError>>> {
        if let Some(piece) = self.rest.pop_front() {
            return Poll::Ready(Some(Ok(piece)));
        }
        match &mut self.end {
            Some(End::Complete) => Poll::Ready(None),
            Some(End::Broken(error)) => Poll::Ready(error.take().map(Err)),
            None => self.poll_inner(context),
        }
    }

    /// All of it is there: what the guest has still to do is its own affair.
    fn complete(&mut self) {
        self.end = Some(End::Complete);
        if let Some(guest) = self.guest.take() {
            guest.detach();
        }
    }
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        this.run_guest(context);
        let next = this.next(context);
        if let (Poll::Ready(Some(Ok(piece))), Some(left)) = (&next, &mut this.left) {
            *left = left.saturating_sub(piece.len() as u64);
        }
        next.map(|next| next.map(|piece| piece.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && matches!(self.end, Some(End::Complete))
    }

    fn size_hint(&self) -> SizeHint {
        match self.left {
            Some(left) => SizeHint::with_exact(left),
            None if self.is_end_stream() => SizeHint::with_exact(0),
            None => SizeHint::default(),
        }
    }
}

/// Whoever reads by the promised length stops before the guest says that this
/// is all.
impl Drop for Answer {
    fn drop(&mut self) {
        if self.left == Some(0) && self.end.is_none() {
            self.complete();
        }
    }
}

fn check_status(status: StatusCode) -> Result<(), String> {
    match status.as_u16() {
        200..=599 => Ok(()),
        other => Err(format!("status {other} is not in 200 to 599")),
    }
}

/// RFC 9112, section 6.3.
fn has_body(method: &Method, status: StatusCode) -> bool {
    *method != Method::HEAD && !matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
}

fn length(headers: &HeaderMap) -> Option<u64> {
    let length = headers.get(header::CONTENT_LENGTH)?;
    length.to_str().ok()?.parse().ok()
}
