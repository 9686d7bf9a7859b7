//! What one generation of the gateway leaves to the next: engines, compiled
//! components and PAC files, as long as their bytes are the same.
//!
//! Compiling is by far the longest part of a start. Nothing else is kept:
//! connections, instances and what is known of proxies begin anew.

use std::{collections::HashMap, sync::Arc};

use cuttle_plugin::{
    Component, Engine, EngineSettings, LoadError, Pac, PacError, PacLimits, PacRunner,
    SystemResolver,
};
use sha2::{Digest as _, Sha256};

use super::apart::Apart;
use crate::record::Recorder;

/// The keep of a process that builds one gateway after the other.
#[derive(Default)]
pub struct Kept {
    plugins: Option<Workshop<Engine, Component>>,
    pac: Option<Workshop<PacRunner, Pac>>,
    recorder: Option<Arc<Recorder>>,
    schemas: bool,
    apart: Option<Apart>,
}

/// A tool that takes long to make, and what was made with it.
struct Workshop<T, P> {
    settings: EngineSettings,
    tool: T,
    products: HashMap<Key, Product<P>>,
}

struct Product<P> {
    value: P,
    /// In the gateway that is being built.
    used: bool,
}

/// Name and digest: the same bytes under another name log under that name.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    name: String,
    digest: [u8; 32],
}

impl Kept {
    /// Lets all gateways to come record the calls of their plugins.
    #[must_use]
    pub fn recording(mut self, recorder: Arc<Recorder>) -> Self {
        self.recorder = Some(recorder);
        self
    }

    /// Lets settings be checked against the schemas of plugins. For a process
    /// that ends: what compiles schemas keeps memory (measured: 0.8 MiB, and as
    /// much of the program again), and each plugin refuses by itself what it
    /// cannot use.
    #[must_use]
    pub fn checking_schemas(mut self) -> Self {
        self.schemas = true;
        self
    }

    /// Lets components be compiled by processes of their own. For a program
    /// that knows the command for it, and stays.
    #[must_use]
    pub fn compiling_apart(mut self) -> Self {
        self.apart = Some(Apart::default());
        self
    }

    pub(super) fn checks_schemas(&self) -> bool {
        self.schemas
    }

    pub(super) fn recorder(&self) -> Option<Arc<Recorder>> {
        self.recorder.clone()
    }

    /// The workshop for plugins. Another one if the settings are others.
    pub(super) fn plugins(
        &mut self,
        settings: &EngineSettings,
    ) -> Result<PluginWorkshop<'_>, LoadError> {
        let settings = &placed(self.apart.as_ref(), settings);
        let workshop = Workshop::open(&mut self.plugins, settings, || Engine::new(settings))?;
        let apart = self.apart.as_ref();
        Ok(PluginWorkshop { workshop, apart })
    }

    /// The same for PAC files, run by the component in `runner`.
    pub(super) fn pac(
        &mut self,
        settings: &EngineSettings,
        runner: &[u8],
    ) -> Result<PacWorkshop<'_>, LoadError> {
        let apart = self.apart.as_ref();
        let settings = &placed(apart, settings);
        let workshop = Workshop::open(&mut self.pac, settings, || {
            apart.map_or(Ok(()), |apart| apart.prepare(settings, ("pac", runner)))?;
            PacRunner::new(&Engine::new(settings)?, runner)
        })?;
        Ok(PacWorkshop(workshop))
    }

    /// A gateway begins to be built.
    pub(super) fn begin(&mut self) {
        self.plugins.iter_mut().for_each(Workshop::begin);
        self.pac.iter_mut().for_each(Workshop::begin);
    }

    /// It was built: what is not in it is of no more use.
    pub(super) fn finish(&mut self) {
        self.plugins = self.plugins.take().and_then(Workshop::finish);
        self.pac = self.pac.take().and_then(Workshop::finish);
    }
}

fn placed(apart: Option<&Apart>, settings: &EngineSettings) -> EngineSettings {
    apart.map_or_else(|| settings.clone(), |apart| apart.placed(settings))
}

/// Compiles what has not been compiled.
pub(super) struct PluginWorkshop<'a> {
    workshop: &'a mut Workshop<Engine, Component>,
    apart: Option<&'a Apart>,
}

