//! Instances: used again, replaced, limited, given back.

use std::time::Duration;

use cuttle_plugin::{Binding, CallError, Engine, EngineSettings, Isolation, Limits, Plugin};

use crate::support::{
    NOWHERE, Origin, binding, bytes, call, component, get, get_with, limited, plugin,
};

async fn calls_before(plugin: &Plugin) -> String {
    let answer = call(plugin, get(NOWHERE)).await.unwrap();
    answer.headers()["x-calls-before"]
        .to_str()
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn an_instance_is_used_again() {
    let plugin = plugin("remembers").await;
    assert_eq!(calls_before(&plugin).await, "0");
    assert_eq!(calls_before(&plugin).await, "1");
}

#[tokio::test]
async fn isolation_by_request_leaves_no_memory_behind() {
    let binding = Binding {
        isolation: Isolation::Request,
        ..binding()
    };
    let plugin = Plugin::bind(&component("remembers"), binding)
        .await
        .unwrap();
    for _ in 0..3 {
        assert_eq!(calls_before(&plugin).await, "0");
    }
}

#[tokio::test]
async fn an_instance_is_replaced_after_its_uses() {
    let limits = Limits {
        uses_per_instance: 2,
        ..Limits::default()
    };
    let plugin = limited("remembers", limits).await;
    let seen = [
        calls_before(&plugin).await,
        calls_before(&plugin).await,
        calls_before(&plugin).await,
    ];
    assert_eq!(seen, ["0", "1", "0"]);
}

#[tokio::test]
async fn two_places_of_use_share_no_instance() {
    let first = plugin("remembers").await;
    let second = plugin("remembers").await;
    assert_eq!(calls_before(&first).await, "0");
    assert_eq!(calls_before(&second).await, "0");
}

fn one_instance() -> Limits {
    Limits {
        instances: 1,
        ..Limits::default()
    }
}

/// The client went away in the middle: its instance, and its place, are free
/// again, and what it had done is not seen by the next call.
#[tokio::test]
async fn a_call_that_is_dropped_gives_its_place_back() {
    let origin = Origin::start().await;
    let plugin = limited("never-returns", one_instance()).await;
    for round in 1..=20 {
        let waiting = call(&plugin, get(&origin.url("/silent")));
        let arrived = async {
            while origin.seen().len() < round {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::select! {
            _ = waiting => panic!("nobody answers"),
            () = arrived => {}
        }
    }
    let answer = call(&plugin, get(&origin.url("/"))).await.unwrap();
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn a_spinning_call_that_is_dropped_gives_its_place_back() {
    let plugin = limited("spins", one_instance()).await;
    for _ in 0..5 {
        let spinning = call(&plugin, get(NOWHERE));
        let gone = tokio::time::timeout(Duration::from_millis(30), spinning).await;
        assert!(
            gone.is_err(),
            "it is not stopped by its own deadline: {gone:?}"
        );
    }
}

#[tokio::test]
async fn more_calls_than_instances_are_refused_at_once() {
    let origin = Origin::start().await;
    let plugin = limited("never-returns", one_instance()).await;
    let waiting = call(&plugin, get(&origin.url("/silent")));
    let second = async {
        while origin.seen().is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        call(&plugin, get(&origin.url("/"))).await
    };
    tokio::select! {
        _ = waiting => panic!("nobody answers"),
        refused = second => {
            let error = refused.unwrap_err();
            assert!(matches!(error, CallError::Exhausted { .. }), "{error:?}");
            let text = error.to_string();
            assert!(text.contains("`limits.never-returns.instances` is 1"), "{text}");
        }
    }
}

#[tokio::test]
async fn idle_instances_make_room_for_others() {
    let settings = EngineSettings {
        max_instances: Some(1),
        ..EngineSettings::default()
    };
    let engine = Engine::new(&settings).unwrap();
    let component = engine.load("remembers", &bytes("remembers")).unwrap();
    let first = Plugin::bind(&component, binding()).await.unwrap();
    let second = Plugin::bind(&component, binding()).await.unwrap();

    for _ in 0..3 {
        assert_eq!(calls_before(&first).await, "0");
        assert_eq!(calls_before(&second).await, "0");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_calls_at_once_each_get_their_own_instance() {
    let plugin = plugin("bad-status").await;
    let calls: Vec<_> = (0..200)
        .map(|number| {
            let plugin = plugin.clone();
            tokio::spawn(async move {
                let status = (200 + number).to_string();
                let answer = call(&plugin, get_with(NOWHERE, "x-status", &status)).await;
                assert_eq!(answer.unwrap().status().as_str(), status);
            })
        })
        .collect();
    for call in calls {
        call.await.unwrap();
    }
}
