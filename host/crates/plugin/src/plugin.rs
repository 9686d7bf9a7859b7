//! An `http-client` plugin at one place of use.

use std::sync::Arc;

use cuttle_egress::{Body, Way};
use http::{Request, Response, uri::Authority};
use tokio::time::Instant;

use crate::{
    BindError, Binding, CallError, Component, Instances, Meter, World,
    instance::{Instance, Outcome},
    next::{Next, Onward},
    pool::{Pool, Work},
};

/// A configured plugin: the instances of one place of use. Cheap to clone.
#[derive(Clone)]
pub struct Plugin(Arc<Pool>);

impl Plugin {
    /// Makes the first instance and configures it.
    ///
    /// # Errors
    /// [`BindError::Settings`] is the plugin's own refusal, everything else
    /// the gateway's.
    pub async fn bind(component: &Component, binding: Binding) -> Result<Self, BindError> {
        Pool::bind(component, component.client_world(), binding)
            .await
            .map(Self)
    }

    /// The same in front of `following`, which its `next` leads to. `hosts` of
    /// the binding are those that were granted, and all that it may send to
    /// itself; those of the backend it may only hand requests on for.
    ///
    /// # Errors
    /// As of [`bind`](Self::bind).
    pub async fn bind_before(
        component: &Component,
        binding: Binding,
        following: &Self,
        backend_hosts: Vec<Authority>,
    ) -> Result<Self, BindError> {
        let next = Next::Plugin {
            plugin: following.clone(),
            hosts: backend_hosts,
        };
        Pool::bind_before(component, World::HttpClient, binding, next)
            .await
            .map(Self)
    }

    /// Lets the plugin answer `request`, whose URI is absolute.
    ///
    /// The body of the response streams on after this has returned. Dropping
    /// the future stops the plugin.
    ///
    /// # Errors
    /// See [`CallError`]; at the deadline it is [`CallError::Deadline`].
    pub async fn call(
        &self,
        request: Request<Body>,
        deadline: Instant,
    ) -> Result<Response<Body>, CallError> {
        if self.0.is_standard() {
            return self.0.serve(request, deadline).await;
        }
        self.0.run(Handle(request), deadline).await
    }

    /// Name the plugin is registered under.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.name()
    }

    /// Its instances at this moment.
    #[must_use]
    pub fn instances(&self) -> Instances {
        self.0.instances()
    }

    /// What it costs.
    #[must_use]
    pub fn meter(&self) -> Meter {
        Meter(Arc::clone(&self.0))
    }

    /// The ways through forward proxies that it has opened so far, which is all
    /// of them for a plugin that opens its ways in `configure`.
    #[must_use]
    pub fn ways(&self) -> Vec<Way> {
        self.0.ways()
    }
}

/// Shows no settings: they may be secrets.
impl std::fmt::Debug for Plugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Plugin").field(&self.name()).finish()
    }
}

/// `handle` of the contract.
struct Handle(Request<Body>);

impl Work for Handle {
    type Answer = Response<Body>;

    async fn run(self, instance: &mut Instance, deadline: Instant) -> Outcome<Self::Answer> {
        instance.handle(self.0, deadline, Onward::default()).await
    }
}
