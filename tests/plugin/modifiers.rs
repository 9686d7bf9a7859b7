//! Modifiers: real components, without a gateway around them.

use std::time::{Duration, Instant};

use bytes::Bytes;
use cuttle_egress::Body;
use cuttle_plugin::{
    BindError, Binding, CallError, Content, Hooks, Level, Limits, Modifier, PassingRequest,
    PassingResponse, Place, PluginFailure, Verdict, World,
};
use http::{Method, Response};
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};

use crate::support::{Journal, NOWHERE, Origin, binding, component, get, post, read};

const TOLD: &str = "modifies-as-told";
const AT_ENDPOINT: Place = Place {
    level: Level::Endpoint,
    content: Content::Data,
};
const AT_BACKEND: Place = Place {
    level: Level::Backend,
    content: Content::Message,
};

async fn bound(place: Place, settings: Value, binding: Binding) -> Result<Modifier, BindError> {
    let binding = Binding {
        settings: settings.to_string(),
        ..binding
    };
    Modifier::bind(&component(TOLD), binding, place).await
}

async fn told(place: Place, settings: Value) -> Modifier {
    bound(place, settings, binding()).await.unwrap()
}

async fn limited(settings: Value, limits: Limits) -> Modifier {
    let binding = Binding {
        limits,
        ..binding()
    };
    bound(AT_BACKEND, settings, binding).await.unwrap()
}

fn soon() -> tokio::time::Instant {
    tokio::time::Instant::now() + Duration::from_secs(60)
}

fn passing(uri: &str) -> PassingRequest {
    PassingRequest {
        request: get(uri),
        params: vec![("id".into(), "7".to_owned())],
    }
}

async fn ask(modifier: &Modifier, uri: &str) -> Result<Verdict<PassingRequest>, CallError> {
    modifier.modify_request(passing(uri), soon()).await
}

async fn proceeds(modifier: &Modifier, uri: &str) -> PassingRequest {
    match ask(modifier, uri).await.unwrap() {
        Verdict::Proceed(passing) => passing,
        _ => panic!("it does not go on"),
    }
}

fn responding(body: impl Into<Bytes>) -> PassingResponse {
    let body: Body = Full::new(body.into())
        .map_err(|never| match never {})
        .boxed_unsync();
    PassingResponse {
        response: Response::new(body),
        complete: true,
        replaced: false,
    }
}

async fn answered(modifier: &Modifier, body: &'static str) -> PassingResponse {
    let verdict = modifier.modify_response(responding(body), None, soon());
    match verdict.await.unwrap() {
        Verdict::Proceed(passing) => passing,
        _ => panic!("it does not go on"),
    }
}

fn error<T>(outcome: Result<Verdict<T>, CallError>) -> CallError {
    outcome.err().expect("it fails")
}

#[tokio::test]
async fn a_component_is_told_by_its_export() {
    for (name, worlds) in [
        (TOLD, [World::ReqRespModifier]),
        ("modifies-headers", [World::ReqRespModifier]),
        ("modifies-bare", [World::ReqRespModifier]),
        ("adds-header", [World::HttpClient]),
    ] {
        let found: Vec<_> = component(name).worlds().collect();
        assert_eq!(found, worlds, "{name}");
    }
    let refused = Modifier::bind(&component("adds-header"), binding(), AT_ENDPOINT).await;
    let refused = refused.err().unwrap().to_string();
    assert!(refused.contains("`req-resp-modifier`"), "{refused}");
    let refused = cuttle_plugin::Plugin::bind(&component(TOLD), binding()).await;
    assert!(matches!(refused.err(), Some(BindError::World { .. })));
}

#[tokio::test]
async fn a_plugin_asks_for_the_calls_it_wants() {
    let step = json!([{ "set_header": ["a", "b"] }]);
    let hooks = |settings| async { told(AT_ENDPOINT, settings).await.hooks() };
    assert_eq!(hooks(json!({})).await, Hooks::default());
    let request = Hooks {
        request: true,
        ..Hooks::default()
    };
    assert_eq!(hooks(json!({ "request": step })).await, request);
    let all = Hooks {
        request: true,
        response: true,
        partial: true,
        original_request: true,
    };
    let settings = json!({ "request": step, "response": step, "partial": true, "original": true });
    assert_eq!(hooks(settings).await, all);
}

