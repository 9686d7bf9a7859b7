//! The client for backends, as the configuration wants it.

use std::sync::Arc;

use cuttle_egress::{
    Client, EnvironmentProxies, Proxy, ProxyOptions, Redirects, Settings, TlsSettings, Way,
};
use cuttle_pipeline::{
    Executor,
    config::{Backend, BackendProxy, ClientSettings, ClientTls, HttpClient, Service, TlsVersion},
};

use crate::telemetry::chain;

use super::{Findings, executors::EgressExecutor};

/// The one client of the gateway and the proxies of its environment.
pub(super) struct Egress {
    pub(super) client: Client,
    environment: Arc<EnvironmentProxies>,
}

impl Egress {
    pub(super) fn build(
        service: &Service,
        environment: &dyn Fn(&str) -> Option<String>,
        findings: &mut Findings<'_>,
    ) -> Option<Self> {
        let proxies = EnvironmentProxies::from_vars(environment)
            .map_err(|error| {
                findings.outside(
                    chain(&error),
                    "correct the environment variable or unset it; no request is sent around an unusable proxy",
                );
            })
            .ok();
        let client = Client::new(settings(&service.client))
            .map_err(|error| findings.error(&service.client.tls.place, chain(&error), None))
            .ok();
        Some(Self {
            client: client?,
            environment: Arc::new(proxies?),
        })
    }

    /// The executor of a backend without a plugin.
    pub(super) fn executor(
        &self,
        backend: &Backend,
        findings: &mut Findings<'_>,
    ) -> Option<Arc<dyn Executor>> {
        Some(Arc::new(EgressExecutor {
            client: self.client.clone(),
            way: self.way(backend, findings)?,
            redirects: redirects(&backend.http_client),
        }))
    }

    /// How `backend` is reached: `backend/http/client` before the environment.
    pub(super) fn way(&self, backend: &Backend, findings: &mut Findings<'_>) -> Option<Way> {
        match &backend.http_client.proxy {
            BackendProxy::Environment => Some(Way::Environment(Arc::clone(&self.environment))),
            BackendProxy::Direct => Some(Way::Direct),
            BackendProxy::Address(address) => match Proxy::new(address, ProxyOptions::default()) {
                Ok(proxy) => Some(Way::Proxy(Arc::new(proxy))),
                Err(error) => {
                    let place = backend
                        .place
                        .key("extra_config")
                        .key("backend/http/client")
                        .key("proxy_address");
                    findings.error(
                            &place,
                            chain(&error),
                            Some("write scheme, host and port, as in `http://proxy.example:3128`, or `direct` for none".to_owned()),
                        );
                    None
                }
            },
        }
    }
}

/// KrakenD follows redirects unless told otherwise.
pub(super) fn redirects(client: &HttpClient) -> Redirects {
    if client.no_redirect {
        Redirects::None
    } else {
        Redirects::Follow {
            send_body: client.send_body_on_redirect,
        }
    }
}

fn settings(client: &ClientSettings) -> Settings {
    Settings {
        max_idle_connections: client.max_idle_connections,
        max_idle_connections_per_host: client.max_idle_connections_per_host,
        idle_connection_timeout: client.idle_connection_timeout,
        response_header_timeout: client.response_header_timeout,
        dialer_timeout: client.dialer_timeout,
        dialer_fallback_delay: client.dialer_fallback_delay,
        dialer_keep_alive: client.dialer_keep_alive,
        disable_keep_alives: client.disable_keep_alives,
        tls: tls(&client.tls),
    }
}

fn tls(tls: &ClientTls) -> TlsSettings {
    let allowed = tls.min_version..=tls.max_version;
    TlsSettings {
        allow_insecure_connections: tls.allow_insecure_connections,
        ca_certs: tls.ca_certs.clone(),
        disable_system_ca_pool: tls.disable_system_ca_pool,
        client_certs: tls
            .client_certs
            .iter()
            .map(|pair| (pair.certificate.clone(), pair.private_key.clone()))
            .collect(),
        tls12: allowed.contains(&TlsVersion::Tls12),
        tls13: allowed.contains(&TlsVersion::Tls13),
    }
}
