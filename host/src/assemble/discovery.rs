//! Backends whose hosts are found by DNS (`sd: dns`).

use std::{
    net::SocketAddr,
    sync::{Arc, OnceLock},
};

use cuttle_egress::{SrvHosts, SrvResolver};
use cuttle_pipeline::{
    Body, ExecuteFuture, Executor, HostFuture, HostSource,
    config::{Backend, DnsDiscovery, Service},
};
use http::{
    Request,
    uri::{Authority, Scheme},
};
use tokio::time::Instant;

use super::Findings;

/// Makes sources of hosts. Backends share the name servers.
pub(super) struct Discovery {
    /// `dns_servers`; the system's if empty.
    servers: Vec<SocketAddr>,
    resolver: OnceLock<SrvResolver>,
}

/// An executor, and where its backend is.
struct Discovered {
    executor: Arc<dyn Executor>,
    hosts: SrvHosts,
    name: String,
    scheme: Scheme,
}

impl Discovery {
    pub(super) fn new(service: &Service) -> Self {
        Self {
            servers: service.http.dns_servers.clone(),
            resolver: OnceLock::new(),
        }
    }

    /// `executor` with the hosts of `backend`, if it has none of its own.
    pub(super) fn locate(
        &self,
        backend: &Backend,
        executor: Arc<dyn Executor>,
        findings: &mut Findings<'_>,
    ) -> Option<Arc<dyn Executor>> {
        let Some(DnsDiscovery { name, scheme, ttl }) = &backend.discovery else {
            return Some(executor);
        };
        let resolver = self
            .resolver()
            .map_err(|why| findings.error(&backend.place.key("sd"), why, None))
            .ok()?;
        Some(Arc::new(Discovered {
            executor,
            hosts: SrvHosts::new(resolver, name.clone(), *ttl),
            name: name.clone(),
            scheme: scheme.clone(),
        }))
    }

    fn resolver(&self) -> Result<SrvResolver, String> {
        if let Some(resolver) = self.resolver.get() {
            return Ok(resolver.clone());
        }
        let made = match self.servers.as_slice() {
            [] => SrvResolver::from_system(),
            servers => SrvResolver::asking(servers),
        };
        let made =
            made.map_err(|error| format!("the name servers of the system are not known: {error}"))?;
        Ok(self.resolver.get_or_init(|| made).clone())
    }
}

impl Executor for Discovered {
    fn execute(&self, request: Request<Body>, deadline: Instant) -> ExecuteFuture<'_> {
        self.executor.execute(request, deadline)
    }

    fn hosts(&self) -> Option<&dyn HostSource> {
        Some(self)
    }
}

impl HostSource for Discovered {
    fn host(&self) -> HostFuture<'_> {
        Box::pin(async move {
            let host = self.hosts.next().await?;
            Some((self.scheme.clone(), host))
        })
    }

    fn sought(&self) -> Option<(Scheme, Authority)> {
        let name = self.name.trim_end_matches('.');
        Some((self.scheme.clone(), name.parse().ok()?))
    }
}

#[cfg(test)]
mod tests {
    use cuttle_pipeline::config;
    use tokio::net::UdpSocket;

    use super::*;
    use crate::testing::Backend as Echo;

    /// The answer to whatever is asked: 0 1 8080 api.test.
    fn answer(query: &[u8]) -> Vec<u8> {
        // Without what follows the question, which may be an OPT record.
        let name = query[12..].iter().position(|byte| *byte == 0).unwrap();
        let mut answer = query[..12 + name + 5].to_vec();
        answer[2..12].copy_from_slice(&[0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]);
        answer.extend([0xc0, 12, 0, 33, 0, 1, 0, 0, 0, 60, 0, 16]);
        answer.extend([0, 0, 0, 1, 0x1f, 0x90]);
        answer.extend(b"\x03api\x04test\x00");
        answer
    }

    #[tokio::test]
    async fn a_backend_is_where_its_name_server_says() {
        let socket = UdpSocket::bind(("127.0.0.1", 0)).await.unwrap();
        let address = socket.local_addr().unwrap();
        let server = tokio::spawn(async move {
            let mut buffer = [0; 512];
            while let Ok((length, client)) = socket.recv_from(&mut buffer).await {
                let answer = answer(&buffer[..length]);
                socket.send_to(&answer, client).await.unwrap();
            }
        });
        let text = r#"{"version": 3, "endpoints": [{"endpoint": "/a", "backend": [
            {"url_pattern": "/", "sd": "dns", "sd_scheme": "https", "host": ["x.consul."]}]}],
            "extra_config": {"cuttle/http": {"dns_servers": ["$server"]}}}"#;
        let text = text.replace("$server", &address.to_string());
        let loaded = config::parse(&text, "k.json".as_ref(), &config::Options::default()).unwrap();
        let mut findings = Findings::new(&loaded);
        let backend = &loaded.service.endpoints[0].backends[0];
        let executor = Discovery::new(&loaded.service)
            .locate(backend, Arc::new(Echo::echo()), &mut findings)
            .unwrap();
        let (scheme, name) = executor.hosts().unwrap().sought().unwrap();
        assert_eq!((scheme.as_str(), name.as_str()), ("https", "x.consul"));
        let (scheme, host) = executor.hosts().unwrap().host().await.unwrap();
        assert_eq!((scheme.as_str(), host.as_str()), ("https", "api.test:8080"));
        server.abort();
    }
}
