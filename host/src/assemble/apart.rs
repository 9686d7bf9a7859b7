//! Components compiled in a process of their own.
//!
//! A compiler leaves megabytes behind in whatever process it ran in (measured:
//! 11 MiB for a plugin of 100 KB), and a hostile component may let it run for
//! ever. Here it is a child that ends: it puts the machine code into the cache,
//! from where the gateway takes it. Without a child, because the system allows
//! none, the gateway compiles by itself.

use std::{
    fs::{self, Permissions},
    io::{self, Read, Write},
    os::unix::{fs::PermissionsExt as _, process::ExitStatusExt as _},
    path::{Path, PathBuf},
    process::{Command, ExitCode, ExitStatus, Stdio},
    sync::OnceLock,
    thread,
    time::Duration,
};

use cuttle_plugin::{Engine, EngineSettings, LoadError, MAX_COMPONENT_BYTES};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

/// The command of the child, which no help mentions.
pub(crate) const COMMAND: &str = "compile-apart";
/// Longest time for one component. The largest real ones (Python, 18 MB) take
/// ten seconds on one core.
const LIMIT: Duration = Duration::from_secs(300);
/// Exit code of a child whose time was up.
const TOO_LATE: i32 = 3;

/// Lets children compile.
#[derive(Default)]
pub(super) struct Apart {
    /// Where machine code goes if the operator has named no place, once it is
    /// needed. Goes with the gateway.
    folder: OnceLock<Option<TempDir>>,
}

impl Apart {
    /// The same settings with a place for machine code.
    pub(super) fn placed(&self, settings: &EngineSettings) -> EngineSettings {
        let named = settings.cache_dir.clone();
        EngineSettings {
            cache_dir: named.or_else(|| self.folder().map(Path::to_owned)),
            ..settings.clone()
        }
    }

    fn folder(&self) -> Option<&Path> {
        let make = || {
            let made = tempfile::Builder::new()
                .prefix("cuttle-")
                .permissions(Permissions::from_mode(0o700))
                .tempdir();
            let made = made.inspect_err(|error| {
                tracing::debug!(%error, "no temporary folder: plugins are compiled in this process");
            });
            made.ok()
        };
        self.folder.get_or_init(make).as_ref().map(TempDir::path)
    }

    /// Has the machine code of `component` put into the cache, unless it was
    /// before. Whatever is wrong with it the gateway finds out itself.
    ///
    /// # Errors
    /// [`LoadError::Compiler`].
    pub(super) fn prepare(
        &self,
        settings: &EngineSettings,
        (name, component): (&str, &[u8]),
    ) -> Result<(), LoadError> {
        let Some(cache) = &settings.cache_dir else {
            return Ok(());
        };
        let done = cache.join(mark(component));
        if done.exists() {
            return Ok(());
        }
        let compiled = compile(cache, settings.parallel_compilation, component);
        let ended = match compiled {
            Ok(ended) => ended,
            Err(error) => {
                tracing::debug!(%error, plugin = name, "compiled in this process");
                return Ok(());
            }
        };
        if let Some(message) = misfortune(ended) {
            let plugin = name.to_owned();
            return Err(LoadError::Compiler { plugin, message });
        }
        if ended.success() {
            // Without it the next start has another child, and no other loss.
            let _ = fs::write(done, []);
        }
        Ok(())
    }
}

/// What would befall the gateway, too, if it did the same.
fn misfortune(ended: ExitStatus) -> Option<String> {
    match (ended.code(), ended.signal()) {
        (Some(TOO_LATE), _) => Some(format!("it takes longer than {} s", LIMIT.as_secs())),
        (None, Some(signal)) => Some(format!(
            "its compiler was ended by signal {signal}, as happens when memory runs out"
        )),
        _ => None,
    }
}

/// File that says that this version has compiled `component`.
fn mark(component: &[u8]) -> String {
    let digest = Sha256::digest(component);
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("compiled-{}-{digest}", crate::VERSION)
}

/// How a child ended that was to compile `component`.
fn compile(cache: &Path, parallel: bool, component: &[u8]) -> io::Result<ExitStatus> {
    let mut child = Command::new(program()?)
        .arg(COMMAND)
        .arg(cache)
        .args(parallel.then_some("--parallel"))
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    // One that ends early says by its exit code why.
    let _ = child
        .stdin
        .take()
        .map(|mut input| input.write_all(component));
    child.wait()
}

/// This program, also if its file has been replaced since it was started.
fn program() -> io::Result<PathBuf> {
    let running = PathBuf::from("/proc/self/exe");
    match running.exists() {
        true => Ok(running),
        false => std::env::current_exe(),
    }
}

/// What the child does: compiles what it reads, and ends in time.
pub(crate) fn child(cache: PathBuf, parallel: bool) -> ExitCode {
    thread::spawn(|| {
        thread::sleep(LIMIT);
        std::process::exit(TOO_LATE);
    });
    let settings = EngineSettings {
        cache_dir: Some(cache),
        max_instances: Some(1),
        parallel_compilation: parallel,
        reproducible: false,
    };
    match input().map(|component| Engine::new(&settings)?.precompile(&component)) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

fn input() -> io::Result<Vec<u8>> {
    let mut component = Vec::new();
    let limit = MAX_COMPONENT_BYTES as u64;
    io::stdin().take(limit).read_to_end(&mut component)?;
    Ok(component)
}
