//! `next`: what comes after the plugin.

use std::sync::{Arc, Mutex, PoisonError};

use cuttle_egress::{Body, remove_hop_by_hop};
use http::{
    HeaderMap, Request,
    header::{CONTENT_LENGTH, HOST},
};
use wasmtime::component::Resource;

use super::{
    failure::{contract, following_failure},
    message::{RequestHandle, ResponseHandle},
    outbound::not_granted,
};
use crate::{
    CallError, Plugin,
    bindings::cuttle::plugin::{next::Host, types::Error},
    next::{Next, Told},
    observer::{self, Route, To},
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
            // As large as everything that follows: on the heap.
            Some(call) => Box::pin(hand_on(&site, call, request)).await,
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
    call: &mut Call,
    request: RequestHandle,
) -> Result<ResponseHandle, Error> {
    let mut request = request.into_request()?;
    reframe(request.headers_mut());
    let answered = match &site.next {
        Next::Plugin { plugin, hosts } => {
            // Otherwise it could make use of the rights of those behind it.
            let own = call.origin.as_ref();
            if !site.rights.may_hand_on(request.uri(), own, hosts) {
                return Err(not_granted(site, request.uri()));
            }
            return follow(plugin, call, request).await;
        }
        Next::Server(plugin) => {
            let onward = call.onward.again();
            plugin.handle(request, onward, call.deadline).await
        }
        Next::Gateway => return answered_by_gateway(call, request).await,
        // Sent by the client, without coming here.
        Next::Backend => return Err(Error::Other("nobody is there".into())),
    };
    answered
        .map(ResponseHandle::received)
        .map_err(|error| told(call, error))
}

async fn follow(
    plugin: &Plugin,
    call: &mut Call,
    request: Request<Body>,
) -> Result<ResponseHandle, Error> {
    let Some(observer) = &call.observer else {
        let answered = plugin.call(request, call.deadline).await;
        let answered = answered.map_err(|error| told(call, error));
        return answered.map(ResponseHandle::received);
    };
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

async fn answered_by_gateway(call: &Call, request: Request<Body>) -> Result<ResponseHandle, Error> {
    match &call.onward.gateway {
        Some(gateway) => Ok(ResponseHandle::received(gateway.answer(request).await)),
        None => Err(Error::Other("nobody is there".into())),
    }
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
