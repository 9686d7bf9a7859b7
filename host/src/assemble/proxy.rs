//! The way of a backend: `backend/http/client` before the environment.

use std::{cell::RefCell, sync::Arc};

use cuttle_egress::{Proxy, ProxyAddressError, ProxyGroup, ProxyOptions, Sharing, Way};
use cuttle_pipeline::config::{
    ForwardProxy, KeyPath, ProxyAddress, ProxySharing, ProxySource, Reference,
};
use http::{HeaderMap, HeaderValue};

use super::{
    Findings,
    pac::PacFiles,
    references::{self, Environment},
};

const ADDRESS_HELP: &str =
    "write scheme, host and port, as in `http://proxy.example:3128`, or `direct` for none";

/// What ways are made of.
pub(super) struct Proxies<'a> {
    environment: Environment<'a>,
    pac: PacFiles,
    /// Backends with the same proxy share it, and so what is known of its
    /// health.
    known: RefCell<Vec<Known>>,
}

struct Known {
    address: String,
    options: ProxyOptions,
    proxy: Arc<Proxy>,
}

impl<'a> Proxies<'a> {
    pub(super) fn new(environment: Environment<'a>, pac: PacFiles) -> Self {
        Self {
            environment,
            pac,
            known: RefCell::default(),
        }
    }

    /// Reads environment variables.
    pub(super) fn environment(&self) -> Environment<'a> {
        self.environment
    }

    /// The way that `settings` describe. Nothing, and at least one problem, if
    /// they cannot be used.
    pub(super) fn way(&self, settings: &ForwardProxy, findings: &mut Findings<'_>) -> Option<Way> {
        let options = options(settings, self.environment, findings);
        match &settings.source {
            ProxySource::Addresses { addresses, sharing } => {
                pointless(settings, addresses, findings);
                self.through(settings, addresses, *sharing, &options?, findings)
            }
            ProxySource::Pac(file) => {
                let options = options?;
                if let Err(error) = options.check() {
                    let place = settings.place.key("proxy_pac");
                    refuse(settings, &place, &error, findings);
                    return None;
                }
                self.pac.way(file, options)
            }
            _ => None,
        }
    }

    /// The proxy at `address`: the same one for equal options.
    fn open(&self, address: &str, options: &ProxyOptions) -> Result<Arc<Proxy>, ProxyAddressError> {
        let mut known = self.known.borrow_mut();
        let same = |known: &&Known| known.address == address && known.options == *options;
        if let Some(same) = known.iter().find(same) {
            return Ok(Arc::clone(&same.proxy));
        }
        let proxy = Arc::new(Proxy::new(address, options.clone())?);
        known.push(Known {
            address: address.to_owned(),
            options: options.clone(),
            proxy: Arc::clone(&proxy),
        });
        Ok(proxy)
    }

    fn through(
        &self,
        settings: &ForwardProxy,
        addresses: &[ProxyAddress],
        sharing: ProxySharing,
        options: &ProxyOptions,
        findings: &mut Findings<'_>,
    ) -> Option<Way> {
        let mut proxies = Vec::with_capacity(addresses.len());
        for address in addresses {
            match self.open(&address.text, options) {
                Ok(proxy) => proxies.push(proxy),
                Err(error) => refuse(settings, &address.place, &error, findings),
            }
        }
        if proxies.len() < addresses.len() {
            return None;
        }
        if let [only] = proxies.as_slice() {
            return Some(Way::Proxy(Arc::clone(only)));
        }
        let sharing = match sharing {
            ProxySharing::Order => Sharing::Order,
            ProxySharing::Spread => Sharing::Spread,
        };
        match ProxyGroup::new(proxies, sharing) {
            Ok(group) => Some(Way::Group(Arc::new(group))),
            Err(error) => {
                refuse(
                    settings,
                    &settings.place.key("proxy_address"),
                    &error,
                    findings,
                );
                None
            }
        }
    }
}

