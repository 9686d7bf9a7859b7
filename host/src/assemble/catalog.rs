//! The plugins there are: those of the folder, and the bundled ones.

use std::{
    collections::BTreeMap,
    fmt,
    fs::File,
    io::Read,
    path::{Path, PathBuf},
    sync::Arc,
};

use cuttle_pipeline::config::{KeyPath, PluginFolder, Service};
use cuttle_plugin::{Component, EngineSettings, LoadError, MAX_COMPONENT_BYTES};

use super::{
    Findings,
    kept::{Kept, PluginWorkshop},
    server_plugins,
};
use crate::{record::Recorder, telemetry::chain};

/// Beyond this the threads of all cores are worth the memory they keep.
const LARGE_COMPONENT_BYTES: u64 = 1 << 20;

/// The forward-proxy plugin, built from `plugins/http-proxy`.
const HTTP_PROXY: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/http-proxy.wasm"));

/// Plugins that need no file.
const BUNDLED: [(&str, &[u8]); 1] = [("http-proxy", HTTP_PROXY)];

/// A plugin that was compiled and linked.
#[derive(Debug, Clone)]
pub struct LoadedPlugin {
    /// Name that configurations use.
    pub name: String,
    /// Where it comes from.
    pub origin: Origin,
    /// Interfaces it imports.
    pub imports: Vec<String>,
}

/// Where a plugin comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// It is part of the gateway.
    Bundled,
    /// A file of `plugin.folder`.
    File(PathBuf),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bundled => f.write_str("bundled"),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

/// Components by name.
pub(super) struct Catalog {
    loaded: BTreeMap<String, (Component, Origin)>,
    /// Names whose file could not be used: the reason has been reported.
    broken: Vec<String>,
    /// There is no telling which plugins there are: the folder could not be read,
    /// or the engine did not start.
    unreadable: bool,
    recorder: Option<Arc<Recorder>>,
    checks_schemas: bool,
}

impl Catalog {
    /// Loads every matching file of the folder, and the bundled plugins that a
    /// backend uses.
    pub(super) fn build(service: &Service, kept: &mut Kept, findings: &mut Findings<'_>) -> Self {
        let mut catalog = Self {
            loaded: BTreeMap::new(),
            broken: Vec::new(),
            unreadable: false,
            recorder: kept.recorder(),
            checks_schemas: kept.checks_schemas(),
        };
        let files = match service.plugin_folder.as_ref() {
            Some(folder) => files(folder, findings),
            None => Some(BTreeMap::new()),
        };
        catalog.unreadable = files.is_none();
        let files = files.unwrap_or_default();
        let used = bundled_in_use(service, &files);
        if files.is_empty() && used.is_empty() {
            return catalog;
        }
        let Some(mut workshop) = workshop(service, &files, kept, findings) else {
            catalog.unreadable = true;
            return catalog;
        };
        for (name, path) in files {
            catalog.add_file(&mut workshop, service, name, path, findings);
        }
        for (name, bytes) in used {
            catalog.add(&mut workshop, name, bytes, Origin::Bundled, findings);
        }
        catalog
    }

    fn add_file(
        &mut self,
        workshop: &mut PluginWorkshop<'_>,
        service: &Service,
        name: String,
        path: PathBuf,
        findings: &mut Findings<'_>,
    ) {
        if BUNDLED.iter().any(|(bundled, _)| *bundled == name) {
            tracing::info!(plugin = name, file = %path.display(), "file replaces the bundled plugin");
        }
        match read(&path) {
            Ok(bytes) => self.add(workshop, &name, &bytes, Origin::File(path), findings),
            Err(message) => {
                let place = folder_place(service);
                findings.error(&place, format!("{}: {message}", path.display()), None);
                self.broken.push(name);
            }
        }
    }

    fn add(
        &mut self,
        workshop: &mut PluginWorkshop<'_>,
        name: &str,
        bytes: &[u8],
        origin: Origin,
        findings: &mut Findings<'_>,
    ) {
        match workshop.load(name, bytes) {
            Ok(component) => {
                self.loaded.insert(name.to_owned(), (component, origin));
            }
            Err(error) => {
                let help = room(&error)
                    .unwrap_or_else(|| "correct the file or take it out of the folder".to_owned());
                findings.error(
                    &KeyPath::root().key("plugin").key("folder"),
                    format!("{origin}: {}", chain(&error)),
                    Some(help),
                );
                self.broken.push(name.to_owned());
            }
        }
    }

    /// The plugin called `name`.
    pub(super) fn component(&self, name: &str) -> Option<&Component> {
        self.loaded.get(name).map(|(component, _)| component)
    }

    /// Whether the plugin called `name` is part of the gateway.
    pub(super) fn is_bundled(&self, name: &str) -> bool {
        let found = self.loaded.get(name);
        found.is_some_and(|(_, origin)| *origin == Origin::Bundled)
    }

    /// Whether the reason why there is no such plugin is already reported.
    pub(super) fn is_broken(&self, name: &str) -> bool {
        self.unreadable || self.broken.iter().any(|broken| broken == name)
    }

    /// Whether settings are checked against the schemas of plugins.
    pub(super) fn checks_schemas(&self) -> bool {
        self.checks_schemas
    }

    /// What writes down the calls of plugins, if anything does.
    pub(super) fn recorder(&self) -> Option<&Arc<Recorder>> {
        self.recorder.as_ref()
    }

