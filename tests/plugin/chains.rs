//! Lists of plugins: who sees a message when, whose failure is whose, and that
//! nobody goes around those behind him.

use std::time::Duration;

use bytes::Bytes;
use cuttle_plugin::{Binding, CallError, Cost, Limits, Plugin, PluginFailure};
use http::{Request, Response};
use http_body_util::{BodyExt, StreamBody};

use crate::support::{
    Journal, NOWHERE, Origin, binding, call, call_within, component, get, post, read,
};

/// `hands-on` with each of these marks, the first in front.
async fn chain(marks: &[&str]) -> Plugin {
    of(marks
        .iter()
        .map(|mark| bound(mark, Limits::default()))
        .collect())
    .await
}

fn bound(mark: &str, limits: Limits) -> Binding {
    Binding {
        settings: format!(r#"{{"mark": "{mark}"}}"#),
        limits,
        ..binding()
    }
}

async fn of(bindings: Vec<Binding>) -> Plugin {
    of_before(bindings, Vec::new()).await.remove(0)
}

/// All of a list, in front of `rest`.
async fn of_before(bindings: Vec<Binding>, mut rest: Vec<Plugin>) -> Vec<Plugin> {
    let component = component("hands-on");
    for binding in bindings.into_iter().rev() {
        let plugin = match rest.first() {
            Some(next) => Plugin::bind_before(&component, binding, next, Vec::new()).await,
            None => Plugin::bind(&component, binding).await,
        };
        rest.insert(0, plugin.unwrap());
    }
    rest
}

fn with(
    mut request: Request<cuttle_egress::Body>,
    fields: &[(&str, &str)],
) -> Request<cuttle_egress::Body> {
    for (name, value) in fields {
        let name: http::HeaderName = name.parse().unwrap();
        request.headers_mut().append(name, value.parse().unwrap());
    }
    request
}

fn lines(headers: &http::HeaderMap, name: &str) -> Vec<String> {
    let values = headers.get_all(name).iter();
    values
        .map(|value| value.to_str().unwrap().to_owned())
        .collect()
}

async fn text(answer: Result<Response<cuttle_egress::Body>, CallError>) -> String {
    String::from_utf8(read(answer.unwrap()).await.to_vec()).unwrap()
}

pub(crate) fn errors(cost: &Cost, kind: &str) -> u64 {
    cost.errors
        .iter()
        .find(|(name, _)| *name == kind)
        .unwrap()
        .1
}

pub(crate) fn dropped(cost: &Cost, reason: &str) -> u64 {
    let mut found = cost.instances_dropped.iter();
    found.find(|(name, _)| *name == reason).unwrap().1
}

#[tokio::test]
async fn the_first_of_a_list_sees_a_request_first_and_its_answer_last() {
    let origin = Origin::start().await;
    let answer = call(&chain(&["a", "b", "c"]).await, get(&origin.url("/x?y"))).await;
    let answer = answer.unwrap();
    assert_eq!(lines(answer.headers(), "x-back"), ["c3", "b2", "a1"]);
    assert_eq!(read(answer).await, "ok");
    let seen = origin.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].target, "/x?y");
    assert_eq!(lines(&seen[0].headers, "x-path"), ["a1", "b2", "c3"]);
}

#[tokio::test]
async fn behind_a_single_plugin_is_the_backend() {
    let origin = Origin::start().await;
    let answer = call(&chain(&["a"]).await, get(&origin.url("/")))
        .await
        .unwrap();
    assert_eq!(lines(answer.headers(), "x-back"), ["a1"]);
}

