//! From the bytes of a file to a component that is ready to be instantiated.

use std::sync::Arc;

use wasmtime::component::types;

use crate::{
    Engine, Isolation, LoadError, World,
    error::Cause,
    exports, inspect, standard,
    world::{self, Linked},
};

/// Limit for the file of a plugin, in bytes. Larger files are refused before they are compiled: compiling takes time and
/// memory in proportion. The largest real plugins (Python) are 18.5 MB.
pub const MAX_COMPONENT_BYTES: usize = 64 << 20;

/// A compiled and linked component. Cheap to clone.
#[derive(Clone)]
pub struct Component(Arc<Loaded>);

struct Loaded {
    name: Arc<str>,
    imports: Vec<String>,
    engine: Engine,
    settings_schema: Option<String>,
    /// Of the engine: the one it was compiled with.
    runtime: wasmtime::Engine,
    /// One for each world it is a plugin of; at least one.
    linked: Vec<(World, Linked)>,
}

impl Component {
    pub(crate) fn load(engine: &Engine, name: &str, bytes: &[u8]) -> Result<Self, LoadError> {
        check_form(name, bytes)?;
        let found = exports::names(bytes);
        let worlds = World::of(&found);
        let runtime = engine.runtime_for(&worlds)?;
        let component = compile(engine, &runtime, (name, bytes))?;
        let imports = imports(&runtime, &component.component_type());
        check_imports(name, &imports, &worlds)?;
        check_worlds(name, &worlds, found)?;
        let incompatible = |error| LoadError::Incompatible {
            plugin: name.to_owned(),
            source: Cause::boxed(&error),
        };
        let pre = match worlds.iter().any(|world| world.is_standard()) {
            true => standard::link(&component, &worlds),
            false => engine.linker().instantiate_pre(&component),
        };
        let pre = pre.map_err(incompatible)?;
        let linked = worlds
            .into_iter()
            .map(|world| Ok((world, Linked::new(world, pre.clone())?)))
            .collect::<wasmtime::Result<_>>()
            .map_err(incompatible)?;

        Ok(Self(Arc::new(Loaded {
            name: name.into(),
            imports,
            engine: engine.clone(),
            settings_schema: inspect::settings_schema(name, bytes)?,
            runtime,
            linked,
        })))
    }

    /// See [`Engine::precompile`].
    pub(crate) fn precompile(engine: &Engine, bytes: &[u8]) -> Result<(), LoadError> {
        const NAME: &str = "component";
        check_form(NAME, bytes)?;
        let worlds = World::of(&exports::names(bytes));
        compile(engine, &engine.runtime_for(&worlds)?, (NAME, bytes)).map(drop)
    }

    /// Name it is registered under.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The kinds of plugins it is; at least one.
    pub fn worlds(&self) -> impl Iterator<Item = World> {
        self.0.linked.iter().map(|(world, _)| *world)
    }

    /// The kind of plugin it is for a backend: the contract's, if it is that
    /// and a standard component too.
    pub(crate) fn client_world(&self) -> World {
        let standard = self.worlds().find(|world| world.is_standard());
        match self.linked(World::HttpClient) {
            Some(_) => World::HttpClient,
            None => standard.unwrap_or(World::HttpClient),
        }
    }

    /// Whether its instances are used again unless the operator says otherwise:
    /// a standard component is written for hosts that give each request one of
    /// its own.
    #[must_use]
    pub fn default_isolation(&self) -> Isolation {
        match self.client_world().is_standard() {
            true => Isolation::Request,
            false => Isolation::Instance,
        }
    }

    /// Interfaces it imports, with package and version, sorted.
    #[must_use]
    pub fn imports(&self) -> &[String] {
        &self.0.imports
    }

    /// JSON Schema of its settings, as JSON text, if its author gave one
    /// (section `cuttle:settings-schema`).
    #[must_use]
    pub fn settings_schema(&self) -> Option<&str> {
        self.0.settings_schema.as_deref()
    }

    /// Whether it can send requests of its own by the way of its place of use:
    /// by `outbound`, or as a standard component.
    #[must_use]
    pub fn sends(&self) -> bool {
        let standard = self.client_world().is_standard();
        let mut imports = self.imports().iter();
        self.imports_interface("outbound")
            || (standard && imports.any(|import| standard::is_to_send(import)))
    }

    /// Whether it can hand a request on to what comes after it: behind the last
    /// plugin of a backend, that sends it too.
    #[must_use]
    pub fn hands_on(&self) -> bool {
        self.imports_interface("next")
    }

    /// Whether it imports this interface of the contract, such as `next`.
    #[must_use]
    pub fn imports_interface(&self, name: &str) -> bool {
        let mut imports = self.imports().iter();
        imports.any(|import| world::interface(import) == Some(name))
    }

    pub(crate) fn shared_name(&self) -> &Arc<str> {
        &self.0.name
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.0.engine
    }

    pub(crate) fn runtime(&self) -> &wasmtime::Engine {
        &self.0.runtime
    }

