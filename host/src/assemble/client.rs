//! The clients for backends, as the configuration wants them.

use std::sync::{Arc, Mutex, PoisonError};

use cuttle_egress::{Client, EnvironmentProxies, Redirects, Settings, TlsSettings, Way};
use cuttle_pipeline::{
    Executor,
    config::{Backend, BackendProxy, ClientTls, HttpClient, Service, TlsVersion},
};

use crate::telemetry::chain;

use super::{
    Findings, discovery::Discovery, executors::EgressExecutor, pac::PacFiles, proxy::Proxies,
    references::Environment,
};

/// The clients of the gateway and the proxies of its environment.
///
/// Backends with TLS settings of their own have a client of their own, so that
/// no connection made with one identity ever serves another. Equal settings
/// share one.
pub(super) struct Egress<'a> {
    client: Client,
    settings: Settings,
    others: Mutex<Vec<(TlsSettings, Client)>>,
    discovery: Discovery,
    environment: Arc<EnvironmentProxies>,
    proxies: Proxies<'a>,
}

impl<'a> Egress<'a> {
    pub(super) fn build(
        service: &Service,
        environment: Environment<'a>,
        pac: PacFiles,
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
        let settings = settings(service);
        let client = Client::new(settings.clone())
            .map_err(|error| findings.error(&service.client.tls.place, chain(&error), None))
            .ok();
        Some(Self {
            client: client?,
            settings,
            others: Mutex::default(),
            discovery: Discovery::default(),
            environment: Arc::new(proxies?),
            proxies: Proxies::new(environment, pac),
        })
    }

    /// The executor of a backend without a plugin, which is reached by `way`.
    pub(super) fn executor(
        &self,
        backend: &Backend,
        way: Way,
        findings: &mut Findings<'_>,
    ) -> Option<Arc<dyn Executor>> {
        let executor = Arc::new(EgressExecutor {
            client: self.client(backend, findings)?,
            way,
            redirects: redirects(&backend.http_client),
        });
        self.discovery.locate(backend, executor, findings)
    }

    /// The client with the TLS settings of `backend`, or those of the service.
    pub(super) fn client(&self, backend: &Backend, findings: &mut Findings<'_>) -> Option<Client> {
        let Some(own) = &backend.http_client.tls else {
            return Some(self.client.clone());
        };
        let wanted = tls(own);
        if wanted == self.settings.tls {
            return Some(self.client.clone());
        }
        let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, client)) = others.iter().find(|(tls, _)| *tls == wanted) {
            return Some(client.clone());
        }
        let settings = Settings {
            tls: wanted.clone(),
            ..self.settings.clone()
        };
        let client = Client::new(settings)
            .map_err(|error| findings.error(&own.place, chain(&error), None))
            .ok()?;
        others.push((wanted, client.clone()));
        Some(client)
    }

    /// The client with the TLS settings of the service.
    pub(super) fn default_client(&self) -> Client {
        self.client.clone()
    }

    /// The way of the environment.
    pub(super) fn default_way(&self) -> Way {
        Way::Environment(Arc::clone(&self.environment))
    }

    /// All clients that were asked for, the service's first.
    pub(super) fn clients(&self) -> Vec<Client> {
        let others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        let others = others.iter().map(|(_, client)| client.clone());
        std::iter::once(self.client.clone()).chain(others).collect()
    }

    /// How `backend` is reached: `backend/http/client` before the environment.
    pub(super) fn way(&self, backend: &Backend, findings: &mut Findings<'_>) -> Option<Way> {
        match &backend.http_client.proxy {
            BackendProxy::Environment => Some(self.default_way()),
            BackendProxy::Direct => Some(Way::Direct),
            BackendProxy::Forward(settings) => self.proxies.way(settings, findings),
        }
    }

    /// Reads environment variables.
    pub(super) fn environment(&self) -> Environment<'a> {
        self.proxies.environment()
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

fn settings(service: &Service) -> Settings {
    let client = &service.client;
    Settings {
        max_idle_connections: client.max_idle_connections,
        max_idle_connections_per_host: client.max_idle_connections_per_host,
        idle_connection_timeout: client.idle_connection_timeout,
        response_header_timeout: client.response_header_timeout,
        dialer_timeout: client.dialer_timeout,
        dialer_fallback_delay: client.dialer_fallback_delay,
        dialer_keep_alive: client.dialer_keep_alive,
        disable_keep_alives: client.disable_keep_alives,
        http2: service.http.http2_backends,
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
