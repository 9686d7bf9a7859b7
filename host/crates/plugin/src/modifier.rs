//! A `req-resp-modifier` plugin at one place of use.

pub(crate) mod bindings;
mod convert;
mod types;

use std::sync::Arc;

use cuttle_egress::Way;
use tokio::time::Instant;

use crate::{
    BindError, Binding, CallError, Component, Instances, Meter, World,
    instance::{Instance, Outcome},
    pool::{Pool, Work},
};

pub(crate) use convert::{failed, original_to, request_to, request_verdict, response_to};
pub(crate) use convert::{place_to, response_verdict};
pub(crate) use types::ModifierSite;
pub use types::{
    Content, Hooks, Level, Params, PassingRequest, PassingResponse, Place, Refusal, Verdict,
};

/// A configured modifier: the instances of one place of use. Cheap to clone.
#[derive(Clone)]
pub struct Modifier(Arc<Pool>);

impl Modifier {
    /// Makes the first instance and configures it for `place`.
    ///
    /// # Errors
    /// [`BindError::Settings`] is the plugin's own refusal, everything else
    /// the gateway's.
    pub async fn bind(
        component: &Component,
        binding: Binding,
        place: Place,
    ) -> Result<Self, BindError> {
        Pool::bind_at(component, World::ReqRespModifier, binding, place)
            .await
            .map(Self)
    }

    /// The calls it has asked for.
    #[must_use]
    pub fn hooks(&self) -> Hooks {
        self.0.hooks()
    }

    /// Lets the plugin see, change or answer a request whose URI is absolute.
    /// Dropping the future stops the plugin.
    ///
    /// # Errors
    /// See [`CallError`]; at the deadline it is [`CallError::Deadline`].
    pub async fn modify_request(
        &self,
        passing: PassingRequest,
        deadline: Instant,
    ) -> Result<Verdict<PassingRequest>, CallError> {
        self.0.run(Asked(passing), deadline).await
    }

    /// Lets the plugin see, change or replace a response. `original` is the
    /// request, its body left out, for plugins that want it.
    ///
    /// # Errors
    /// As of [`modify_request`](Self::modify_request).
    pub async fn modify_response(
        &self,
        passing: PassingResponse,
        original: Option<PassingRequest>,
        deadline: Instant,
    ) -> Result<Verdict<PassingResponse>, CallError> {
        self.0.run(Answered(passing, original), deadline).await
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

    /// The ways through forward proxies that it has opened so far.
    #[must_use]
    pub fn ways(&self) -> Vec<Way> {
        self.0.ways()
    }
}

/// Shows no settings: they may be secrets.
impl std::fmt::Debug for Modifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Modifier").field(&self.name()).finish()
    }
}

/// `modify-request` of the contract.
struct Asked(PassingRequest);

impl Work for Asked {
    type Answer = Verdict<PassingRequest>;

    async fn run(self, instance: &mut Instance, deadline: Instant) -> Outcome<Self::Answer> {
        instance.modify_request(self.0, deadline).await
    }
}

/// `modify-response` of the contract.
struct Answered(PassingResponse, Option<PassingRequest>);

impl Work for Answered {
    type Answer = Verdict<PassingResponse>;

    async fn run(self, instance: &mut Instance, deadline: Instant) -> Outcome<Self::Answer> {
        instance.modify_response(self.0, self.1, deadline).await
    }
}
