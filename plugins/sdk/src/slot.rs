//! How an instance holds the value of its plugin.

use std::{cell::OnceCell, thread::LocalKey};

use crate::{
    Error, Request, Response, SettingsError, bindings::cuttle::plugin::types, logger, settings,
};

pub(crate) type Slot<P> = LocalKey<OnceCell<P>>;

/// `configure` of the contract: puts in what `make` makes.
pub(crate) fn fill<P>(
    slot: &'static Slot<P>,
    make: impl FnOnce() -> Result<P, SettingsError>,
) -> Result<(), String> {
    logger::install();
    let plugin = make().map_err(|error| error.to_string())?;
    // A second `configure` would be a fault of the gateway; the first counts.
    slot.with(|slot| slot.set(plugin)).ok();
    Ok(())
}

/// Lets the plugin do something.
pub(crate) fn with<P, T>(
    slot: &'static Slot<P>,
    call: impl FnOnce(&P) -> Result<T, Error>,
) -> Result<T, Error> {
    slot.with(|slot| match slot.get() {
        Some(plugin) => call(plugin),
        None => Err(Error::Other("called before `configure`".into())),
    })
}

/// `configure` of a plugin that makes its value with `new`.
pub fn configure<P, S: serde::de::DeserializeOwned + 'static>(
    slot: &'static Slot<P>,
    text: &str,
    new: fn(S) -> Result<P, SettingsError>,
) -> Result<(), String> {
    fill(slot, || settings::parse(text).and_then(new))
}

/// `handle` of a plugin that answers with `handle`.
pub fn handle<P>(
    slot: &'static Slot<P>,
    request: types::Request,
    handle: fn(&P, Request) -> Result<Response, Error>,
) -> Result<types::Response, types::Error> {
    with(slot, |plugin| {
        handle(plugin, Request::from_contract(request))
    })
    .or_else(Error::into_answer)
    .map(Response::into_contract)
}
