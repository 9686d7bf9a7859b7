//! What an instance of a standard component does: one call.

use std::{future::poll_fn, pin::Pin, sync::Arc};

use cuttle_egress::Body;
use http::{Request, uri};
use http_body_util::BodyExt;
use tokio::{sync::oneshot, time::Instant};
use wasmtime::Store;
use wasmtime_wasi_http::{
    WasiHttpView,
    p2::bindings::{Proxy, http::types::Scheme},
    p3::{self, bindings::Service},
};

use super::{Instance, stopped};
use crate::{
    next::Onward,
    observer,
    rights::Origin,
    standard::{Finished, Journey, Said, body_error},
    state::State,
    world::Exports,
};

/// Where a guest says what it answers, and how it learns that nobody reads on.
pub(crate) struct Listener {
    pub(crate) say: oneshot::Sender<Said>,
    pub(crate) unread: oneshot::Receiver<()>,
}

impl Instance {
    /// Begins a call that answers `request`.
    pub(crate) fn begin_standard(
        &mut self,
        request: &mut Request<Body>,
        deadline: Instant,
    ) -> Arc<Journey> {
        let observer = observer::detach(request);
        let along = (Onward::default(), observer);
        let call = self.call(Origin::of(request.uri()), deadline, along);
        let again = call.again();
        self.enter(call);
        self.start_clock();
        self.store.data_mut().hooks.begin_call(again)
    }

    /// Lets the component answer `request`, and do whatever it does afterwards.
    /// Dropping the future stops it.
    pub(crate) async fn serve(
        mut self: Box<Self>,
        request: Request<Body>,
        listener: Listener,
    ) -> Finished {
        let Self { store, exports, .. } = &mut *self;
        let served = match exports {
            Exports::WasiHttpProxy(proxy) => call_proxy(store, proxy, request, listener).await,
            Exports::WasiHttpService(service) => {
                call_service(store, service, request, listener).await
            }
            _ => Err(wasmtime::Error::msg("not a standard component")),
        };
        // A short flood may be over before anybody looks.
        let overdrawn = store.data().overdrawn();
        let served = served.and_then(|()| overdrawn.map_or(Ok(()), Err));
        let outcome = served.map_err(|error| stopped(store, &error));
        let left_over = left_over(store);
        self.tell_observer();
        self.store.data_mut().end_call();
        Finished {
            instance: self,
            left_over,
            outcome,
        }
    }
}

/// Whether tasks, requests or streams of the guest are there still: the runtime
/// would go on with them as soon as it has the next call.
fn left_over(store: &mut Store<State>) -> bool {
    let table = store.concurrent_resource_table();
    table.is_some_and(|table| !table.is_empty())
}

async fn call_proxy(
    store: &mut Store<State>,
    proxy: &Proxy,
    request: Request<Body>,
    listener: Listener,
) -> wasmtime::Result<()> {
    let scheme = match request.uri().scheme() {
        Some(scheme) if *scheme == uri::Scheme::HTTPS => Scheme::Https,
        _ => Scheme::Http,
    };
    let request = request.map(|body| body.map_err(body_error));
    let mut http = store.data_mut().http();
    let request = http.new_incoming_request(scheme, request)?;
    let outparam = http.new_response_outparam_from_callback(move |said| {
        // Nobody listens any more: then nobody minds.
        let _ = listener.say.send(said.map_err(Into::into));
    })?;
    let handler = proxy.wasi_http_incoming_handler();
    handler.call_handle(store, request, outparam).await
}

async fn call_service(
    store: &mut Store<State>,
    service: &Service,
    request: Request<Body>,
    Listener { say, unread }: Listener,
) -> wasmtime::Result<()> {
    let request = request.map(|body| body.map_err(body_error));
    let serve = async move |accessor: &wasmtime::component::Accessor<State>| {
        let (request, sent) = accessor.with(|mut store| {
            let http = store.data_mut().http();
            let (request, sent) = p3::Request::from_http(http.hooks, request);
            // By its type it borrows from the store, which it does not.
            let sent: Pin<Box<dyn Future<Output = _> + Send>> = Box::pin(sent);
            (request, sent)
        });
        let said = match service.handle(accessor, request).await? {
            Ok(response) => Ok(accessor.with(|store| response.into_http(store, sent))?),
            Err(code) => Err(code.into()),
        };
        // The body is written by tasks of the guest, which run as long as this.
        if say.send(said).is_ok() {
            let _ = unread.await;
            poll_fn(|context| accessor.poll_no_interesting_tasks(context)).await;
        }
        Ok(())
    };
    store.run_concurrent(serve).await?
}