    pub(crate) fn linked(&self, world: World) -> Option<&Linked> {
        let mut linked = self.0.linked.iter();
        linked.find_map(|(of, linked)| (*of == world).then_some(linked))
    }
}

/// Looks at size and first bytes: enough to say what a wrong file is.
pub(crate) fn check_form(name: &str, bytes: &[u8]) -> Result<(), LoadError> {
    if bytes.len() > MAX_COMPONENT_BYTES {
        return Err(LoadError::TooLarge {
            plugin: name.to_owned(),
            size: bytes.len(),
            limit: MAX_COMPONENT_BYTES,
        });
    }
    match problem_of_form(bytes) {
        Some(message) => Err(LoadError::NotAComponent {
            plugin: name.to_owned(),
            message,
        }),
        None => Ok(()),
    }
}

fn problem_of_form(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [b'\0', b'a', b's', b'm', _, _, 1, 0, ..] => None,
        [b'\0', b'a', b's', b'm', _, _, 0, 0, ..] => Some(
            "is a core WebAssembly module, not a component: build it with `--target wasm32-wasip2`",
        ),
        [b'\0', b'a', b's', b'm', ..] => Some("is a WebAssembly file that is cut off"),
        [0x7f, b'E', b'L', b'F', ..] => Some(
            "is machine code (a Go plugin or a precompiled component): the gateway takes WebAssembly components only",
        ),
        [] => Some("is empty"),
        _ => Some("is not a WebAssembly file"),
    }
}

fn compile(
    engine: &Engine,
    runtime: &wasmtime::Engine,
    (name, bytes): (&str, &[u8]),
) -> Result<wasmtime::component::Component, LoadError> {
    engine
        .compile(runtime, bytes)
        .map_err(|error| LoadError::Invalid {
            plugin: name.to_owned(),
            source: Cause::boxed(&error),
        })
}

fn imports(runtime: &wasmtime::Engine, ty: &types::Component) -> Vec<String> {
    let mut imports: Vec<_> = ty
        .imports(runtime)
        .map(|(name, _)| name.to_owned())
        .collect();
    imports.sort();
    imports
}

/// Finds what is out of the question by name. The linker would refuse it too,
/// but in words for people who know linkers.
fn check_imports(name: &str, imports: &[String], worlds: &[World]) -> Result<(), LoadError> {
    let offered = |import: &str| is_offered(import) || standard::is_offered(import, worlds);
    match imports.iter().find(|import| !offered(import)) {
        Some(import) => Err(LoadError::UnknownImport {
            plugin: name.to_owned(),
            import: import.clone(),
        }),
        None => Ok(()),
    }
}

pub(crate) fn is_offered(import: &str) -> bool {
    const OURS: [&str; 6] = [
        "types",
        "next",
        "outbound",
        "forward-proxy",
        "log",
        "client",
    ];
    const WASI: [&str; 6] = ["cli", "clocks", "filesystem", "io", "random", "sockets"];

    if let Some(interface) = world::interface(import) {
        return OURS.contains(&interface);
    }
    let (name, version) = import.split_once('@').unwrap_or((import, ""));
    name.strip_prefix("wasi:")
        .and_then(|rest| rest.split_once('/'))
        .is_some_and(|(package, _)| WASI.contains(&package) && version.starts_with("0.2."))
}

fn check_worlds(name: &str, worlds: &[World], found: Vec<String>) -> Result<(), LoadError> {
    if worlds.is_empty() {
        return Err(LoadError::MissingExport {
            plugin: name.to_owned(),
            expected: World::expected(),
            found,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_contract_and_the_basics_of_wasi_are_offered() {
        let cases = [
            ("cuttle:plugin/types@0.1.0", true),
            ("cuttle:plugin/forward-proxy@0.1.0", true),
            ("cuttle:plugin/forward-proxy@0.2.0", false),
            ("cuttle:plugin/next@0.1.1", true),
            ("cuttle:plugin/client@0.1.1", true),
            ("cuttle:plugin/secrets@0.1.0", false),
            ("wasi:cli/environment@0.2.12", true),
            ("wasi:io/streams@0.2.0", true),
            ("wasi:http/types@0.2.0", false),
            ("wasi:cli/environment@0.3.0", false),
            ("wasi:cli", false),
            ("env", false),
        ];
        for (import, offered) in cases {
            assert_eq!(is_offered(import), offered, "{import}");
        }
    }

    #[test]
    fn the_first_bytes_tell_what_a_wrong_file_is() {
        let cases: [(&[u8], Option<&str>); 6] = [
            (b"\0asm\x0d\0\x01\0", None),
            (b"\0asm\x01\0\0\0", Some("core WebAssembly module")),
            (b"\0asm\x0d\0", Some("cut off")),
            (b"\x7fELF\x02", Some("machine code")),
            (b"", Some("empty")),
            (b"(component)", Some("not a WebAssembly file")),
        ];
        for (bytes, expected) in cases {
            match (problem_of_form(bytes), expected) {
                (None, None) => {}
                (Some(found), Some(expected)) => assert!(found.contains(expected), "{found}"),
                other => panic!("{bytes:?}: {other:?}"),
            }
        }
    }
}
