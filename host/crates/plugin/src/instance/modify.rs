//! What an instance of the world `req-resp-modifier-plugin` does.

use tokio::time::Instant;

use super::{Instance, Outcome, stopped};
use crate::{
    CallError,
    errand::beside,
    modifier::{
        Level, PassingRequest, PassingResponse, Verdict, failed, original_to, request_to,
        request_verdict, response_to, response_verdict,
    },
    next::Onward,
    rights::Origin,
};

/// What the runtime stopped the plugin for, or else what it returned.
type Ended<T> = wasmtime::Result<Result<T, CallError>>;

impl Instance {
    /// Lets the plugin see a request. As of [`handle`](Self::handle).
    pub(crate) async fn modify_request(
        &mut self,
        passing: PassingRequest,
        deadline: Instant,
    ) -> Outcome<Verdict<PassingRequest>> {
        let ended = self.call_request(passing, deadline).await;
        self.ended(ended)
    }

    /// Lets the plugin see a response. As of [`handle`](Self::handle).
    pub(crate) async fn modify_response(
        &mut self,
        passing: PassingResponse,
        original: Option<PassingRequest>,
        deadline: Instant,
    ) -> Outcome<Verdict<PassingResponse>> {
        let ended = self.call_response(passing, original, deadline).await;
        self.ended(ended)
    }

    async fn call_request(
        &mut self,
        passing: PassingRequest,
        deadline: Instant,
    ) -> Ended<Verdict<PassingRequest>> {
        let own = self.own(Some(&passing));
        let along = (Onward::default(), None);
        self.enter(self.call(own.clone(), deadline, along));
        let passing = request_to(self.store.data_mut(), passing)?;
        let plugin = self.exports.req_resp_modifier()?;
        let errands = self.store.data().errands.clone();
        let modifying = plugin.call_modify_request(&mut self.store, &passing);
        let returned = beside(errands, modifying).await?;
        let state = self.store.data_mut();
        match returned {
            Ok(verdict) => request_verdict(state, verdict, own.as_ref()),
            Err(error) => Ok(Err(failed(&state.site, error))),
        }
    }

    async fn call_response(
        &mut self,
        passing: PassingResponse,
        original: Option<PassingRequest>,
        deadline: Instant,
    ) -> Ended<Verdict<PassingResponse>> {
        let own = self.own(original.as_ref());
        self.enter(self.call(own, deadline, (Onward::default(), None)));
        let state = self.store.data_mut();
        let passing = response_to(state, passing)?;
        let original = original_to(state, original)?;
        let plugin = self.exports.req_resp_modifier()?;
        let errands = self.store.data().errands.clone();
        let original = original.as_ref();
        let modifying = plugin.call_modify_response(&mut self.store, passing, original);
        let returned = beside(errands, modifying).await?;
        let state = self.store.data_mut();
        match returned {
            Ok(verdict) => response_verdict(state, verdict),
            Err(error) => Ok(Err(failed(&state.site, error))),
        }
    }

    /// The origin of a backend's request, which the plugin may reach. A
    /// client's own names no backend: its host is whatever the client says.
    fn own(&self, passing: Option<&PassingRequest>) -> Option<Origin> {
        let modifier = self.store.data().site.modifier.as_ref()?;
        match modifier.place.level {
            Level::Endpoint => None,
            Level::Backend => Origin::of(passing?.request.uri()),
        }
    }

    fn ended<T>(&mut self, ended: Ended<T>) -> Outcome<T> {
        match ended {
            Ok(returned) => {
                self.store.data_mut().end_call();
                Outcome::Returned(returned)
            }
            Err(error) => Outcome::Broken(stopped(&self.store, &error)),
        }
    }
}
