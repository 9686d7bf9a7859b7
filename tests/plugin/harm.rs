//! What misbehaving plugins harm: their own call, and nothing else.

use std::time::{Duration, Instant};

use cuttle_plugin::{CallError, Limits, Plugin, PluginFailure};

use crate::support::{Journal, NOWHERE, Origin, call, call_within, get, get_with, limited, plugin};

const DEADLINE: Duration = Duration::from_millis(200);
/// A tick of the clock, and what a busy machine adds to it.
const LATE: Duration = Duration::from_millis(150);

/// A second plugin answers as if nothing had happened.
async fn assert_neighbour_is_well() {
    let neighbour = plugin("bad-status").await;
    let answer = call(&neighbour, get_with(NOWHERE, "x-status", "204")).await;
    assert_eq!(answer.unwrap().status(), 204);
}

async fn failure(name: &str) -> CallError {
    let plugin = plugin(name).await;
    let first = call(&plugin, get(NOWHERE)).await.unwrap_err();
    // The next call meets a fresh instance and fails in the same way.
    let second = call(&plugin, get(NOWHERE)).await.unwrap_err();
    assert_eq!(first.to_string(), second.to_string());
    assert!(first.to_string().contains(&format!("`{name}`")), "{first}");
    assert_neighbour_is_well().await;
    first
}

fn cause(error: &CallError) -> String {
    std::error::Error::source(error).unwrap().to_string()
}

#[tokio::test]
async fn a_panic_is_a_trap_and_its_text_is_in_the_log() {
    let journal = Journal::start();
    let error = failure("traps").await;
    assert!(matches!(error, CallError::Trap { .. }), "{error:?}");
    assert!(cause(&error).contains("unreachable"), "{error:?}");
    let lines = journal.lines();
    assert!(
        lines
            .iter()
            .any(|line| line.contains("WARN") && line.contains("on purpose")),
        "{lines:?}"
    );
}

#[tokio::test]
async fn an_exit_is_a_trap() {
    let error = failure("exits").await;
    assert!(matches!(error, CallError::Trap { .. }), "{error:?}");
}

#[tokio::test]
async fn deep_recursion_is_a_trap() {
    let error = failure("recurses").await;
    assert!(matches!(error, CallError::Trap { .. }), "{error:?}");
    assert!(cause(&error).contains("stack"), "{error:?}");
}