#[tokio::test]
async fn a_plugin_may_refuse_its_place_and_its_settings() {
    let cases = [
        (
            json!({ "only": "endpoint" }),
            "only: does not fit this place",
        ),
        (json!({ "only": "data" }), "only: does not fit this place"),
        (
            json!({ "onyl": "data" }),
            "onyl: is not a key of this plugin",
        ),
        (
            json!({ "modifies-as-told": { "partial": 1 } }),
            "modifies-as-told.partial: must be a boolean",
        ),
    ];
    for (settings, expected) in cases {
        match bound(AT_BACKEND, settings.clone(), binding()).await.err() {
            Some(BindError::Settings { message, .. }) => assert_eq!(message, expected),
            other => panic!("{settings}: {other:?}"),
        }
    }
    let fits = bound(AT_ENDPOINT, json!({ "only": "data" }), binding()).await;
    assert!(fits.is_ok());
}

#[tokio::test]
async fn every_part_of_a_request_can_be_changed() {
    let steps = json!([
        { "show": "x-seen" },
        { "set_method": "PUT" },
        { "set_uri": "http://nowhere.test/other" },
        { "set_query": "a=b" },
        { "remove_header": "x-gone" },
        { "set_header": ["connection", "close"] },
        { "set_param": ["id", "8"] },
        { "set_param": ["new", "9"] },
        { "append_body": " and more" },
    ]);
    let modifier = told(AT_BACKEND, json!({ "request": steps })).await;
    let mut request = post("http://nowhere.test/x", "body");
    request.headers_mut().insert("x-gone", "1".parse().unwrap());
    let passing = PassingRequest {
        request,
        params: vec![("id".into(), "7".to_owned())],
    };
    let verdict = modifier.modify_request(passing, soon()).await.unwrap();
    let Verdict::Proceed(passing) = verdict else {
        panic!("it does not go on");
    };
    let (head, body) = passing.request.into_parts();
    assert_eq!(head.method, Method::PUT);
    assert_eq!(head.uri, "http://nowhere.test/other?a=b");
    assert_eq!(
        head.headers["x-seen"],
        "POST|http://nowhere.test/x|id=7|modifies-as-told backend message"
    );
    assert!(!head.headers.contains_key("x-gone"));
    let body = body.collect().await.unwrap().to_bytes();
    assert_eq!(body, "body and more");
    let params: Vec<_> = passing
        .params
        .iter()
        .map(|(n, v)| format!("{n}={v}"))
        .collect();
    assert_eq!(params, ["id=8", "new=9"]);
}

#[tokio::test]
async fn a_request_goes_no_further_than_the_plugin_may() {
    let elsewhere = json!({ "request": [{ "set_uri": "http://169.254.169.254/" }] });
    let refused = told(AT_BACKEND, elsewhere.clone()).await;
    let refused = error(ask(&refused, NOWHERE).await).to_string();
    assert!(
        refused.contains("`169.254.169.254` is not a host of this backend")
            && refused.contains("grants.modifies-as-told.outbound"),
        "{refused}"
    );

    let granted = Binding {
        hosts: vec!["169.254.169.254".parse().unwrap()],
        ..binding()
    };
    let modifier = bound(AT_BACKEND, elsewhere.clone(), granted).await.unwrap();
    let passing = proceeds(&modifier, NOWHERE).await;
    assert_eq!(passing.request.uri(), "http://169.254.169.254/");

    // At an endpoint nothing is sent to that host.
    let modifier = told(AT_ENDPOINT, elsewhere).await;
    proceeds(&modifier, NOWHERE).await;
}

#[tokio::test]
async fn a_client_cannot_grant_a_host_by_naming_it() {
    let origin = Origin::start().await;
    let settings = json!({ "request": [{ "send": origin.url("/own") }] });
    for (place, sent) in [(AT_ENDPOINT, "denied"), (AT_BACKEND, "200")] {
        let modifier = told(place, settings.clone()).await;
        let passing = proceeds(&modifier, &origin.url("/")).await;
        assert_eq!(passing.request.headers()["x-sent"], sent);
    }
    let granted = Binding {
        hosts: vec![origin.authority().parse().unwrap()],
        ..binding()
    };
    let modifier = bound(AT_ENDPOINT, settings, granted).await.unwrap();
    let passing = proceeds(&modifier, NOWHERE).await;
    assert_eq!(passing.request.headers()["x-sent"], "200");
    assert_eq!(origin.seen().len(), 2);
}

