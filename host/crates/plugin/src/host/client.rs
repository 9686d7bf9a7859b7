//! `client`.

use crate::{bindings::server::cuttle::plugin::client::Host, state::State};

impl Host for State {
    fn address(&mut self) -> wasmtime::Result<Option<String>> {
        let call = self.call.as_ref();
        let address = call.and_then(|call| call.onward.client);
        Ok(address.map(|address| address.to_string()))
    }
}
