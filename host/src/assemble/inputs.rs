//! The files that a gateway is made of, beside its configuration.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use cuttle_pipeline::config::{
    BackendProxy, ClientTls, ForwardProxy, KeyPair, PluginFolder, ProxySource, Reference, Service,
};

use super::{catalog, settings};

/// What is read when a gateway is assembled.
#[derive(Debug, Clone, Default)]
pub(crate) struct Inputs {
    /// Certificates, keys, PAC files, and files with values.
    pub(crate) files: BTreeSet<PathBuf>,
    plugins: Option<PluginFolder>,
}

impl Inputs {
    /// What `service` names.
    pub(crate) fn of(service: &Service) -> Self {
        let mut inputs = Self {
            files: BTreeSet::new(),
            plugins: service.plugin_folder.clone(),
        };
        if let Some(tls) = &service.listen.tls {
            inputs.pairs(&tls.keys);
            inputs.files.extend(tls.ca_certs.iter().cloned());
        }
        inputs.client(&service.client.tls);
        if let Some(plugins) = &service.server_plugins {
            inputs.files.extend(settings::files(plugins));
        }
        for backend in service.endpoints.iter().flat_map(|one| &one.backends) {
            if let Some(tls) = &backend.http_client.tls {
                inputs.client(tls);
            }
            if let BackendProxy::Forward(forward) = &backend.http_client.proxy {
                inputs.forward(forward);
            }
            for plugin in backend.plugin.iter().chain(&backend.modifiers) {
                inputs.files.extend(settings::files(plugin));
            }
        }
        for plugin in service.endpoints.iter().flat_map(|one| &one.modifiers) {
            inputs.files.extend(settings::files(plugin));
        }
        inputs
    }

    /// The folder of plugins.
    pub(crate) fn folder(&self) -> Option<&Path> {
        self.plugins.as_ref().map(|plugins| &*plugins.folder)
    }

    /// The plugins in it at this moment, in a stable order.
    pub(crate) fn plugins(&self) -> Vec<PathBuf> {
        let listed = self.plugins.as_ref().map(catalog::list);
        listed.and_then(Result::ok).unwrap_or_default()
    }

    fn client(&mut self, tls: &ClientTls) {
        self.pairs(&tls.client_certs);
        self.files.extend(tls.ca_certs.iter().cloned());
    }

    fn pairs(&mut self, pairs: &[KeyPair]) {
        for pair in pairs {
            self.files.insert(pair.certificate.clone());
            self.files.insert(pair.private_key.clone());
        }
    }

    fn forward(&mut self, forward: &ForwardProxy) {
        if let ProxySource::Pac(file) = &forward.source {
            self.files.insert(file.clone());
        }
        let headers = forward.connect_headers.iter().map(|(_, value)| value);
        let values = [
            &forward.username,
            &forward.password,
            &forward.ca,
            &forward.client_certificate,
        ];
        for value in values.into_iter().flatten().chain(headers) {
            if let Reference::File(file) = value {
                self.files.insert(file.clone());
            }
        }
    }
}