#[tokio::test]
async fn a_response_is_changed_and_says_whether_its_body_is_another() {
    let with = |steps: Value| async move { told(AT_ENDPOINT, json!({ "response": steps })).await };
    let fields = with(json!([
        { "set_status": 202 },
        { "set_header": ["x-a", "1"] },
        { "set_header": ["transfer-encoding", "chunked"] },
        { "set_complete": false },
    ]))
    .await;
    let passing = answered(&fields, "{}").await;
    assert!(!passing.replaced && !passing.complete);
    assert_eq!(passing.response.status(), 202);
    assert_eq!(passing.response.headers().len(), 1);
    assert_eq!(read(passing.response).await, "{}");

    let data = with(json!([{ "add_data": ["b", [2]] }])).await;
    let passing = answered(&data, r#"{"a":1}"#).await;
    assert!(passing.replaced);
    assert_eq!(read(passing.response).await, r#"{"a":1,"b":[2]}"#);

    let taken = with(json!(["take_body"])).await;
    let passing = answered(&taken, "{}").await;
    assert!(!passing.replaced, "there is no other one");
    assert_eq!(read(passing.response).await, "");
}

#[tokio::test]
async fn the_request_is_there_if_it_was_asked_for() {
    let settings = json!({ "original": true, "response": [{ "show": "x-seen" }] });
    let modifier = told(AT_BACKEND, settings).await;
    let original = Some(passing("http://nowhere.test/y"));
    let verdict = modifier.modify_response(responding(""), original, soon());
    let Verdict::Proceed(passing) = verdict.await.unwrap() else {
        panic!("it does not go on");
    };
    assert_eq!(
        passing.response.headers()["x-seen"],
        "200|true|GET http://nowhere.test/y 7|modifies-as-told backend message"
    );
}

#[tokio::test]
async fn an_answer_and_a_refusal_come_as_they_are_meant() {
    for call in ["request", "response"] {
        let modifier = |step: Value| async move {
            let mut settings = json!({});
            settings[call] = json!([step]);
            told(AT_ENDPOINT, settings).await
        };
        let verdict = async |modifier: &Modifier| match call {
            "request" => {
                let verdict = modifier.modify_request(passing(NOWHERE), soon()).await;
                verdict.map(|verdict| match verdict {
                    Verdict::Proceed(_) => Verdict::Proceed(()),
                    Verdict::Answer(response) => Verdict::Answer(response),
                    Verdict::Refuse(refusal) => Verdict::Refuse(refusal),
                })
            }
            _ => {
                let verdict = modifier
                    .modify_response(responding("{}"), None, soon())
                    .await;
                verdict.map(|verdict| match verdict {
                    Verdict::Proceed(_) => Verdict::Proceed(()),
                    Verdict::Answer(response) => Verdict::Answer(response),
                    Verdict::Refuse(refusal) => Verdict::Refuse(refusal),
                })
            }
        };
        let answers = modifier(json!({ "answer": [418, "short"] })).await;
        let Ok(Verdict::Answer(response)) = verdict(&answers).await else {
            panic!("it is an answer");
        };
        assert_eq!(response.status(), 418);
        assert_eq!(response.headers()["x-answered"], "by a plugin");
        assert_eq!(read(response).await, "short");

        let refuses = modifier(json!({ "refuse": [429, "slow\ndown"] })).await;
        let Ok(Verdict::Refuse(refusal)) = verdict(&refuses).await else {
            panic!("it is a refusal");
        };
        assert_eq!(refusal.status, 429);
        assert_eq!(refusal.headers["x-refused"], "yes");
        assert_eq!(
            refusal.content_type.as_ref().unwrap(),
            "application/problem+json"
        );
        assert_eq!(
            (refusal.message.as_str(), refusal.line().as_str()),
            ("slow\ndown", r"slow\ndown")
        );

        let forbids = modifier(json!({ "forbid": "not you" })).await;
        let Ok(Verdict::Refuse(refusal)) = verdict(&forbids).await else {
            panic!("it is a refusal");
        };
        assert_eq!(
            (refusal.status.as_u16(), refusal.message.as_str()),
            (403, "not you")
        );

        let fails = modifier(json!({ "fail": "why" })).await;
        let error = error(verdict(&fails).await);
        let expected = PluginFailure::Other("why".into());
        assert!(matches!(error, CallError::Failed { error, .. } if error == expected));

        for status in [99, 199, 600] {
            let odd = modifier(json!({ "refuse": [status, ""] })).await;
            let refused = verdict(&odd).await;
            assert!(refused.is_err(), "{call}: {status}");
        }
    }
}

#[tokio::test]
async fn a_trap_costs_its_call_and_the_next_one_meets_a_new_instance() {
    let journal = Journal::start();
    for call in ["request", "response"] {
        let mut settings = json!({});
        settings[call] = json!([{ "trap": "on purpose" }]);
        let modifier = told(AT_BACKEND, settings).await;
        for _ in 0..2 {
            let error = match call {
                "request" => error(ask(&modifier, NOWHERE).await),
                _ => error(modifier.modify_response(responding(""), None, soon()).await),
            };
            assert!(matches!(error, CallError::Trap { .. }), "{error:?}");
            assert_eq!(modifier.instances().live, 0);
        }
    }
    let lines = journal.lines();
    assert!(
        lines.iter().any(|line| line.contains("on purpose")),
        "{lines:?}"
    );
}

#[tokio::test]
async fn a_modifier_that_spins_is_stopped_at_its_deadline() {
    const LIMIT: Duration = Duration::from_millis(200);
    let settings = json!({ "request": ["spin"], "response": ["spin"] });
    let limits = Limits {
        timeout: Some(LIMIT),
        ..Limits::default()
    };
    let modifier = limited(settings, limits).await;
    for call in 0..2 {
        let begun = Instant::now();
        let error = match call {
            0 => error(ask(&modifier, NOWHERE).await),
            _ => error(modifier.modify_response(responding(""), None, soon()).await),
        };
        assert!(
            matches!(error, CallError::Deadline { limit: LIMIT, .. }),
            "{error:?}"
        );
        assert!(begun.elapsed() < LIMIT * 3, "{:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn bodies_a_modifier_makes_or_reads_are_limited() {
    let limits = Limits {
        memory: 4 << 20,
        ..Limits::default()
    };
    let modifier = limited(json!({ "response": [{ "fill": 6 << 20 }] }), limits).await;
    let error = error(modifier.modify_response(responding(""), None, soon()).await);
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

    let limits = Limits {
        body_read: 10,
        ..Limits::default()
    };
    let modifier = limited(json!({ "response": ["take_body"] }), limits).await;
    let long = modifier.modify_response(responding("more than ten"), None, soon());
    let error = error_of(long.await);
    assert!(
        matches!(
            &error,
            CallError::Failed {
                error: PluginFailure::Body(_),
                ..
            }
        ),
        "{error:?}"
    );
    answered(&modifier, "ten").await;
}

fn error_of(outcome: Result<Verdict<PassingResponse>, CallError>) -> CallError {
    error(outcome)
}

#[tokio::test]
async fn an_instance_is_used_again_after_a_clean_return() {
    let settings = json!({ "request": [{ "set_header": ["a", "b"] }] });
    let modifier = told(AT_BACKEND, settings).await;
    for _ in 0..3 {
        proceeds(&modifier, NOWHERE).await;
    }
    let instances = modifier.instances();
    assert_eq!((instances.live, instances.idle), (1, 1));
}

#[tokio::test]
async fn the_smallest_one_works_and_so_does_one_without_the_kit() {
    let small = component("modifies-headers");
    let modifier = Modifier::bind(&small, binding(), AT_ENDPOINT)
        .await
        .unwrap();
    let passing = proceeds(&modifier, NOWHERE).await;
    assert_eq!(passing.request.headers()["x-added"], "by a modifier");

    let bare = component("modifies-bare");
    let modifier = Modifier::bind(&bare, binding(), AT_BACKEND).await.unwrap();
    let original = proceeds(&modifier, "http://nowhere.test/z").await;
    let verdict = modifier.modify_response(responding(""), Some(original), soon());
    let Verdict::Proceed(passing) = verdict.await.unwrap() else {
        panic!("it does not go on");
    };
    assert_eq!(
        passing.response.headers()["x-answers"],
        "http://nowhere.test/z"
    );
}
