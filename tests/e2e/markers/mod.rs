//! Nothing leaks: a secret of each kind is planted, everything is done with it that a
//! gateway does, and every output is searched for it.

mod marker;
mod outputs;
mod planted;
mod templated;
mod traffic;

use cuttle_tests::TestResult;

use marker::{Marker, Whose};
use outputs::Outputs;
use planted::Planted;

/// Everything but the compilers of plugins, which write gigabytes.
const TRACE: &str = "trace,hyper=trace,hyper_util=trace,h2=trace,rustls=trace,tokio_rustls=trace,cranelift_codegen=info,cranelift_frontend=info,regalloc2=info,\
    wasmtime=info,wasmtime_environ=info,wasmtime_internal_cranelift=info,wasmtime_cranelift=info";

/// All that leaked, at once.
fn search(outputs: &Outputs, markers: &[Marker]) {
    let mut found = Vec::new();
    for (name, passes, text) in outputs.all() {
        let hidden = |marker: &&Marker| !passes || marker.whose == Whose::Operators;
        for marker in markers.iter().filter(hidden) {
            if let Some(near) = marker.found_in(text) {
                found.push(format!("{} in {name}: {near}", marker.kind));
            }
        }
    }
    assert!(found.is_empty(), "\n{}", found.join("\n\n"));
}

#[tokio::test]
async fn no_secret_is_in_anything_that_a_running_gateway_says() -> TestResult {
    let planted = Planted::new().await;
    let mut outputs = Outputs::default();
    outputs
        .serve(&planted, &["--record", "recorded"], Some(TRACE))
        .await?;
    planted.assert_used();
    outputs.test_recorded(&planted).await;
    search(&outputs, &planted.markers);
    Ok(())
}

/// As people read it, with the level of the configuration.
#[tokio::test]
async fn no_secret_is_in_a_log_of_plain_text() -> TestResult {
    let planted = Planted::new().await;
    let mut outputs = Outputs::default();
    outputs
        .serve(&planted, &["--log-format", "text"], None)
        .await?;
    planted.assert_used();
    search(&outputs, &planted.markers);
    Ok(())
}

#[tokio::test]
async fn no_secret_is_in_what_commands_tell_of_a_configuration() -> TestResult {
    let planted = Planted::new().await;
    let mut outputs = Outputs::default();
    outputs.tell(&planted).await?;
    search(&outputs, &planted.markers);
    Ok(())
}
