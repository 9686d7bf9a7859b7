//! Components made to do harm: below the language (`tests/src/handmade.rs`), and
//! by using the contract beyond all measure.

use std::time::Duration;

use cuttle_plugin::{BindError, Binding, CallError, Component, Limits, LoadError, Plugin};
use cuttle_tests::{HANDMADE, handmade};

use crate::support::{NOWHERE, binding, call, component, engine, get, get_with, plugin};

/// What becomes of a plugin.
#[derive(Debug, PartialEq, Eq)]
enum Fate {
    /// The file is not taken.
    Refused,
    /// No instance can be made or configured; why.
    NoStart(Stop),
    /// It fails at each call.
    Fails(Stop),
}

#[derive(Debug, PartialEq, Eq)]
enum Stop {
    Trap,
    Limit(&'static str),
    Deadline,
}

use Fate::{Fails, NoStart, Refused};
use Stop::{Deadline, Limit, Trap};

fn tight(timeout: Option<Duration>) -> Limits {
    Limits {
        memory: 4 << 20,
        host_calls: 50_000,
        resources: 64,
        timeout,
        ..Limits::default()
    }
}

fn stop(error: &CallError) -> Stop {
    match error {
        CallError::Trap { .. } => Trap,
        CallError::Limit { limit, .. } => Limit(limit),
        CallError::Deadline { .. } => Deadline,
        other => panic!("{other:?}"),
    }
}

async fn fate(component: Result<Component, LoadError>) -> Fate {
    let component = match component {
        Ok(component) => component,
        Err(LoadError::Invalid { .. }) => return Refused,
        Err(other) => panic!("{other}: {:?}", std::error::Error::source(&other)),
    };
    // The others end by themselves, however busy the machine is.
    let spins = component.name() == "start-spins";
    let binding = Binding {
        limits: tight(spins.then_some(Duration::from_millis(200))),
        proxies: vec!["http://proxy.test:1".into()],
        ..binding()
    };
    let plugin = match Plugin::bind(&component, binding).await {
        Ok(plugin) => plugin,
        Err(BindError::Start { source, .. }) => return NoStart(stop(&source)),
        Err(other) => panic!("{other:?}"),
    };
    let first = stop(&call(&plugin, get(NOWHERE)).await.unwrap_err());
    // The next call meets a fresh instance and fails in the same way.
    let second = stop(&call(&plugin, get(NOWHERE)).await.unwrap_err());
    assert_eq!(first, second);
    assert_eq!(plugin.instances().live, 0, "it is gone");
    Fails(first)
}

fn expected(name: &str) -> Fate {
    match name {
        "huge-memory" | "many-instances" | "many-memories" | "many-tables" => Refused,
        "large-memory" => NoStart(Limit("memory")),
        "places-outside" | "start-traps" => NoStart(Trap),
        "start-spins" => NoStart(Deadline),
        "table-bomb" => Fails(Limit("table_elements")),
        "calls-clock-forever" | "grows-between-calls" => Fails(Limit("host_calls")),
        "many-handles" => Fails(Limit("resources")),
        _ => Fails(Trap),
    }
}

/// A second plugin answers as if nothing had happened.
async fn assert_neighbour_is_well() {
    let neighbour = plugin("bad-status").await;
    let answer = call(&neighbour, get_with(NOWHERE, "x-status", "204")).await;
    assert_eq!(answer.unwrap().status(), 204);
}

#[tokio::test]
async fn components_that_no_compiler_makes_harm_themselves() {
    for name in HANDMADE {
        let found = fate(engine().load(name, &handmade(name))).await;
        assert_eq!(found, expected(name), "{name}");
        assert_neighbour_is_well().await;
    }
}

#[tokio::test]
async fn the_contract_used_beyond_measure_ends_at_a_limit() {
    for (name, stopped) in [
        ("quad-list", Trap),
        ("fields-flood", Limit("resources")),
        ("tiny-pieces", Limit("memory")),
        ("drops-pipes", Limit("host_calls")),
        ("host-call-flood", Limit("host_calls")),
    ] {
        let found = fate(Ok(component(name))).await;
        assert_eq!(found, Fails(stopped), "{name}");
        assert_neighbour_is_well().await;
    }
}

#[tokio::test]
async fn calls_into_the_gateway_are_counted_to_the_end() {
    // `get_with` to the answer: `header`, `response`, and dropping the request.
    for (host_calls, enough) in [(1, false), (1_000, true)] {
        let limits = Limits {
            host_calls,
            ..Limits::default()
        };
        let plugin = crate::support::limited("bad-status", limits).await;
        let answer = call(&plugin, get_with(NOWHERE, "x-status", "204")).await;
        match answer {
            Ok(answer) => assert!(enough && answer.status() == 204),
            Err(error) => assert_eq!((stop(&error), enough), (Limit("host_calls"), false)),
        }
    }
}
