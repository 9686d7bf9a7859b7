//! An `http-server` plugin in its place in front of the gateway.

use std::{net::IpAddr, sync::Arc};

use cuttle_egress::{Body, Way};
use http::{Request, Response};
use tokio::time::Instant;

use crate::{
    BindError, Binding, CallError, Component, Handler, Meter, World,
    instance::{Instance, Outcome},
    next::{Next, Onward},
    pool::{Pool, Work},
};

/// A configured plugin in front of the gateway, or of another one. Cheap to
/// clone.
#[derive(Clone)]
pub struct ServerPlugin(Arc<Pool>);

impl ServerPlugin {
    /// Makes the first instance and configures it. Its `next` is `following`;
    /// without one it is the gateway. `hosts` of the binding are those that
    /// were granted: the request's own gives no right here.
    ///
    /// # Errors
    /// [`BindError::Settings`] is the plugin's own refusal, everything else
    /// the gateway's.
    pub async fn bind(
        component: &Component,
        binding: Binding,
        following: Option<&Self>,
    ) -> Result<Self, BindError> {
        let next = following.map_or(Next::Gateway, |plugin| Next::Server(plugin.clone()));
        Pool::bind_before(component, World::HttpServer, binding, next)
            .await
            .map(Self)
    }

    /// Lets the plugin answer `request`, whose URI is absolute, of `client`.
    ///
    /// # Errors
    /// See [`CallError`]; at the deadline it is [`CallError::Deadline`].
    pub async fn call(
        &self,
        request: Request<Body>,
        client: IpAddr,
        gateway: Arc<dyn Handler>,
        deadline: Instant,
    ) -> Result<Response<Body>, CallError> {
        let onward = Onward {
            gateway: Some(gateway),
            client: Some(client),
            told: None,
        };
        self.handle(request, onward, deadline).await
    }

    pub(crate) async fn handle(
        &self,
        request: Request<Body>,
        onward: Onward,
        deadline: Instant,
    ) -> Result<Response<Body>, CallError> {
        self.0.run(Handle { request, onward }, deadline).await
    }

    /// Name the plugin is registered under.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.name()
    }

    /// What it costs.
    #[must_use]
    pub fn meter(&self) -> Meter {
        Meter(Arc::clone(&self.0))
    }

    /// The ways through forward proxies that it has opened so far.
    #[must_use]
    pub fn ways(&self) -> Vec<Way> {
        self.0.ways()
    }
}

/// Shows no settings: they may be secrets.
impl std::fmt::Debug for ServerPlugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("ServerPlugin").field(&self.name()).finish()
    }
}

/// `handle` of the contract.
struct Handle {
    request: Request<Body>,
    onward: Onward,
}

impl Work for Handle {
    type Answer = Response<Body>;

    async fn run(self, instance: &mut Instance, deadline: Instant) -> Outcome<Self::Answer> {
        instance.handle(self.request, deadline, self.onward).await
    }
}
