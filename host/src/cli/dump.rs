//! What a configuration means, for `check -d`.

mod options;

use cuttle_pipeline::config::{Backend, BackendProxy, Endpoint, Grants, ProxySource, Service};

use crate::{assemble::LoadedPlugin, secrets};
pub(super) use options::{of_backend, of_endpoint};

/// The service and its endpoints; level 0 is nothing, 2 adds filters, encodings
/// and what is done with answers, 3 also what is the default.
pub(super) fn lines(service: &Service, level: u8, indent: &str) -> Vec<String> {
    if level == 0 {
        return Vec::new();
    }
    let mut out = vec![
        "Global settings".to_owned(),
        format!("{indent}Name: {}", service.name),
        format!("{indent}Port: {}", service.listen.port),
    ];
    if let Some(plugins) = &service.server_plugins {
        out.push(format!("{indent}Server plugins: {}", plugins.label()));
    }
    out.push(format!("{} API endpoints:", service.endpoints.len()));
    for endpoint in &service.endpoints {
        endpoint_lines(endpoint, level, indent, &mut out);
    }
    out
}

fn endpoint_lines(endpoint: &Endpoint, level: u8, indent: &str, out: &mut Vec<String>) {
    out.push(format!(
        "{indent}- {} {}",
        endpoint.method, endpoint.path.text
    ));
    out.push(format!("{indent}  Timeout: {:?}", endpoint.timeout));
    if level > 1 {
        out.push(format!("{indent}  Headers: {:?}", endpoint.input_headers));
        out.push(format!(
            "{indent}  Query strings: {:?}",
            endpoint.input_query_strings
        ));
        let options = options::of_endpoint(endpoint, level > 2).into_iter();
        out.extend(options.map(|option| format!("{indent}  {option}")));
    }
    for backend in &endpoint.backends {
        backend_lines(backend, level, indent, out);
    }
}

fn backend_lines(backend: &Backend, level: u8, indent: &str, out: &mut Vec<String>) {
    out.push(format!(
        "{indent}  [+] {} {}",
        backend.method,
        secrets::url(&backend.url_pattern.text)
    ));
    for host in &backend.hosts {
        out.push(format!(
            "{indent}      Host: {}://{}{}",
            host.scheme, host.authority, host.path
        ));
    }
    if let Some(plugin) = &backend.plugin {
        out.push(format!("{indent}      Plugin: {}", plugin.label()));
    } else {
        let proxies = proxies(&backend.http_client.proxy).into_iter();
        out.extend(proxies.map(|proxy| format!("{indent}      Proxy: {proxy}")));
    }
    if level > 1 {
        let options = options::of_backend(backend, level > 2).into_iter();
        out.extend(options.map(|option| format!("{indent}      {option}")));
    }
}

/// Addresses without what may be a password.
fn proxies(proxy: &BackendProxy) -> Vec<String> {
    match proxy {
        BackendProxy::Environment => Vec::new(),
        BackendProxy::Direct => vec!["direct".to_owned()],
        BackendProxy::Forward(proxy) => match &proxy.source {
            ProxySource::Addresses { addresses, .. } => addresses
                .iter()
                .map(|address| without_credentials(&address.text))
                .collect(),
            ProxySource::Pac(file) => vec![format!("as {} says", file.display())],
            _ => Vec::new(),
        },
    }
}

fn without_credentials(address: &str) -> String {
    let Some((before, host)) = address.rsplit_once('@') else {
        return address.to_owned();
    };
    match before.split_once("://") {
        Some((scheme, _)) => format!("{scheme}://{host}"),
        None => host.to_owned(),
    }
}

/// What each loaded plugin imports, and what it is granted beyond the default.
pub(super) fn plugins(plugins: &[LoadedPlugin], service: &Service, indent: &str) -> Vec<String> {
    let mut out = vec![format!("{} plugins:", plugins.len())];
    for plugin in plugins {
        out.push(format!("{indent}- {} ({})", plugin.name, plugin.origin));
        for import in &plugin.imports {
            out.push(format!("{indent}  imports {import}"));
        }
        if let Some(grants) = service.plugins.grants.get(&plugin.name) {
            grant_lines(grants, indent, &mut out);
        }
    }
    out
}

fn grant_lines(grants: &Grants, indent: &str, out: &mut Vec<String>) {
    for host in &grants.outbound {
        out.push(format!("{indent}  is granted outbound to {host}"));
    }
    for address in &grants.addresses {
        out.push(format!(
            "{indent}  is granted names with addresses in {address}"
        ));
    }
    for address in &grants.proxies {
        let address = without_credentials(address);
        out.push(format!("{indent}  is granted the proxy {address}"));
    }
}

#[cfg(test)]
mod tests {
    use super::without_credentials;

    #[test]
    fn a_dump_shows_no_password() {
        for (address, shown) in [
            ("http://p:3128", "http://p:3128"),
            ("http://user:se%40cret@p:3128", "http://p:3128"),
            ("http://user:a@b@p:3128", "http://p:3128"),
            ("user:secret@p:3128", "p:3128"),
        ] {
            assert_eq!(without_credentials(address), shown);
        }
    }
}