#[tokio::test]
async fn the_bundled_plugin_may_be_the_last() {
    let proxy = Origin::start().await;
    let settings = format!(r#"{{"mark": "a", "proxy_address": "{}"}}"#, proxy.url(""));
    let bundled = Binding {
        settings: settings.clone(),
        ..binding()
    };
    let last = Plugin::bind(&component("http-proxy"), bundled)
        .await
        .unwrap();
    let first = Binding {
        settings,
        ..binding()
    };
    let first = of_before(vec![first], vec![last]).await.remove(0);
    let answer = call(&first, get("http://origin.test/x")).await.unwrap();
    assert_eq!(lines(answer.headers(), "x-back"), ["a1"]);
    assert_eq!(proxy.seen()[0].target, "http://origin.test/x");
}

#[tokio::test]
async fn one_may_answer_in_place_of_those_behind_it() {
    let chain = chain(&["a", "b"]).await;
    let answer = call(&chain, with(get(NOWHERE), &[("x-task-2", "answer")])).await;
    assert_eq!(text(answer).await, "b2");
}

#[tokio::test]
async fn one_may_ask_those_behind_it_twice() {
    let origin = Origin::start().await;
    let request = with(get(&origin.url("/")), &[("x-task-1", "again")]);
    let answer = call(&chain(&["a", "b"]).await, request).await.unwrap();
    assert_eq!(lines(answer.headers(), "x-back"), ["b2", "a1"]);
    assert_eq!(origin.seen().len(), 2);
}

/// The text is the one's behind it, the failure too: its log line and status do
/// not depend on how many are in front.
#[tokio::test]
async fn a_failure_that_is_passed_on_stays_the_failure_of_its_plugin() {
    let chain = chain(&["a", "b"]).await;
    let request = with(get(NOWHERE), &[("x-task-2", "fail")]);
    match call(&chain, request).await.unwrap_err() {
        CallError::Failed {
            error: PluginFailure::Connect(text),
            ..
        } => {
            assert_eq!(text, "on purpose");
        }
        other => panic!("{other:?}"),
    }
    let request = with(get(NOWHERE), &[("x-task-2", "trap")]);
    let trap = call(&chain, request).await.unwrap_err();
    assert!(matches!(trap, CallError::Trap { .. }), "{trap:?}");
}

#[tokio::test]
async fn a_failure_can_be_answered_and_is_in_the_log_all_the_same() {
    let chain = chain(&["a", "b"]).await;
    let rescue = |task| with(get(NOWHERE), &[("x-task-1", "rescue"), ("x-task-2", task)]);
    let told = call(&chain, rescue("fail")).await;
    assert_eq!(text(told).await, "rescued: Connect(\"on purpose\")");
    let journal = Journal::start();
    let told = call(&chain, rescue("trap")).await;
    assert_eq!(
        text(told).await,
        "rescued: Other(\"plugin `hands-on` trapped\")"
    );
    let said = journal.all();
    assert!(said.contains("WARN cuttle: a plugin failed"), "{said}");
}

#[tokio::test]
async fn a_trap_in_the_middle_costs_its_own_request() {
    let origin = Origin::start().await;
    let all = ["a", "b", "c"].map(|mark| bound(mark, Limits::default()));
    let all = of_before(all.into(), Vec::new()).await;
    for _ in 0..3 {
        let request = with(get(&origin.url("/")), &[("x-task-2", "trap")]);
        call(&all[0], request).await.unwrap_err();
        let answer = call(&all[0], get(&origin.url("/"))).await.unwrap();
        assert_eq!(lines(answer.headers(), "x-back"), ["c3", "b2", "a1"]);
    }
    let [a, b, c] = [0, 1, 2].map(|at: usize| all[at].meter().cost());
    assert_eq!((a.calls, b.calls, c.calls), (6, 6, 3));
    assert_eq!((errors(&a, "trap"), errors(&b, "trap")), (3, 3));
    // Only the one that trapped is gone; the one in front had returned.
    assert_eq!((dropped(&a, "trap"), dropped(&b, "trap")), (0, 3));
    assert_eq!((a.instances_created, c.instances_created), (1, 1));
    assert_eq!(b.instances_created, 4);
    assert_eq!(all[1].instances().live, 1);
}

#[tokio::test]
async fn the_deadline_of_all_ends_whoever_is_at_work() {
    let all = ["a", "b"].map(|mark| bound(mark, Limits::default()));
    let all = of_before(all.into(), Vec::new()).await;
    let request = with(
        get(NOWHERE),
        &[("x-task-1", "rescue"), ("x-task-2", "sleep")],
    );
    let error = call_within(&all[0], request, Duration::from_millis(100)).await;
    assert!(
        matches!(error, Err(CallError::Deadline { .. })),
        "{error:?}"
    );
    for plugin in &all {
        assert_eq!(plugin.instances().live, 0, "{plugin:?}");
        assert_eq!(dropped(&plugin.meter().cost(), "deadline"), 1);
        assert_eq!(errors(&plugin.meter().cost(), "deadline"), 1);
    }
}

#[tokio::test]
async fn a_limit_of_its_own_ends_the_one_in_the_middle() {
    let short = Limits {
        timeout: Some(Duration::from_millis(100)),
        ..Limits::default()
    };
    let all = vec![bound("a", Limits::default()), bound("b", short)];
    let all = of_before(all, Vec::new()).await;
    let request = with(
        get(NOWHERE),
        &[("x-task-1", "rescue"), ("x-task-2", "sleep")],
    );
    let answer = call(&all[0], request).await;
    assert_eq!(text(answer).await, "rescued: Timeout");
    assert_eq!(all[0].instances().live, 1, "it has returned");
    assert_eq!(all[1].instances().live, 0, "it was stopped");
}

#[tokio::test]
async fn the_limit_of_the_first_counts_for_all_that_follows() {
    let short = Limits {
        timeout: Some(Duration::from_millis(100)),
        ..Limits::default()
    };
    let all = of_before(
        vec![bound("a", short), bound("b", Limits::default())],
        vec![],
    )
    .await;
    let request = with(get(NOWHERE), &[("x-task-2", "sleep")]);
    let error = call(&all[0], request).await;
    assert!(
        matches!(error, Err(CallError::Deadline { .. })),
        "{error:?}"
    );
    assert_eq!(all[1].instances().live, 0);
}

/// No instance free: the status of that stays 503, however many are in front.
#[tokio::test]
async fn a_plugin_without_a_free_instance_says_so_through_those_in_front() {
    let origin = Origin::start().await;
    let one = Limits {
        instances: 1,
        ..Limits::default()
    };
    let all = of_before(vec![bound("a", Limits::default()), bound("b", one)], vec![]).await;
    let waiting = call(&all[0], get(&origin.url("/silent")));
    let second = async {
        while origin.seen().is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        call(&all[0], get(&origin.url("/"))).await
    };
    tokio::select! {
        _ = waiting => panic!("nobody answers"),
        refused = second => {
            let error = refused.unwrap_err();
            assert!(matches!(error, CallError::Exhausted { .. }), "{error:?}");
        }
    }
}

/// Neither end waits for the whole: the plugins never see the body.
#[tokio::test]
async fn bodies_stream_through_all_of_a_list() {
    let origin = Origin::start().await;
    let chain = chain(&["a", "b", "c"]).await;
    let pieces = (0..64).map(|_| Ok(hyper::body::Frame::data(Bytes::from(vec![b'x'; 64 << 10]))));
    let body = StreamBody::new(futures_util::stream::iter(pieces)).boxed_unsync();
    let mut request = post(&origin.url("/echo"), "");
    *request.body_mut() = body;
    let answer = call(&chain, request).await.unwrap();
    assert_eq!(read(answer).await.len(), 4 << 20);

    let large = call(&chain, get(&origin.url("/large"))).await.unwrap();
    let mut body = large.into_body();
    let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert!(first.len() < 8 << 20, "all of it at once");
    let memory = chain.meter().cost().peak_memory;
    assert!(
        memory < 4 << 20,
        "{memory} bytes: the body was not in there"
    );
}

#[tokio::test]
async fn connections_and_instances_are_used_again() {
    let origin = Origin::start().await;
    let all = ["a", "b"].map(|mark| bound(mark, Limits::default()));
    let client = all[1].client.clone();
    let all = of_before(all.into(), Vec::new()).await;
    for _ in 0..5 {
        let answer = call(&all[0], get(&origin.url("/"))).await;
        assert_eq!(text(answer).await, "ok");
    }
    assert_eq!(client.counters().connections, 1);
    for plugin in &all {
        assert_eq!(plugin.meter().cost().instances_created, 1);
    }
}

#[tokio::test]
async fn the_same_plugin_may_stand_in_a_list_often() {
    let origin = Origin::start().await;
    let marks: Vec<_> = (0..12).map(|_| "a").collect();
    let answer = call(&chain(&marks).await, get(&origin.url("/")))
        .await
        .unwrap();
    assert_eq!(lines(answer.headers(), "x-back").len(), 12);
}

fn denial(error: CallError) -> String {
    match error {
        CallError::Failed {
            error: PluginFailure::Denied(text),
            ..
        } => text,
        other => panic!("{other:?}"),
    }
}

/// A plugin in front of `http-proxy` that sent to the backend itself would send
/// around the proxy.
#[tokio::test]
async fn those_in_front_cannot_go_around_those_behind() {
    let origin = Origin::start().await;
    let around = |position: &str| {
        let task = format!("x-task-{position}");
        with(get(&origin.url("/")), &[(task.as_str(), "around")])
    };
    let plain = chain(&["a", "b"]).await;
    let text = denial(call(&plain, around("1")).await.unwrap_err());
    assert!(text.contains("`next`"), "{text}");
    assert!(text.contains("grants.hands-on.outbound"), "{text}");
    assert!(origin.seen().is_empty());
    call(&plain, around("2")).await.unwrap();

    let granted = Binding {
        hosts: vec![origin.authority().parse().unwrap()],
        ..bound("a", Limits::default())
    };
    let granted = of(vec![granted, bound("b", Limits::default())]).await;
    call(&granted, around("1")).await.unwrap();
}

/// The one behind may answer its request's own host: that must not be one which
/// the one in front has made up.
#[tokio::test]
async fn those_in_front_cannot_borrow_the_rights_of_those_behind() {
    let (own, other) = (Origin::start().await, Origin::start().await);
    let target = other.url("/");
    let elsewhere = || {
        let fields = [("x-task-1", "elsewhere"), ("x-target", target.as_str())];
        with(get(&own.url("/")), &fields)
    };
    denial(
        call(&chain(&["a", "b"]).await, elsewhere())
            .await
            .unwrap_err(),
    );
    assert!(other.seen().is_empty());

    // Hosts of the backend are among those it may hand requests on for.
    let last = Plugin::bind(&component("hands-on"), bound("b", Limits::default())).await;
    let hosts = vec![other.authority().parse().unwrap()];
    let first = bound("a", Limits::default());
    let first = Plugin::bind_before(&component("hands-on"), first, &last.unwrap(), hosts).await;
    call(&first.unwrap(), elsewhere()).await.unwrap();
    assert_eq!(other.seen().len(), 1);
}

/// A client that goes away takes all of a list with it.
#[tokio::test]
async fn a_call_that_is_dropped_gives_all_places_back() {
    let origin = Origin::start().await;
    let all = ["a", "b"].map(|mark| bound(mark, Limits::default()));
    let all = of_before(all.into(), Vec::new()).await;
    let arrived = async {
        while origin.seen().is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::select! {
        _ = call(&all[0], get(&origin.url("/silent"))) => panic!("nobody answers"),
        () = arrived => {}
    }
    for plugin in &all {
        assert_eq!(plugin.instances().live, 0);
        assert_eq!(errors(&plugin.meter().cost(), "cancelled"), 1);
        assert_eq!(dropped(&plugin.meter().cost(), "cancelled"), 1);
    }
}

#[tokio::test]
async fn work_and_waiting_are_told_apart() {
    let all = ["a", "b"].map(|mark| bound(mark, Limits::default()));
    let all = of_before(all.into(), Vec::new()).await;
    let request = with(get(NOWHERE), &[("x-task-2", "sleep")]);
    let waited = Duration::from_millis(300);
    call_within(&all[0], request, waited).await.unwrap_err();
    let cost = all[0].meter().cost();
    assert!(cost.duration >= waited, "{cost:?}");
    assert!(cost.busy < waited / 2, "{cost:?}");
    assert!(cost.host_calls > 3, "{cost:?}");
    assert!(cost.peak_memory > 64 << 10, "{cost:?}");
}