/// Reports `error` at the key it is about.
fn refuse(
    settings: &ForwardProxy,
    address: &KeyPath,
    error: &ProxyAddressError,
    findings: &mut Findings<'_>,
) {
    let key = match error.message.split_once(": ") {
        Some(("ca", why)) => Some(("proxy_ca", why)),
        Some(("client certificate", why)) => Some(("proxy_client_certificate", why)),
        Some(("connect headers", why)) => Some(("proxy_connect_headers", why)),
        _ => None,
    };
    match key {
        Some((key, why)) => findings.error(&settings.place.key(key), why, None),
        None => findings.error(
            address,
            error.message.as_str(),
            Some(ADDRESS_HELP.to_owned()),
        ),
    }
}

fn options(
    settings: &ForwardProxy,
    environment: Environment<'_>,
    findings: &mut Findings<'_>,
) -> Option<ProxyOptions> {
    let mut values = Values {
        environment,
        findings,
        failed: false,
    };
    let place = &settings.place;
    let mut value = |key: &str, reference: &Option<Reference>| {
        let reference = reference.as_ref()?;
        values.read(reference, &place.key(key))
    };
    let username = value("proxy_username", &settings.username);
    let password = value("proxy_password", &settings.password);
    let ca_pem = value("proxy_ca", &settings.ca);
    let client_certificate_pem = value("proxy_client_certificate", &settings.client_certificate);
    let connect_headers = values.headers(settings);
    (!values.failed).then(|| ProxyOptions {
        auth: username.map(|user| (user, password.unwrap_or_default())),
        connect_timeout: settings.connect_timeout,
        connect_headers,
        always_tunnel: settings.tunnel,
        ca_pem,
        client_certificate_pem,
        http2: settings.http2,
        no_proxy: settings.no_proxy.clone(),
    })
}

/// Reads values that may stand elsewhere, and remembers whether one failed.
struct Values<'a, 'f> {
    environment: Environment<'a>,
    findings: &'a mut Findings<'f>,
    failed: bool,
}

impl Values<'_, '_> {
    fn read(&mut self, reference: &Reference, place: &KeyPath) -> Option<String> {
        match references::read(reference, self.environment) {
            Ok(value) => Some(value),
            Err(why) => {
                self.findings.error(place, why, None);
                self.failed = true;
                None
            }
        }
    }

    fn headers(&mut self, settings: &ForwardProxy) -> HeaderMap {
        let place = settings.place.key("proxy_connect_headers");
        let mut headers = HeaderMap::new();
        for (name, reference) in &settings.connect_headers {
            let place = place.key(name.as_str());
            let Some(value) = self.read(reference, &place) else {
                continue;
            };
            match HeaderValue::from_str(&value) {
                Ok(value) => {
                    headers.insert(name, value);
                }
                Err(_) => {
                    let message = "holds a line break or another character no header may have";
                    self.findings.error(&place, message, None);
                    self.failed = true;
                }
            }
        }
        headers
    }
}

/// Warns about settings that none of the proxies can use.
fn pointless(settings: &ForwardProxy, addresses: &[ProxyAddress], findings: &mut Findings<'_>) {
    let any = |schemes: &[&str]| {
        addresses.iter().any(|address| {
            let scheme = address.text.split_once("://").map(|(scheme, _)| scheme);
            // One that cannot be read is reported as such.
            scheme.is_none_or(|scheme| schemes.iter().any(|s| scheme.eq_ignore_ascii_case(s)))
        })
    };
    let (https, http) = (any(&["https"]), any(&["http", "https"]));
    for (key, is_set, is_of_use, wanted) in [
        (
            "proxy_ca",
            settings.ca.is_some(),
            https,
            "an `https://` proxy",
        ),
        (
            "proxy_client_certificate",
            settings.client_certificate.is_some(),
            https,
            "an `https://` proxy",
        ),
        (
            "proxy_connect_headers",
            !settings.connect_headers.is_empty(),
            http,
            "an `http://` or `https://` proxy",
        ),
        (
            "proxy_http2",
            settings.http2,
            http,
            "an `http://` or `https://` proxy",
        ),
    ] {
        if is_set && !is_of_use {
            let message = format!("has no effect without {wanted}");
            let help = "remove it, or correct the address".to_owned();
            findings.warning(&settings.place.key(key), message, Some(help));
        }
    }
}

#[cfg(test)]
#[path = "proxy_tests.rs"]
mod tests;
