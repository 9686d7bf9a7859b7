//! What `fuzz/` reaches of the inside; compiled for nobody else.

use std::sync::{Arc, LazyLock};

use cuttle_egress::{Body, Client, Settings};
use http::{Request, Response};
use wasmtime_wasi_config::WasiConfigVariables;

use super::message::{RequestHandle, ResponseHandle, append_header};
use crate::{
    Binding,
    instance::finish,
    log::Log,
    next::Next,
    rights::Rights,
    state::{Site, Ways},
};

/// Names and values of fields, in a plugin's words.
pub type Fields<'a> = [(&'a str, &'a [u8])];

/// The request that leaves a plugin which made it of these parts, if it may.
#[must_use]
pub fn request(method: &str, uri: &str, fields: &Fields<'_>) -> Option<Request<Body>> {
    let mut handle = RequestHandle::made(method.to_owned(), uri.to_owned());
    for (name, value) in fields {
        append_header(&mut handle.parts.headers, name, value).ok()?;
    }
    handle.into_request().ok()
}

/// The response of a plugin that made it of these parts, if it may.
#[must_use]
pub fn response(status: u16, fields: &Fields<'_>) -> Option<Response<Body>> {
    static SITE: LazyLock<Option<Site>> = LazyLock::new(site);
    let mut handle = ResponseHandle::made(status);
    for (name, value) in fields {
        append_header(&mut handle.parts.headers, name, value).ok()?;
    }
    finish(SITE.as_ref()?, handle).ok()
}

fn site() -> Option<Site> {
    let plugin: Arc<str> = "fuzz".into();
    let binding = Binding {
        endpoint: "GET /fuzz".into(),
        ..Binding::least(Client::new(Settings::default()).ok()?)
    };
    Some(Site {
        rights: Arc::new(Rights::new(&plugin, &binding)),
        log: Arc::new(Log::new(Arc::clone(&plugin), binding.endpoint, 1)),
        plugin,
        client: binding.client,
        way: binding.way,
        redirects: binding.redirects,
        limits: binding.limits,
        ways: Ways::default(),
        modifier: None,
        next: Next::Backend,
        config: WasiConfigVariables::default(),
    })
}
