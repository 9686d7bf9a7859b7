//! What a call of a plugin costs: processor time of one call of `http-proxy`, on
//! an instance that is used again and on a fresh one.
//!
//! Nothing is sent. The plugin hands its request to its transport, and the
//! client refuses it for its method, so that what is measured is what plugins
//! cost: instance, settings, two crossings of the border, handles.
//!
//! Batches take turns and the smallest counts: what else the machine does makes
//! them larger only. Time is that of the process's threads as Linux counts it
//! (`schedstat`), which is why this is no `criterion` benchmark: that measures
//! the time on the wall, most of which belongs to others on a shared machine.
//!
//! Arguments name what is measured; without any it is everything.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program for the command line"
)]

use std::{env, fs, hint::black_box, sync::Arc, time::Duration};

use cuttle_egress::{Body, Client, Settings};
use cuttle_plugin::{
    Binding, CallError, Component, Engine, EngineSettings, Isolation, Limits, Plugin,
};
use http::{Method, Request};
use http_body_util::{BodyExt as _, Empty};
use tokio::{runtime::Builder, time::Instant};

/// The bundled plugin as it was published with the first contract: it needs no
/// build.
const HTTP_PROXY: &[u8] = include_bytes!("../../../../tests/compat/contract/0.1.0/http-proxy.wasm");
const CALLS: usize = 2_000;
const BATCHES: usize = 15;
/// More than the caches of a core hold beside it.
const SWEEP: usize = 4 << 20;

/// How calls follow one another.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scene {
    /// One after the other.
    Quiet,
    /// With other memory in the caches each time.
    Cold,
    /// On two threads at a time, as in a gateway under load.
    Threads,
}

const SCENES: [(&str, Isolation, Scene); 6] = [
    ("reused", Isolation::Instance, Scene::Quiet),
    ("reused, caches cold", Isolation::Instance, Scene::Cold),
    ("reused, two threads", Isolation::Instance, Scene::Threads),
    ("fresh", Isolation::Request, Scene::Quiet),
    ("fresh, caches cold", Isolation::Request, Scene::Cold),
    ("fresh, two threads", Isolation::Request, Scene::Threads),
];

fn main() {
    let wanted: Vec<String> = env::args()
        .skip(1)
        .filter(|text| !text.starts_with('-'))
        .collect();
    let engine = Engine::new(&EngineSettings::default()).unwrap();
    let component = engine.load("http-proxy", HTTP_PROXY).unwrap();
    let mut least = [f64::INFINITY; SCENES.len()];
    for _ in 0..BATCHES {
        for ((name, isolation, scene), least) in SCENES.iter().zip(&mut least) {
            if wanted.is_empty() || wanted.iter().any(|text| name.contains(text.as_str())) {
                *least = least.min(batch(&component, *isolation, *scene));
            }
        }
    }
    println!("{:<24} CPU of a call", "");
    for ((name, ..), least) in SCENES.iter().zip(least) {
        if least.is_finite() {
            println!("{name:<24} {least:>8.2} µs");
        }
    }
}

/// Microseconds of processor time for each call.
fn batch(component: &Component, isolation: Isolation, scene: Scene) -> f64 {
    let threads = if scene == Scene::Threads { 2 } else { 1 };
    let runtime = Builder::new_multi_thread()
        .worker_threads(threads)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let plugin = Plugin::bind(component, binding(isolation)).await.unwrap();
        let plugin = Arc::new(plugin);
        run(&plugin, CALLS / 10, scene).await;
        let sweeping = sweeping_alone(scene);
        let before = cpu();
        run(&plugin, CALLS, scene).await;
        (cpu() - before).saturating_sub(sweeping).as_secs_f64() * 1e6 / CALLS as f64
    })
}

/// `calls` calls, spread over tasks as `scene` wants it.
async fn run(plugin: &Arc<Plugin>, calls: usize, scene: Scene) {
    let tasks = if scene == Scene::Threads { 2 } else { 1 };
    let running: Vec<_> = (0..tasks)
        .map(|_| {
            let plugin = Arc::clone(plugin);
            tokio::spawn(async move {
                let mut memory = vec![0u8; if scene == Scene::Cold { SWEEP } else { 0 }];
                for _ in 0..calls / tasks {
                    sweep(&mut memory);
                    call(&plugin).await;
                }
            })
        })
        .collect();
    for task in running {
        task.await.unwrap();
    }
}

async fn call(plugin: &Plugin) {
    let mut request = Request::new(nothing());
    *request.method_mut() = Method::CONNECT;
    *request.uri_mut() = http::Uri::from_static("http://origin.test/path?query");
    let answer = plugin.call(request, Instant::now() + Duration::from_secs(60));
    let refused = matches!(answer.await, Err(CallError::Failed { .. }));
    assert!(refused, "nothing can be sent");
}

fn nothing() -> Body {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

fn sweep(memory: &mut [u8]) {
    for byte in memory.iter_mut().step_by(64) {
        *byte = byte.wrapping_add(1);
    }
    black_box(memory);
}

/// What a batch of `scene` takes without a call.
fn sweeping_alone(scene: Scene) -> Duration {
    if scene != Scene::Cold {
        return Duration::ZERO;
    }
    let mut memory = vec![0u8; SWEEP];
    sweep(&mut memory);
    let before = cpu();
    (0..CALLS).for_each(|_| sweep(&mut memory));
    cpu() - before
}

/// Processor time of all threads that exist.
fn cpu() -> Duration {
    let threads = fs::read_dir("/proc/self/task").unwrap();
    let times = threads.filter_map(|thread| {
        let path = thread.ok()?.path().join("schedstat");
        let text = fs::read_to_string(path).ok()?;
        text.split_whitespace().next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(times.sum())
}

fn binding(isolation: Isolation) -> Binding {
    Binding {
        settings: r#"{"name": "http-proxy", "proxy_address": "http://127.0.0.1:1"}"#.into(),
        limits: Limits {
            uses_per_instance: 0,
            ..Limits::default()
        },
        isolation,
        endpoint: "GET /".into(),
        ..Binding::least(Client::new(Settings::default()).unwrap())
    }
}
