//! `forward-proxy`.

use std::time::Duration;

use cuttle_egress::{Proxy, ProxyOptions, Way};
use http::HeaderMap;
use wasmtime::component::Resource;

use super::message::{RequestHandle, ResponseHandle, append_header};
use crate::{
    bindings::cuttle::plugin::{
        forward_proxy::{Host, HostTransport, Options},
        types::Error,
    },
    state::State,
};

/// The way through one proxy.
pub struct Transport(Way);

impl Host for State {}

impl HostTransport for State {
    fn open(
        &mut self,
        address: String,
        options: Option<Options>,
    ) -> wasmtime::Result<Result<Resource<Transport>, Error>> {
        if !self.site.rights.may_open(&address) {
            return Ok(Err(Error::Denied(format!(
                "this proxy address stands neither in the settings of the plugin nor in \
                 `grants.{}.proxies`",
                self.site.plugin
            ))));
        }
        match self.site.proxies.open(address, options, proxy) {
            Ok(proxy) => Ok(Ok(self.table.push(Transport(Way::Proxy(proxy)))?)),
            Err(error) => Ok(Err(error)),
        }
    }

    async fn send(
        &mut self,
        this: Resource<Transport>,
        request: Resource<RequestHandle>,
    ) -> wasmtime::Result<Result<Resource<ResponseHandle>, Error>> {
        let way = self.table.get(&this)?.0.clone();
        self.exchange(request, &way).await
    }

    fn drop(&mut self, this: Resource<Transport>) -> wasmtime::Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}

fn proxy(address: &str, options: Option<&Options>) -> Result<Proxy, Error> {
    let options = options.map(proxy_options).transpose()?.unwrap_or_default();
    Proxy::new(address, options).map_err(|error| Error::InvalidArgument(error.to_string()))
}

fn proxy_options(options: &Options) -> Result<ProxyOptions, Error> {
    unsupported(options)?;
    let mut connect_headers = HeaderMap::new();
    for field in &options.connect_headers {
        append_header(&mut connect_headers, &field.name, field.value.as_bytes())?;
    }
    Ok(ProxyOptions {
        auth: options
            .auth
            .as_ref()
            .map(|auth| (auth.username.clone(), auth.password.clone())),
        connect_timeout: options
            .connect_timeout_ms
            .map(|milliseconds| Duration::from_millis(milliseconds.into())),
        connect_headers,
        always_tunnel: options.always_tunnel,
        ca_pem: options.ca.clone(),
        no_proxy: options.no_proxy.clone(),
    })
}

/// What the contract knows and this version does not do. Leaving it out in
/// silence would send requests another way than the plugin asked for.
fn unsupported(options: &Options) -> Result<(), Error> {
    let asked = [
        ("client-certificate", options.client_certificate.is_some()),
        ("http2", options.http2),
        ("fallbacks", !options.fallbacks.is_empty()),
        ("spread", options.spread),
    ];
    match asked.iter().find(|(_, asked)| *asked) {
        Some((name, _)) => Err(Error::InvalidArgument(format!(
            "the option `{name}` is not implemented yet"
        ))),
        None => Ok(()),
    }
}
