//! Bodies that are written down on their way.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use cuttle_egress::{Body, BoxError};
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt;

use super::draft::Draft;
use crate::cases::{Case, Content};

type Add = Box<dyn FnOnce(&mut Case, Content) + Send>;

/// A body that somebody is given: what nobody reads of it does not matter.
pub(super) fn given(
    body: Body,
    draft: &Arc<Draft>,
    add: impl FnOnce(&mut Case, Content) + Send + 'static,
) -> Body {
    tee(body, draft, Box::new(add), false)
}

/// A body that must be complete: it is what the case expects.
pub(super) fn made(
    body: Body,
    draft: &Arc<Draft>,
    add: impl FnOnce(&mut Case, Content) + Send + 'static,
) -> Body {
    tee(body, draft, Box::new(add), true)
}

fn tee(body: Body, draft: &Arc<Draft>, add: Add, whole: bool) -> Body {
    if body.is_end_stream() {
        return body;
    }
    let tee = Tee {
        body,
        draft: Arc::clone(draft),
        seen: Vec::new(),
        add: Some(add),
        whole,
    };
    tee.boxed_unsync()
}

struct Tee {
    body: Body,
    draft: Arc<Draft>,
    seen: Vec<u8>,
    /// Where it belongs; nothing once it is there.
    add: Option<Add>,
    /// A part of it is of no use.
    whole: bool,
}

impl Tee {
    fn keep(&mut self, data: &Bytes) {
        if self.draft.admits(data.len()) {
            self.seen.extend_from_slice(data);
        } else {
            // The case is lost: no memory for it.
            self.seen = Vec::new();
        }
    }

    fn end(&mut self) {
        if let Some(add) = self.add.take() {
            self.draft.add(add, &self.seen);
        }
    }
}

impl http_body::Body for Tee {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        let frame = ready!(Pin::new(&mut this.body).poll_frame(context));
        match &frame {
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    this.keep(data);
                }
                // Whoever counts does not ask for the end.
                if this.body.is_end_stream() {
                    this.end();
                }
            }
            Some(Err(_)) => {
                this.add = None;
                this.draft.spoil();
            }
            None => this.end(),
        }
        Poll::Ready(frame)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }
}

impl Drop for Tee {
    fn drop(&mut self) {
        match self.add.is_some() && self.whole {
            true => self.draft.spoil(),
            false => self.end(),
        }
    }
}
