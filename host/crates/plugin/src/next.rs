//! What comes after a plugin, and what one call carries along to it.

use std::{future::Future, net::IpAddr, pin::Pin, sync::Arc};

use cuttle_egress::Body;
use http::{Request, Response, uri::Authority};

use crate::{CallError, Plugin, ServerPlugin, bindings::cuttle::plugin::types::Error};

/// An answer on its way.
pub type Answering<'a> = Pin<Box<dyn Future<Output = Response<Body>> + Send + 'a>>;

/// The gateway behind its `http-server` plugins, for one request of a client.
pub trait Handler: Send + Sync {
    /// Answers `request`, whose URI is absolute. A plugin may ask more than
    /// once, and never asks at the same time. Dropping the future ends the
    /// work on it.
    fn answer(&self, request: Request<Body>) -> Answering<'_>;
}

/// Where `next` leads at one place of use.
pub(crate) enum Next {
    /// To the backend, through the gateway's client.
    Backend,
    /// To the following plugin of a backend.
    Plugin {
        plugin: Plugin,
        /// Authorities a request may be handed on for, beside its own and those
        /// that were granted.
        hosts: Vec<Authority>,
    },
    /// To the following plugin in front of the gateway.
    Server(ServerPlugin),
    /// To the gateway.
    Gateway,
}

impl Next {
    /// Whether the way to the backend begins here: for those in front, the
    /// hosts of the backend are a matter of whoever follows.
    pub(crate) fn is_backend(&self) -> bool {
        matches!(self, Self::Backend)
    }
}

/// What a call carries along, and what it has learnt on the way.
#[derive(Default)]
pub(crate) struct Onward {
    pub(crate) gateway: Option<Arc<dyn Handler>>,
    pub(crate) client: Option<IpAddr>,
    /// The last failure of whoever follows.
    pub(crate) told: Option<Told>,
}

impl Onward {
    /// For the plugin that follows.
    pub(crate) fn again(&self) -> Self {
        Self {
            gateway: self.gateway.clone(),
            client: self.client,
            told: None,
        }
    }

    /// The failure behind `returned`, if that is what the plugin was told: then
    /// it is still the failure of the one who told it.
    pub(crate) fn passed_on(&mut self, returned: &Error) -> Option<CallError> {
        let told = self.told.as_mut()?;
        (told.failure == *returned).then(|| told.error.take())?
    }
}

/// A failure that a plugin was told about. Unless it is passed on, nobody else
/// will log it.
pub(crate) struct Told {
    failure: Error,
    error: Option<CallError>,
}

impl Told {
    pub(crate) fn new(failure: Error, error: CallError) -> Self {
        Self {
            failure,
            error: Some(error),
        }
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        let Some(error) = &self.error else {
            return;
        };
        const LINE: &str = "a plugin failed, and the one in front of it went on";
        match error {
            // Such as a backend that cannot be reached: for that it is there.
            CallError::Failed { .. } => tracing::info!(target: "cuttle", %error, "{LINE}"),
            _ => tracing::warn!(target: "cuttle", %error, "{LINE}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn onward() -> Onward {
        let error = CallError::Exhausted {
            plugin: "b".into(),
            instances: Some(1),
        };
        Onward {
            told: Some(Told::new(Error::Other("b is busy".into()), error)),
            ..Onward::default()
        }
    }

    #[test]
    fn a_failure_that_is_returned_as_it_came_is_still_that_of_the_other() {
        let mut onward = onward();
        let passed_on = onward.passed_on(&Error::Other("b is busy".into()));
        assert!(matches!(passed_on, Some(CallError::Exhausted { .. })));
        assert!(onward.passed_on(&Error::Timeout).is_none());
    }

    #[test]
    fn another_error_is_the_plugins_own() {
        assert!(onward().passed_on(&Error::Timeout).is_none());
        assert!(onward().again().passed_on(&Error::Timeout).is_none());
    }
}
