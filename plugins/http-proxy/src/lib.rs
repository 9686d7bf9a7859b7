//! Sends the traffic of one backend through a forward proxy.
//!
//! ```json
//! "plugin/http-client": {
//!     "name": "http-proxy",
//!     "proxy_address": "http://proxy.example:3128"
//! }
//! ```
//!
//! Several addresses are tried in order, or by turns with `"proxy_sharing":
//! "spread"`. They are the only way: when none can be used, the request fails.

mod duration;
mod settings;

use std::cell::RefCell;

use cuttle::plugin::{forward_proxy::Transport, log};
use exports::cuttle::plugin::http_client::{Error, Guest, Request, Response};
use settings::Settings;

wit_bindgen::generate!({
    path: "../../wit",
    world: "http-client-plugin",
});

/// What operators are told, and what their settings are checked against. The
/// sections are those of the author kit's macros, which this plugin does without.
#[unsafe(link_section = "cuttle:description")]
#[used]
static DESCRIPTION: [u8; 57] = *b"Sends the traffic of one backend through a forward proxy.";

#[unsafe(link_section = "cuttle:settings-schema")]
#[used]
static SCHEMA: [u8; include_bytes!("../settings.schema.json").len()] =
    *include_bytes!("../settings.schema.json");

/// The plugin.
struct HttpProxy;

export!(HttpProxy);

thread_local! {
    /// The way through the proxy: opened by `configure`, used by every request.
    static TRANSPORT: RefCell<Option<Transport>> = const { RefCell::new(None) };
}

impl Guest for HttpProxy {
    fn configure(text: String) -> Result<(), String> {
        let settings = Settings::parse(&text)?;
        for key in &settings.unknown {
            log::log(log::Level::Warn, &format!("unknown key `{key}`"));
        }
        let transport = Transport::open(&settings.address, Some(&settings.options))
            .map_err(|error| with_key(&reason(error)))?;
        TRANSPORT.set(Some(transport));
        Ok(())
    }

    fn handle(request: Request) -> Result<Response, Error> {
        TRANSPORT.with_borrow(|transport| match transport {
            Some(transport) => transport.send(request),
            None => Err(Error::Other("`handle` before `configure`".into())),
        })
    }
}

/// `reason` after the key it is about.
fn with_key(reason: &str) -> String {
    match reason.split_once(": ") {
        Some(("ca", why)) => format!("proxy_ca: {why}"),
        Some(("client certificate", why)) => format!("proxy_client_certificate: {why}"),
        Some(("connect headers", why)) => format!("proxy_connect_headers: {why}"),
        _ => format!("proxy_address: {reason}"),
    }
}

/// The text of an error, for the one who wrote the configuration.
fn reason(error: Error) -> String {
    match error {
        Error::InvalidArgument(text) | Error::Denied(text) => text,
        other => format!("{other:?}"),
    }
}
