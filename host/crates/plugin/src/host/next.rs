//! `next`: what comes after the plugin.

use std::sync::{Arc, Mutex, PoisonError};

use cuttle_egress::{Body, remove_hop_by_hop};
use http::{
    HeaderMap, Request,
    header::{CONTENT_LENGTH, HOST},
};
use tokio::time::Instant;
use wasmtime::component::Resource;

use super::{
    failure::{contract, following_failure, send_failure},
    message::{RequestHandle, ResponseHandle},
    outbound::not_granted,
};
use crate::{
    CallError, Plugin, ServerPlugin,
    bindings::cuttle::plugin::{next::Host, types::Error},
    errand::{Errand, Errands, Mishap},
    next::{Next, Told},
    observer::{self, Observer, Route, To},
    state::{Call, Site, State},
};

impl Host for State {
    async fn send(
        &mut self,
        request: Resource<RequestHandle>,
    ) -> wasmtime::Result<Result<Resource<ResponseHandle>, Error>> {
        let site = Arc::clone(&self.site);
        if matches!(site.next, Next::Backend) {
            return self.exchange(request, &site.way, Route::Next).await;
        }
        let request = self.table.delete(request)?;
        self.wait();
        let answered = match self.call.as_mut() {
            Some(call) => hand_on(&site, (call, &self.errands), request).await,
            None => Err(Error::Denied("nothing can be sent from `configure`".into())),
        };
        self.resume();
        match answered {
            Ok(response) => Ok(Ok(self.table.push(response)?)),
            Err(error) => Ok(Err(error)),
        }
    }
}

async fn hand_on(
    site: &Site,
    (call, errands): (&mut Call, &Errands),
    request: RequestHandle,
) -> Result<ResponseHandle, Error> {
    let mut request = request.into_request()?;
    reframe(request.headers_mut());
    let errand = match &site.next {
        Next::Plugin { plugin, hosts } => {
            // Otherwise it could make use of the rights of those behind it.
            let own = call.origin.as_ref();
            if !site.rights.may_hand_on(request.uri(), own, hosts) {
                return Err(not_granted(site, request.uri()));
            }
            if let Some(observer) = &call.observer {
                let observer = Arc::clone(observer);
                return observed(&*observer, plugin, call, request).await;
            }
            followed(plugin.clone(), call.deadline, request)
        }
        Next::Server(plugin) => served(plugin.clone(), call, request),
        Next::Gateway => answered_by_gateway(call, request)?,
        // Sent by the client, without coming here.
        Next::Backend => return Err(nobody()),
    };
    let done = errands.run(errand).await;
    done.map(ResponseHandle::received)
        .map_err(|mishap| match mishap {
            Mishap::Following(error) => told(call, error),
            Mishap::Sending(error) => send_failure(&error),
        })
}

fn nobody() -> Error {
    Error::Other("nobody is there".into())
}

fn followed(plugin: Plugin, deadline: Instant, request: Request<Body>) -> Errand {
    Box::pin(async move {
        let answered = plugin.call(request, deadline).await;
        answered.map_err(Mishap::Following)
    })
}

fn served(plugin: ServerPlugin, call: &Call, request: Request<Body>) -> Errand {
    let (onward, deadline) = (call.onward.again(), call.deadline);
    Box::pin(async move {
        let answered = plugin.handle(request, onward, deadline).await;
        answered.map_err(Mishap::Following)
    })
}

fn answered_by_gateway(call: &Call, request: Request<Body>) -> Result<Errand, Error> {
    let gateway = call.onward.gateway.clone().ok_or_else(nobody)?;
    Ok(Box::pin(async move { Ok(gateway.answer(request).await) }))
}

/// Whoever goes along stands between the plugin and the one that follows.
async fn observed(
    observer: &dyn Observer,
    plugin: &Plugin,
    call: &mut Call,
    request: Request<Body>,
) -> Result<ResponseHandle, Error> {
    let failed = Mutex::default();
    let onward = observer::Onward(To::Plugin {
        plugin,
        deadline: call.deadline,
        failed: &failed,
    });
    let answered = observer.exchange(request, Route::Next, onward).await;
    answered.map(ResponseHandle::received).map_err(|failure| {
        let failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
        failed.map_or_else(|| contract(failure), |error| told(call, error))
    })
}

/// Remembers whose failure it is that the plugin is told about.
fn told(call: &mut Call, error: CallError) -> Error {
    let failure = following_failure(&error);
    call.onward.told = Some(Told::new(failure.clone(), error));
    failure
}

/// Whoever comes next frames the message by its URI and its body.
fn reframe(headers: &mut HeaderMap) {
    remove_hop_by_hop(headers);
    headers.remove(HOST);
    headers.remove(CONTENT_LENGTH);
}
