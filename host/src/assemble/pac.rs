//! PAC files (`proxy_pac`): read, and run for the first time.
//!
//! Each file is loaded once, however many backends name it. The JavaScript
//! engine is compiled only if there is one.

use std::{
    collections::BTreeMap,
    fs::File,
    io::Read,
    path::{Path, PathBuf},
    sync::Arc,
};

use cuttle_egress::{PacProxies, ProxyOptions, Way};
use cuttle_pipeline::config::{BackendProxy, KeyPath, ProxySource, Service};
use cuttle_plugin::{EngineSettings, Pac, PacError};

use super::{
    Findings,
    kept::{Kept, PacWorkshop},
};
use crate::telemetry::chain;

/// The runner, built from `plugins/pac`.
const RUNNER: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/pac.wasm"));
/// Bytes of a PAC file, as in browsers. Real ones have some kilobytes.
const MAX_FILE: u64 = 1 << 20;
/// Instances are reserved by so many. Each costs address space only.
const INSTANCES: usize = 64;

/// The PAC files of a configuration.
#[derive(Default)]
pub(super) struct PacFiles(BTreeMap<PathBuf, Pac>);

impl PacFiles {
    /// Loads every file that `service` names. A problem is reported at the
    /// first place that names the file.
    pub(super) async fn load(
        service: &Service,
        kept: &mut Kept,
        findings: &mut Findings<'_>,
    ) -> Self {
        let mut loaded = Self::default();
        let sources = sources(service, findings);
        let Some(first) = sources.first() else {
            return loaded;
        };
        let Some(mut workshop) = workshop(service, sources.len(), kept, &first.place, findings)
        else {
            return loaded;
        };
        for source in sources {
            match source.run(&mut workshop).await {
                Ok(file) => {
                    loaded.0.insert(source.path.to_owned(), file);
                }
                Err(error) => findings.error(&source.place, chain(&error), None),
            }
        }
        loaded
    }

    /// The way by the file at `path`. Nothing if it could not be loaded, which
    /// has been reported.
    pub(super) fn way(&self, path: &Path, options: ProxyOptions) -> Option<Way> {
        let file = self.0.get(path)?;
        let proxies = PacProxies::new(Arc::new(file.clone()), options);
        Some(Way::Pac(Arc::new(proxies)))
    }
}

/// A file that could be read.
struct Source<'a> {
    path: &'a Path,
    place: KeyPath,
    text: String,
}

impl Source<'_> {
    async fn run(&self, workshop: &mut PacWorkshop<'_>) -> Result<Pac, PacError> {
        let name = self.path.display().to_string();
        workshop.load(&name, &self.text).await
    }
}

/// Reads the files, before the engine is compiled in vain.
fn sources<'a>(service: &'a Service, findings: &mut Findings<'_>) -> Vec<Source<'a>> {
    let mut sources = Vec::new();
    for (path, place) in used(service) {
        match read(path) {
            Ok(text) => sources.push(Source { path, place, text }),
            Err(message) => {
                findings.error(&place, format!("{}: {message}", path.display()), None);
            }
        }
    }
    sources
}

/// The files and the first place that names each.
fn used(service: &Service) -> BTreeMap<&Path, KeyPath> {
    let mut used = BTreeMap::new();
    let backends = service
        .endpoints
        .iter()
        .flat_map(|endpoint| &endpoint.backends);
    for backend in backends {
        if let BackendProxy::Forward(forward) = &backend.http_client.proxy
            && let ProxySource::Pac(path) = &forward.source
        {
            used.entry(path.as_path())
                .or_insert_with(|| forward.place.key("proxy_pac"));
        }
    }
    used
}

/// An engine of its own: plugins that use up theirs leave it alone.
fn workshop<'k>(
    service: &Service,
    files: usize,
    kept: &'k mut Kept,
    place: &KeyPath,
    findings: &mut Findings<'_>,
) -> Option<PacWorkshop<'k>> {
    // One for each file, one in the course of being replaced, and those of
    // earlier generations that still answer requests; in steps, so that one
    // file more does not need another engine.
    let instances = (files * 4).next_multiple_of(INSTANCES);
    let settings = EngineSettings {
        cache_dir: service.plugins.cache_dir.clone(),
        max_instances: Some(u32::try_from(instances).unwrap_or(u32::MAX)),
        // A JavaScript engine.
        parallel_compilation: true,
        ..EngineSettings::default()
    };
    kept.pac(&settings, RUNNER)
        .map_err(|error| findings.error(place, chain(&error), None))
        .ok()
}

fn read(path: &Path) -> Result<String, String> {
    let mut source = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut source))
        .map_err(|error| error.to_string())?;
    if source.len() as u64 > MAX_FILE {
        return Err(format!(
            "larger than {} MiB, the limit for a PAC file",
            MAX_FILE >> 20
        ));
    }
    String::from_utf8(source).map_err(|_| "is not text in UTF-8".to_owned())
}