impl PluginWorkshop<'_> {
    pub(super) fn load(&mut self, name: &str, bytes: &[u8]) -> Result<Component, LoadError> {
        let key = Key::new(name, bytes);
        if let Some(known) = self.workshop.take(&key) {
            return Ok(known);
        }
        if let Some(apart) = self.apart {
            apart.prepare(&self.workshop.settings, (name, bytes))?;
        }
        let made = self.workshop.tool.load(name, bytes)?;
        Ok(self.workshop.put(key, made))
    }
}

/// Runs files that have not been run.
pub(super) struct PacWorkshop<'a>(&'a mut Workshop<PacRunner, Pac>);

impl PacWorkshop<'_> {
    pub(super) async fn load(&mut self, name: &str, source: &str) -> Result<Pac, PacError> {
        let key = Key::new(name, source.as_bytes());
        if let Some(known) = self.0.take(&key) {
            return Ok(known);
        }
        let resolver = Arc::new(SystemResolver);
        let limits = PacLimits::default();
        let made = Pac::load(&self.0.tool, name, source.to_owned(), limits, resolver).await?;
        Ok(self.0.put(key, made))
    }
}

impl<T, P: Clone> Workshop<T, P> {
    fn open<'a>(
        place: &'a mut Option<Self>,
        settings: &EngineSettings,
        make: impl FnOnce() -> Result<T, LoadError>,
    ) -> Result<&'a mut Self, LoadError> {
        let fits = |one: &Self| one.settings == *settings;
        let workshop = match place.take().filter(fits) {
            Some(workshop) => workshop,
            None => Self {
                settings: settings.clone(),
                tool: make()?,
                products: HashMap::new(),
            },
        };
        Ok(place.insert(workshop))
    }

    fn take(&mut self, key: &Key) -> Option<P> {
        let known = self.products.get_mut(key)?;
        known.used = true;
        Some(known.value.clone())
    }

    fn put(&mut self, key: Key, value: P) -> P {
        let product = Product {
            value: value.clone(),
            used: true,
        };
        self.products.insert(key, product);
        value
    }

    fn begin(&mut self) {
        for product in self.products.values_mut() {
            product.used = false;
        }
    }

    /// Nothing if nothing was used: an engine reserves memory and has a thread.
    fn finish(mut self) -> Option<Self> {
        self.products.retain(|_, product| product.used);
        (!self.products.is_empty()).then_some(self)
    }
}

impl Key {
    fn new(name: &str, bytes: &[u8]) -> Self {
        Self {
            name: name.to_owned(),
            digest: Sha256::digest(bytes).into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(
        place: &mut Option<Workshop<u32, &'static str>>,
        directory: Option<&str>,
    ) -> &'static str {
        let settings = EngineSettings {
            cache_dir: directory.map(Into::into),
            ..EngineSettings::default()
        };
        let workshop = Workshop::open(place, &settings, || Ok(0)).unwrap();
        workshop
            .take(&Key::new("a", b"1"))
            .unwrap_or_else(|| workshop.put(Key::new("a", b"1"), "made"))
    }

    #[test]
    fn a_name_with_other_bytes_and_bytes_with_another_name_are_something_else() {
        let mut place = None;
        open(&mut place, None);
        let workshop = place.as_mut().unwrap();
        assert!(workshop.take(&Key::new("a", b"1")).is_some());
        assert!(workshop.take(&Key::new("a", b"2")).is_none());
        assert!(workshop.take(&Key::new("b", b"1")).is_none());
    }

    #[test]
    fn what_a_finished_gateway_does_not_use_is_dropped() {
        let mut place = None;
        open(&mut place, None);
        let workshop = place.as_mut().unwrap();
        workshop.begin();
        workshop.put(Key::new("b", b"1"), "used");
        assert_eq!(workshop.products.len(), 2, "a build may still fail");
        let mut workshop = place.and_then(Workshop::finish).unwrap();
        assert!(workshop.take(&Key::new("a", b"1")).is_none());
        assert!(workshop.take(&Key::new("b", b"1")).is_some());
        workshop.begin();
        assert!(workshop.finish().is_none(), "nor is an empty workshop kept");
    }

    #[test]
    fn other_settings_are_another_workshop() {
        let mut place = None;
        open(&mut place, None);
        open(&mut place, None);
        assert_eq!(place.as_ref().unwrap().products.len(), 1);
        let settings = EngineSettings {
            cache_dir: Some("/elsewhere".into()),
            ..EngineSettings::default()
        };
        let workshop = Workshop::open(&mut place, &settings, || Ok(1)).unwrap();
        assert!(workshop.products.is_empty());
        assert_eq!(workshop.tool, 1);
    }
}