    /// Every name that could be used, for messages.
    pub(super) fn names(&self) -> Vec<&str> {
        let bundled = BUNDLED.iter().map(|(name, _)| *name);
        let mut names: Vec<_> = self
            .loaded
            .keys()
            .map(String::as_str)
            .chain(bundled)
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    pub(super) fn into_loaded(self) -> Vec<LoadedPlugin> {
        self.loaded
            .into_iter()
            .map(|(name, (component, origin))| LoadedPlugin {
                imports: component.imports().to_vec(),
                name,
                origin,
            })
            .collect()
    }
}

fn workshop<'k>(
    service: &Service,
    files: &BTreeMap<String, PathBuf>,
    kept: &'k mut Kept,
    findings: &mut Findings<'_>,
) -> Option<PluginWorkshop<'k>> {
    let settings = EngineSettings {
        cache_dir: service.plugins.cache_dir.clone(),
        max_instances: service.plugins.max_instances,
        parallel_compilation: files.values().any(|path| is_large(path)),
        reproducible: false,
    };
    kept.plugins(&settings)
        .map_err(|error| {
            let place = KeyPath::root().key("extra_config").key("cuttle/plugins");
            findings.error(&place, chain(&error), room(&error));
        })
        .ok()
}

/// What to do about an engine that does not start.
fn room(error: &LoadError) -> Option<String> {
    matches!(error, LoadError::Engine { .. }).then(|| {
        "each of `max_instances` (1,000) reserves about 285 MiB of address space, which is no memory: \
         raise its limit (`ulimit -v`, `LimitAS=` of systemd) or lower `max_instances`"
            .to_owned()
    })
}

/// Whether one thread would take seconds to compile it.
fn is_large(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|metadata| metadata.len() > LARGE_COMPONENT_BYTES)
}

/// Bundled plugins that somebody names and no file replaces.
fn bundled_in_use(
    service: &Service,
    files: &BTreeMap<String, PathBuf>,
) -> Vec<(&'static str, &'static [u8])> {
    let uses = |name: &str| {
        let mut used = service.endpoints.iter().flat_map(|endpoint| {
            let backends = endpoint.backends.iter();
            let backends = backends.flat_map(|one| one.plugin.iter().chain(&one.modifiers));
            backends.chain(&endpoint.modifiers)
        });
        used.any(|used| used.uses(name)) || server_plugins::uses(service, name)
    };
    BUNDLED
        .into_iter()
        .filter(|(name, _)| !files.contains_key(*name) && uses(name))
        .collect()
}

fn folder_place(service: &Service) -> KeyPath {
    service
        .plugin_folder
        .as_ref()
        .map_or_else(KeyPath::root, |folder| folder.place.key("folder"))
}

/// The files of the folder whose name contains the pattern, by plugin name.
/// `None`: the folder cannot be read.
fn files(folder: &PluginFolder, findings: &mut Findings<'_>) -> Option<BTreeMap<String, PathBuf>> {
    let place = folder.place.key("folder");
    let mut found = BTreeMap::new();
    for path in matching(folder, &place, findings)? {
        let Some(name) = path.file_stem().and_then(|stem| stem.to_str()) else {
            findings.error(
                &place,
                format!("{}: the name is not text", path.display()),
                None,
            );
            continue;
        };
        if let Some(first) = found.insert(name.to_owned(), path.clone()) {
            findings.error(
                &place,
                format!(
                    "two files for the plugin `{name}`: {} and {}",
                    first.display(),
                    path.display()
                ),
                Some("keep one of them, or give the other another name".to_owned()),
            );
        }
    }
    Some(found)
}

/// Paths in a stable order. A folder that does not exist has none: that is how
/// configurations made for shared objects often arrive.
fn matching(
    folder: &PluginFolder,
    place: &KeyPath,
    findings: &mut Findings<'_>,
) -> Option<Vec<PathBuf>> {
    match list(folder) {
        Ok(paths) => Some(paths),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            findings.warning(
                place,
                format!("the folder `{}` does not exist", folder.folder.display()),
                Some(
                    "only the bundled plugins are there; create the folder or remove the key"
                        .to_owned(),
                ),
            );
            Some(Vec::new())
        }
        Err(error) => {
            findings.error(
                place,
                format!(
                    "cannot read the folder `{}`: {error}",
                    folder.folder.display()
                ),
                None,
            );
            None
        }
    }
}

/// The files of the folder whose name contains the pattern.
pub(super) fn list(folder: &PluginFolder) -> std::io::Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(&folder.folder)?;
    let mut paths: Vec<_> = entries
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| path.is_file() && matches(path, &folder.pattern))
        .collect();
    paths.sort_unstable();
    Ok(paths)
}

fn matches(path: &Path, pattern: &str) -> bool {
    path.file_name()
        .is_some_and(|name| name.to_string_lossy().contains(pattern))
}

/// Reads a component, refusing one that is too large before it is in memory.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let size = file.metadata().map_err(|error| error.to_string())?.len();
    let mut bytes = Vec::new();
    // The size may have changed since it was asked for.
    if size <= MAX_COMPONENT_BYTES as u64 {
        file.take(MAX_COMPONENT_BYTES as u64 + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| error.to_string())?;
    }
    if size.max(bytes.len() as u64) > MAX_COMPONENT_BYTES as u64 {
        return Err(format!(
            "larger than {} MiB, the limit for a plugin",
            MAX_COMPONENT_BYTES >> 20
        ));
    }
    Ok(bytes)
}
