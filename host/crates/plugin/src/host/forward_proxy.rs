//! `forward-proxy`.

use std::{sync::Arc, time::Duration};

use cuttle_egress::{Proxy, ProxyAddressError, ProxyGroup, ProxyOptions, Sharing, Way};
use http::HeaderMap;
use wasmtime::component::Resource;

use super::message::{RequestHandle, ResponseHandle, append_header};
use crate::{
    bindings::cuttle::plugin::{
        forward_proxy::{Host, HostTransport, Options},
        types::Error,
    },
    observer::Route,
    state::State,
};

/// The way through one proxy, or one of several.
pub struct Transport {
    way: Way,
    /// As the plugin wrote it. May hold credentials.
    address: Arc<str>,
}

impl Host for State {}

impl HostTransport for State {
    fn open(
        &mut self,
        address: String,
        options: Option<Options>,
    ) -> wasmtime::Result<Result<Resource<Transport>, Error>> {
        let rights = &self.site.rights;
        let may_open_fallbacks = options.as_ref().is_none_or(|options| {
            let mut fallbacks = options.fallbacks.iter();
            fallbacks.all(|address| rights.may_open(address))
        });
        if !rights.may_open(&address) || !may_open_fallbacks {
            return Ok(Err(Error::Denied(format!(
                "this proxy address stands neither in the settings of the plugin nor in \
                 `grants.{}.proxies`",
                self.site.plugin
            ))));
        }
        let shared = Arc::from(address.as_str());
        match self.site.ways.open(address, options, way) {
            Ok(way) => {
                let address = shared;
                Ok(Ok(self.table.push(Transport { way, address })?))
            }
            Err(error) => Ok(Err(error)),
        }
    }

    async fn send(
        &mut self,
        this: Resource<Transport>,
        request: Resource<RequestHandle>,
    ) -> wasmtime::Result<Result<Resource<ResponseHandle>, Error>> {
        let Transport { way, address } = self.table.get(&this)?;
        let (way, address) = (way.clone(), Arc::clone(address));
        let route = Route::ForwardProxy(&address);
        self.exchange(request, &way, route).await
    }

    fn drop(&mut self, this: Resource<Transport>) -> wasmtime::Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}

fn way(address: &str, options: Option<&Options>) -> Result<Way, Error> {
    let shared = options.map(proxy_options).transpose()?.unwrap_or_default();
    let first = proxy(address, &shared).map_err(|error| invalid(&error))?;
    let Some(Options {
        fallbacks, spread, ..
    }) = options.filter(|options| !options.fallbacks.is_empty())
    else {
        return Ok(Way::Proxy(first));
    };
    let mut proxies = vec![first];
    for (index, address) in fallbacks.iter().enumerate() {
        let proxy = proxy(address, &shared)
            .map_err(|error| Error::InvalidArgument(format!("address {} {error}", index + 2)))?;
        proxies.push(proxy);
    }
    let sharing = match spread {
        true => Sharing::Spread,
        false => Sharing::Order,
    };
    ProxyGroup::new(proxies, sharing)
        .map(|group| Way::Group(Arc::new(group)))
        .map_err(|error| invalid(&error))
}

fn proxy(address: &str, options: &ProxyOptions) -> Result<Arc<Proxy>, ProxyAddressError> {
    Proxy::new(address, options.clone()).map(Arc::new)
}

fn invalid(error: &ProxyAddressError) -> Error {
    Error::InvalidArgument(error.to_string())
}

fn proxy_options(options: &Options) -> Result<ProxyOptions, Error> {
    let mut connect_headers = HeaderMap::new();
    for field in &options.connect_headers {
        append_header(&mut connect_headers, &field.name, field.value.as_bytes()).map_err(
            |error| match error {
                Error::InvalidArgument(why) => {
                    Error::InvalidArgument(format!("connect headers: {why}"))
                }
                other => other,
            },
        )?;
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
        client_certificate_pem: options.client_certificate.clone(),
        http2: options.http2,
    })
}
