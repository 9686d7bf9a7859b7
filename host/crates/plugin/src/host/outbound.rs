//! `outbound`, and what it shares with `forward-proxy`: sending.

use std::sync::Arc;

use cuttle_egress::{Body, Way};
use http::{Request, Response, Uri};
use wasmtime::component::Resource;

use super::{
    failure::{contract, following_failure, send_failure},
    message::{RequestHandle, ResponseHandle},
};
use crate::{
    bindings::cuttle::plugin::{outbound::Host, types::Error},
    errand::{Errands, Mishap},
    observer::{Observer, Onward, Route, To},
    state::{Call, Site, State},
};

impl Host for State {
    async fn send(
        &mut self,
        request: Resource<RequestHandle>,
    ) -> wasmtime::Result<Result<Resource<ResponseHandle>, Error>> {
        let site = Arc::clone(&self.site);
        self.exchange(request, &site.way, Route::Outbound).await
    }
}

impl State {
    /// Sends `request` by `way`, if the plugin may.
    pub(super) async fn exchange(
        &mut self,
        request: Resource<RequestHandle>,
        way: &Way,
        route: Route<'_>,
    ) -> wasmtime::Result<Result<Resource<ResponseHandle>, Error>> {
        let request = self.table.delete(request)?;
        let site = Arc::clone(&self.site);
        self.wait();
        let response = match self.call.as_ref() {
            Some(call) => send(&site, (call, &self.errands), request, (way, route)).await,
            None => Err(Error::Denied("nothing can be sent from `configure`".into())),
        };
        self.resume();
        match response {
            Ok(response) => Ok(Ok(self.table.push(response)?)),
            Err(error) => Ok(Err(error)),
        }
    }
}

async fn send(
    site: &Arc<Site>,
    (call, errands): (&Call, &Errands),
    request: RequestHandle,
    (way, route): (&Way, Route<'_>),
) -> Result<ResponseHandle, Error> {
    let request = request.into_request()?;
    if call.observer.is_some() {
        let dispatched = Box::pin(dispatch(site, call, request, (way, route))).await;
        return dispatched.map(ResponseHandle::received);
    }
    let (sender, way, options) = (Arc::clone(site), way.clone(), call.send_options(site));
    let errand = async move {
        let sent = sender.client.send(request, &way, &options).await;
        sent.map_err(Mishap::Sending)
    };
    // By far the largest future of a call: it moves once, to the heap.
    let done = errands.run(Box::pin(errand)).await;
    done.map(ResponseHandle::received)
        .map_err(|mishap| match mishap {
            Mishap::Sending(error) => failed(site, &error),
            Mishap::Following(error) => following_failure(&error),
        })
}

/// Sends `request` by `way`. The client asks whether `call` may, for each hop of
/// the request.
pub(crate) async fn dispatch(
    site: &Site,
    call: &Call,
    request: Request<Body>,
    (way, route): (&Way, Route<'_>),
) -> Result<Response<Body>, Error> {
    if let Some(observer) = &call.observer {
        return observed(&**observer, (site, call), request, (way, route)).await;
    }
    site.client
        .send(request, way, &call.send_options(site))
        .await
        .map_err(|error| failed(site, &error))
}

fn failed(site: &Site, error: &cuttle_egress::Error) -> Error {
    site.tell_denial(error);
    send_failure(error)
}

/// The refusal, with the grant that would be needed.
pub(super) fn not_granted(site: &Site, target: &Uri) -> Error {
    let in_front = !site.next.is_backend();
    Error::Denied(site.rights.denied(target, in_front, false))
}

/// Whoever goes along may stand in for the client, so what the client would ask
/// is asked before.
async fn observed(
    observer: &dyn Observer,
    (site, call): (&Site, &Call),
    request: Request<Body>,
    (way, route): (&Way, Route<'_>),
) -> Result<Response<Body>, Error> {
    let options = call.send_options(site);
    if let Some(gate) = &options.gate {
        let admitted = gate.admit(request.uri(), false);
        admitted.map_err(|text| {
            site.warn_of_denial(&text);
            Error::Denied(text)
        })?;
    }
    let onward = Onward(To::Client { site, way, options });
    let exchanged = observer.exchange(request, route, onward).await;
    exchanged.map_err(contract)
}
