//! `outbound`, and what it shares with `forward-proxy`: sending.

use std::sync::Arc;

use cuttle_egress::{Body, SendOptions, Way};
use http::{Request, Response, Uri};
use wasmtime::component::Resource;

use super::{
    failure::send_failure,
    message::{RequestHandle, ResponseHandle},
};
use crate::{
    bindings::cuttle::plugin::{outbound::Host, types::Error},
    rights::Origin,
    state::{Call, Site, State},
};

impl Host for State {
    async fn send(
        &mut self,
        request: Resource<RequestHandle>,
    ) -> wasmtime::Result<Result<Resource<ResponseHandle>, Error>> {
        let site = Arc::clone(&self.site);
        self.exchange(request, &site.way).await
    }
}

impl State {
    /// Sends `request` by `way`, if the plugin may.
    pub(super) async fn exchange(
        &mut self,
        request: Resource<RequestHandle>,
        way: &Way,
    ) -> wasmtime::Result<Result<Resource<ResponseHandle>, Error>> {
        let request = self.table.delete(request)?;
        let site = Arc::clone(&self.site);
        let response = match self.call.as_ref() {
            // By far the largest future of a call: it moves once, to the heap, and
            // not through everything that waits for it.
            Some(call) => Box::pin(send(&site, call, request, way)).await,
            None => Err(Error::Denied("nothing can be sent from `configure`".into())),
        };
        match response {
            Ok(response) => Ok(Ok(self.table.push(response)?)),
            Err(error) => Ok(Err(error)),
        }
    }
}

async fn send(
    site: &Site,
    call: &Call,
    request: RequestHandle,
    way: &Way,
) -> Result<ResponseHandle, Error> {
    let request = request.into_request()?;
    dispatch(site, call, request, way)
        .await
        .map(ResponseHandle::received)
}

/// Sends `request` by `way`, if `call` may.
pub(crate) async fn dispatch(
    site: &Site,
    call: &Call,
    request: Request<Body>,
    way: &Way,
) -> Result<Response<Body>, Error> {
    let granted = call
        .origin
        .as_ref()
        .is_some_and(|own: &Origin| site.rights.may_reach(request.uri(), own));
    if !granted {
        return Err(not_granted(&site.plugin, request.uri()));
    }
    let options = SendOptions {
        deadline: call.deadline,
        redirects: site.redirects,
    };
    site.client
        .send(request, way, &options)
        .await
        .map_err(|error| send_failure(&error))
}

fn not_granted(plugin: &str, target: &Uri) -> Error {
    let target = target
        .authority()
        .map_or("", |authority| authority.as_str());
    Error::Denied(format!(
        "`{target}` is not a host of this backend: add it to `grants.{plugin}.outbound`"
    ))
}
