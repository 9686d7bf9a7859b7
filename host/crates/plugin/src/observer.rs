//! Somebody who goes along with one call of a plugin: for tests of plugins,
//! where there is no outside world, and for recordings of it.
//!
//! An observer travels in the extensions of the request. A call without one
//! pays a look at extensions that are empty.

use std::sync::{Arc, Mutex, PoisonError};

use cuttle_egress::{Body, SendOptions, Way};
use futures_util::future::BoxFuture;
use http::{Request, Response};
use tokio::time::Instant;

use crate::{
    CallError, Plugin, PluginFailure,
    host::{following_failure, plugin_failure, send_failure},
    state::Site,
};

/// What comes of a request of the plugin's own.
pub type Exchanged<'a> = BoxFuture<'a, Result<Response<Body>, PluginFailure>>;

/// Goes along with one call.
pub trait Observer: Send + Sync {
    /// The plugin sends `request`, which it may. [`Onward::send`] sends it
    /// really; whoever does not stands in for the outside world.
    fn exchange<'a>(
        &'a self,
        request: Request<Body>,
        route: Route<'a>,
        onward: Onward<'a>,
    ) -> Exchanged<'a>;

    /// The plugin has returned, or was stopped by a trap. Not called when the
    /// deadline stops it.
    fn ended(&self, spent: Spent);
}

/// By which import the plugin sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Route<'a> {
    /// `outbound`.
    Outbound,
    /// `next`.
    Next,
    /// `forward-proxy`: the address the way was opened with. May hold
    /// credentials.
    ForwardProxy(&'a str),
}

/// What one call has used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Spent {
    /// Fuel, about one for each instruction; `None` if the engine counts none
    /// ([`EngineSettings::reproducible`](crate::EngineSettings::reproducible)).
    pub fuel: Option<u64>,
    /// Bytes of linear memory the instance has at the end. It never shrinks.
    pub memory: usize,
}

/// The way out.
pub struct Onward<'a>(pub(crate) To<'a>);

/// Where it leads.
pub(crate) enum To<'a> {
    /// Out of the gateway.
    Client {
        site: &'a Site,
        way: &'a Way,
        options: SendOptions,
    },
    /// To the following plugin of a list.
    Plugin {
        plugin: &'a Plugin,
        deadline: Instant,
        /// Its failure, for the log and the status of the client.
        failed: &'a Mutex<Option<CallError>>,
    },
}

impl Onward<'_> {
    /// Sends `request` to where it goes.
    ///
    /// # Errors
    /// What the plugin is told.
    pub async fn send(self, request: Request<Body>) -> Result<Response<Body>, PluginFailure> {
        match self.0 {
            To::Client { site, way, options } => {
                let sent = site.client.send(request, way, &options).await;
                sent.map_err(|error| {
                    site.tell_denial(&error);
                    plugin_failure(send_failure(&error))
                })
            }
            To::Plugin {
                plugin,
                deadline,
                failed,
            } => {
                let answered = plugin.call(request, deadline).await;
                answered.map_err(|error| {
                    let failure = plugin_failure(following_failure(&error));
                    *failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                    failure
                })
            }
        }
    }
}

#[derive(Clone)]
struct Attached(Arc<dyn Observer>);

/// Lets `observer` go along with the call that gets `request`.
pub fn observe(request: &mut Request<Body>, observer: Arc<dyn Observer>) {
    request.extensions_mut().insert(Attached(observer));
}

/// The one who goes along with `request`.
pub(crate) fn detach(request: &mut Request<Body>) -> Option<Arc<dyn Observer>> {
    let attached = request.extensions_mut().remove::<Attached>()?;
    Some(attached.0)
}