#[tokio::test]
async fn memory_ends_at_its_limit() {
    let error = failure("memory-bomb").await;
    assert!(
        matches!(
            error,
            CallError::Limit {
                limit: "memory",
                ..
            }
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn the_gateways_memory_is_no_way_around_the_limit() {
    let error = failure("body-hoard").await;
    assert!(
        matches!(
            error,
            CallError::Limit {
                limit: "memory",
                ..
            }
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn tables_end_at_their_limit() {
    let limits = Limits {
        table_elements: 1,
        ..Limits::default()
    };
    let binding = cuttle_plugin::Binding {
        limits,
        ..crate::support::binding()
    };
    let refused = Plugin::bind(&crate::support::component("traps"), binding)
        .await
        .err();
    match refused {
        Some(cuttle_plugin::BindError::Start { source, .. }) => assert!(
            matches!(
                *source,
                CallError::Limit {
                    limit: "table_elements",
                    ..
                }
            ),
            "{source:?}"
        ),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn handles_end_at_their_limit() {
    let error = failure("handle-leak").await;
    assert!(
        matches!(
            error,
            CallError::Limit {
                limit: "resources",
                ..
            }
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn one_call_into_the_gateway_carries_so_much() {
    for name in ["huge-argument", "huge-return"] {
        let error = failure(name).await;
        assert!(matches!(error, CallError::Trap { .. }), "{error:?}");
        assert!(cause(&error).contains("fuel"), "{error:?}");
    }
}

/// On one thread: a plugin that kept it would stop the neighbour.
async fn assert_stopped_in_time(plugin: &Plugin, uri: &str) {
    let neighbour = plugin_of_quick_answers().await;
    let started = Instant::now();
    let stuck = call_within(plugin, get(uri), DEADLINE);
    let quick = async {
        let mut slowest = Duration::ZERO;
        while started.elapsed() < DEADLINE {
            let asked = Instant::now();
            let answer = call(&neighbour, get_with(NOWHERE, "x-status", "204")).await;
            assert_eq!(answer.unwrap().status(), 204);
            slowest = slowest.max(asked.elapsed());
            tokio::task::yield_now().await;
        }
        slowest
    };
    let ((error, took), slowest) = tokio::join!(
        async { (stuck.await.unwrap_err(), started.elapsed()) },
        quick
    );

    assert!(
        matches!(error, CallError::Deadline { limit, .. } if limit <= DEADLINE),
        "{error:?}"
    );
    assert!(took < DEADLINE + LATE, "stopped after {took:?}");
    assert!(slowest < LATE, "a neighbour waited {slowest:?}");
}

async fn plugin_of_quick_answers() -> Plugin {
    plugin("bad-status").await
}

#[tokio::test]
async fn a_plugin_that_spins_is_stopped_and_its_thread_goes_on() {
    assert_stopped_in_time(&plugin("spins").await, NOWHERE).await;
}

#[tokio::test]
async fn a_flood_of_calls_into_the_gateway_is_stopped() {
    assert_stopped_in_time(&plugin("host-call-flood").await, NOWHERE).await;
}

#[tokio::test]
async fn a_plugin_that_sleeps_is_stopped() {
    assert_stopped_in_time(&plugin("sleeps").await, NOWHERE).await;
}

#[tokio::test]
async fn a_plugin_that_waits_for_a_silent_backend_is_stopped() {
    let origin = Origin::start().await;
    assert_stopped_in_time(&plugin("never-returns").await, &origin.url("/silent")).await;
}

#[tokio::test]
async fn the_limit_of_a_plugin_is_shorter_than_the_callers() {
    let limits = Limits {
        timeout: Some(DEADLINE),
        ..Limits::default()
    };
    let plugin = limited("sleeps", limits).await;
    let error = call(&plugin, get(NOWHERE)).await.unwrap_err();
    assert!(
        matches!(
            error,
            CallError::Deadline {
                limit: DEADLINE,
                ..
            }
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn lines_are_escaped_and_limited() {
    let journal = Journal::start();
    let limits = Limits {
        log_lines_per_second: 5,
        ..Limits::default()
    };
    let plugin = limited("log-flood", limits).await;
    let started = Instant::now();
    call(&plugin, get(NOWHERE)).await.unwrap();

    let seconds = 1 + started.elapsed().as_secs() as usize;
    let lines = journal.lines();
    assert!(lines.len() <= 6 * seconds, "{}", lines.len());
    assert!(
        lines[0].contains(r"line 0\r\n\u{1b}[31mforged"),
        "{}",
        lines[0]
    );
    assert!(
        lines[0].contains(r#"plugin="log-flood" endpoint="GET /test""#),
        "{}",
        lines[0]
    );
}

#[tokio::test]
async fn a_returned_error_is_passed_on_as_one_line() {
    let plugin = plugin("returns-error").await;
    let error = call(&plugin, get(NOWHERE)).await.unwrap_err();
    match error {
        CallError::Failed { error, .. } => assert_eq!(
            error,
            PluginFailure::Other(r"on purpose\nsecond line".into())
        ),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_status_out_of_range_is_no_response() {
    let plugin = plugin("bad-status").await;
    let cases = [
        ("0", false),
        ("99", false),
        ("101", false),
        ("199", false),
        ("200", true),
        ("599", true),
        ("600", false),
        ("999", false),
        ("65535", false),
    ];
    for (status, usable) in cases {
        let answer = call(&plugin, get_with(NOWHERE, "x-status", status)).await;
        match answer {
            Ok(answer) => assert!(usable && answer.status().as_str() == status, "{status}"),
            Err(CallError::Invalid { .. }) => assert!(!usable, "{status}"),
            Err(other) => panic!("{status}: {other:?}"),
        }
    }
}
