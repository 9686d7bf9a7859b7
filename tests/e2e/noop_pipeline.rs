//! What of a request reaches the backend, and what of its answer the client.

use cuttle_tests::{Exchange, Gateway, Origin, Outgoing, Reply, TestResult};
use serde_json::{Value, json};

use crate::support::{WAYS, endpoint, service, three_ways, three_ways_by, with, with_backend};

#[tokio::test]
async fn every_method_reaches_the_backend_with_its_body() -> TestResult {
    let origin = Origin::replying("ok").await;
    let methods = ["GET", "POST", "PUT", "PATCH", "DELETE"];
    let config = service(
        methods
            .iter()
            .map(|method| with(endpoint("/x", &origin.url()), "method", json!(method)))
            .collect(),
    );
    let gateway = Gateway::start(config).await?;
    for method in methods {
        let answer = gateway
            .ask(Outgoing::new(method, "/x").text("the body"))
            .await?;
        assert_eq!(answer.status, 200, "{method}");
        let seen = origin.last();
        assert_eq!(seen.head.start, format!("{method} /x HTTP/1.1"));
        assert_eq!(seen.body.text(), "the body", "{method}");
    }
    Ok(())
}

#[tokio::test]
async fn a_backend_may_have_a_method_of_its_own() -> TestResult {
    let origin = Origin::replying("ok").await;
    let config = service(vec![with_backend(
        endpoint("/x", &origin.url()),
        "method",
        json!("post"),
    )]);
    let gateway = Gateway::start(config).await?;
    assert_eq!(gateway.get("/x").await?.status, 200);
    let seen = origin.last();
    assert_eq!(seen.head.start, "POST /x HTTP/1.1");
    assert_eq!(seen.head.field("content-length"), Some("0"));
    Ok(())
}

#[tokio::test]
async fn parameters_of_the_path_find_their_places_and_stay_in_them() -> TestResult {
    let origin = Origin::replying("ok").await;
    let mut users = endpoint("/users/{id}/posts/{post}", &origin.url());
    users["backend"][0]["url_pattern"] = json!("/v1/{post}?user={id}");
    let gateway = Gateway::start(service(vec![users])).await?;
    for (path, target) in [
        ("/users/7/posts/last", "/v1/last?user=7"),
        ("/users/7/posts/a%20b", "/v1/a%20b?user=7"),
        ("/users/7/posts/@10.0.0.1:80", "/v1/@10.0.0.1:80?user=7"),
        ("/users/7/posts/%C3%A9", "/v1/%C3%A9?user=7"),
    ] {
        assert_eq!(gateway.get(path).await?.status, 200, "{path}");
        assert_eq!(origin.last().head.target(), target, "{path}");
    }
    let hits = origin.hits();
    for path in [
        "/users/7/posts/..",
        "/users/7/posts/%2e%2e",
        "/users/7/posts/a%0d%0ab",
        "/users/7/posts/%00",
    ] {
        let answer = gateway.get(path).await?;
        assert!(
            (300..500).contains(&answer.status),
            "{path}: {}",
            answer.status
        );
    }
    assert_eq!(origin.hits(), hits, "nothing of it reached the backend");
    Ok(())
}

/// Fields of a request that shows everything.
fn showing(path: &str) -> Outgoing {
    Outgoing::new("GET", path)
        .field("Content-Type", "text/x")
        .field("X-One", "1")
        .field("X-Two", "2")
        .field("X-Two", "again")
        .field("Cookie", "c=1")
        .field("X-Forwarded-For", "203.0.113.9")
        .field("X-Forwarded-Host", "forged.example")
}

#[tokio::test]
async fn only_fields_that_are_let_in_reach_the_backend() -> TestResult {
    let origin = Origin::replying("ok").await;
    let list =
        |path: &str, names: Value| with(endpoint(path, &origin.url()), "input_headers", names);
    let config = service(vec![
        endpoint("/default", &origin.url()),
        list("/list", json!(["x-one", "X-TWO"])),
        list("/all", json!(["*"])),
        with_backend(
            list("/filtered", json!(["*"])),
            "input_headers",
            json!(["X-One"]),
        ),
    ]);
    let gateway = Gateway::start(config).await?;
    for (path, one, two, content_type, cookie) in [
        ("/default", 0, 0, 1, 0),
        ("/list", 1, 2, 0, 0),
        ("/all", 1, 2, 1, 1),
        ("/filtered", 1, 0, 0, 0),
    ] {
        assert_eq!(gateway.ask(showing(path)).await?.status, 200);
        let head = origin.last().head;
        let found = ["x-one", "x-two", "content-type", "cookie"].map(|name| head.all(name).len());
        assert_eq!(
            found,
            [one, two, content_type, cookie],
            "{path}: {}",
            head.raw
        );
    }
    Ok(())
}

#[tokio::test]
async fn the_gateway_says_who_asks_and_does_not_believe_the_client() -> TestResult {
    let origin = Origin::replying("ok").await;
    let config = service(vec![with(
        endpoint("/x", &origin.url()),
        "input_headers",
        json!(["*"]),
    )]);
    let gateway = Gateway::start(config).await?;
    let request = showing("/x").field("Host", "public.example");
    assert_eq!(gateway.ask(request).await?.status, 200);
    let head = origin.last().head;
    assert_eq!(head.all("x-forwarded-for"), ["127.0.0.1"]);
    assert_eq!(head.all("x-forwarded-host"), ["public.example"]);
    assert_eq!(head.all("host"), [origin.authority()]);
    assert_eq!(head.all("user-agent").len(), 1);
    Ok(())
}

#[tokio::test]
async fn only_queries_that_are_let_in_reach_the_backend() -> TestResult {
    let origin = Origin::replying("ok").await;
    let list = |path: &str, names: Value| {
        with(endpoint(path, &origin.url()), "input_query_strings", names)
    };
    let config = service(vec![
        endpoint("/none", &origin.url()),
        list("/list", json!(["b", "a"])),
        list("/all", json!(["*"])),
        with_backend(
            list("/filtered", json!(["*"])),
            "input_query_strings",
            json!(["a"]),
        ),
        with_backend(list("/own", json!(["a"])), "url_pattern", json!("/own?z=1")),
    ]);
    let gateway = Gateway::start(config).await?;
    for (path, target) in [
        ("/none", "/none"),
        ("/list", "/list?a=1&a=2&b=x+y"),
        ("/all", "/all?A=0&a=1&a=2&b=x+y"),
        ("/filtered", "/filtered?a=1&a=2"),
        ("/own", "/own?z=1&a=1&a=2"),
    ] {
        let query = format!("{path}?b=x%20y&a=1&A=0&a=2");
        assert_eq!(gateway.get(&query).await?.status, 200, "{path}");
        assert_eq!(origin.last().head.target(), target);
    }
    Ok(())
}

#[tokio::test]
async fn a_status_and_its_fields_and_body_reach_the_client() -> TestResult {
    let origin = Origin::start(|head| {
        let status = head
            .target()
            .rsplit('/')
            .next()
            .and_then(|text| text.parse().ok())
            .unwrap_or(200);
        let body = if matches!(status, 204 | 304) {
            ""
        } else {
            "the body"
        };
        Reply::status(
            status,
            &[
                ("Set-Cookie", "a=1"),
                ("Set-Cookie", "b=2"),
                ("X-Kept", "yes"),
            ],
            body,
        )
    })
    .await;
    let gateway = Gateway::start(service(vec![endpoint("/s/{status}", &origin.url())])).await?;
    for status in [
        200, 201, 202, 204, 206, 300, 304, 400, 401, 404, 410, 418, 429, 500, 502, 503, 599,
    ] {
        let answer = gateway.get(&format!("/s/{status}")).await?;
        assert_eq!(answer.status, status);
        assert_eq!(answer.head.all("set-cookie"), ["a=1", "b=2"], "{status}");
        assert_eq!(answer.field("x-kept"), Some("yes"), "{status}");
        assert_eq!(
            answer.body.is_empty(),
            matches!(status, 204 | 304),
            "{status}"
        );
        assert!(answer.complete);
        assert_eq!(
            answer.field("x-krakend-completed"),
            Some("false"),
            "{status}"
        );
        assert!(answer.field("x-krakend").is_some(), "{status}");
    }
    Ok(())
}

fn redirecting(status: u16) -> impl Fn(&cuttle_tests::Head) -> Reply + Send + Sync {
    move |head| {
        if head.target().ends_with("/there") {
            Reply::text(head.method())
        } else {
            Reply::status(status, &[("Location", "/there")], "moved")
        }
    }
}

#[tokio::test]
async fn redirects_are_followed_as_go_does_on_every_way() -> TestResult {
    for (method, status, expected) in [
        ("GET", 301, (200, "GET")),
        ("GET", 302, (200, "GET")),
        ("GET", 307, (200, "GET")),
        ("POST", 301, (200, "GET")),
        ("POST", 303, (200, "GET")),
        ("POST", 307, (307, "moved")),
        ("POST", 308, (308, "moved")),
    ] {
        let origin = Origin::start(redirecting(status)).await;
        let gateway = Gateway::start(service(three_ways_by(method, &origin))).await?;
        for way in WAYS {
            let request = Outgoing::new(method, way);
            let request = if method == "POST" {
                request.text("body")
            } else {
                request
            };
            let answer = gateway.ask(request).await?;
            assert_eq!(
                (answer.status, answer.body.as_str()),
                expected,
                "{method} {status} {way}"
            );
        }
    }
    Ok(())
}

#[tokio::test]
async fn redirects_can_be_handed_back_and_bodies_sent_again() -> TestResult {
    let origin = Origin::start(redirecting(307)).await;
    let client = |path: &str, key: &str| {
        let settings = json!({ "backend/http/client": { key: true } });
        let post = with(endpoint(path, &origin.url()), "method", json!("POST"));
        with_backend(post, "extra_config", settings)
    };
    let config = service(vec![
        client("/back", "no_redirect"),
        client("/again", "send_body_on_redirect"),
    ]);
    let gateway = Gateway::start(config).await?;
    assert_eq!(gateway.post("/back", "body").await?.status, 307);
    let answer = gateway.post("/again", "body").await?;
    assert_eq!((answer.status, answer.body.as_str()), (200, "POST"));
    assert_eq!(origin.last().body.text(), "body");
    Ok(())
}

#[tokio::test]
async fn an_endless_redirect_ends() -> TestResult {
    let origin = Origin::start(|_| Reply::status(302, &[("Location", "/direct")], "")).await;
    let gateway = Gateway::start(service(three_ways(&origin))).await?;
    let answer = gateway.get("/direct").await?;
    assert_eq!(answer.status, 500);
    assert!((10..=11).contains(&origin.hits()), "{}", origin.hits());
    Ok(())
}

#[tokio::test]
async fn fields_of_one_connection_end_there_in_both_directions() -> TestResult {
    let origin = Origin::start(|_| {
        let fields = [
            ("Connection", "X-Named, keep-alive"),
            ("X-Named", "1"),
            ("Keep-Alive", "timeout=5"),
            ("Proxy-Authenticate", "Basic"),
            ("Proxy-Authentication-Info", "x"),
            ("Upgrade", "h2c"),
            ("Trailer", "x"),
            ("X-Kept", "yes"),
        ];
        Reply::status(200, &fields, "ok")
    })
    .await;
    let all = |endpoint| with(endpoint, "input_headers", json!(["*"]));
    let config = service(three_ways(&origin).into_iter().map(all).collect());
    let gateway = Gateway::start(config).await?;
    for way in WAYS {
        let request = Outgoing::new("GET", way)
            .field("Connection", "X-Named, keep-alive, Content-Length, Host")
            .field("X-Named", "1")
            .field("Keep-Alive", "timeout=5")
            .field("TE", "trailers")
            .field("Proxy-Connection", "keep-alive")
            .field("Proxy-Authorization", "Basic YTpi")
            .field("Upgrade", "h2c")
            .field("X-Kept", "yes");
        let answer = gateway.ask(request).await?;
        assert_eq!(answer.status, 200, "{way}");
        for head in [&answer.head, &origin.last().head] {
            for name in [
                "x-named",
                "keep-alive",
                "te",
                "trailer",
                "upgrade",
                "proxy-connection",
                "proxy-authorization",
                "proxy-authenticate",
                "proxy-authentication-info",
            ] {
                assert_eq!(head.field(name), None, "{way}: {}", head.raw);
            }
            assert_eq!(head.field("x-kept"), Some("yes"), "{way}");
        }
        assert_eq!(origin.last().head.all("host").len(), 1, "{way}");
        assert_eq!(answer.body, "ok");
    }
    Ok(())
}

#[tokio::test]
async fn connections_to_the_backend_are_used_again() -> TestResult {
    let origin = Origin::replying("ok").await;
    let gateway = Gateway::start(service(three_ways(&origin))).await?;
    for way in WAYS {
        let before = origin.journal().received.len();
        for _ in 0..10 {
            assert_eq!(gateway.get(way).await?.status, 200);
        }
        let opened = origin.journal().received.len() - before;
        assert!(opened <= 2, "{way}: {opened} connections for ten requests");
    }
    Ok(())
}

/// Nothing of one request shows up in another.
#[tokio::test]
async fn two_hundred_requests_at_once_get_each_its_own_answer() -> TestResult {
    let origin = Origin::start(|head| Reply::text(head.target())).await;
    let all = |endpoint| with(endpoint, "input_query_strings", json!(["*"]));
    let gateway =
        Gateway::start(service(three_ways(&origin).into_iter().map(all).collect())).await?;
    for way in WAYS {
        let mut requests = tokio::task::JoinSet::new();
        for number in 0..200 {
            let address = gateway.address();
            requests.spawn(async move {
                let target = format!("{way}?number={number}");
                let answer = Exchange::ask(address, Outgoing::new("GET", &target)).await;
                (target, answer)
            });
        }
        while let Some(joined) = requests.join_next().await {
            let (target, answer) = joined?;
            let answer = answer?;
            assert_eq!(answer.status, 200, "{target}");
            assert!(answer.body.ends_with(&target), "{target}: {}", answer.body);
        }
    }
    Ok(())
}

#[tokio::test]
async fn several_hosts_share_the_load() -> TestResult {
    let (one, two) = (Origin::replying("1").await, Origin::replying("2").await);
    let config = service(vec![with_backend(
        endpoint("/x", ""),
        "host",
        json!([one.url(), two.url()]),
    )]);
    let gateway = Gateway::start(config).await?;
    for _ in 0..64 {
        assert_eq!(gateway.get("/x").await?.status, 200);
    }
    assert_eq!(one.hits() + two.hits(), 64);
    assert!(
        one.hits() > 8 && two.hits() > 8,
        "{} and {}",
        one.hits(),
        two.hits()
    );
    Ok(())
}

#[tokio::test]
async fn paths_that_do_not_exist_are_refused_as_krakend_does() -> TestResult {
    let origin = Origin::replying("ok").await;
    let config = service(vec![
        with(endpoint("/x", &origin.url()), "method", json!("POST")),
        endpoint("/x", &origin.url()),
        endpoint("/deep/path", &origin.url()),
    ]);
    let gateway = Gateway::start(config).await?;

    let missing = gateway.get("/nowhere").await?;
    assert_eq!(
        (missing.status, missing.body.as_str()),
        (404, "404 page not found")
    );
    let method = gateway.ask(Outgoing::new("DELETE", "/x")).await?;
    assert_eq!(
        (method.status, method.body.as_str()),
        (405, "405 method not allowed")
    );
    assert_eq!(method.field("allow"), Some("GET, POST"));
    let slash = gateway.get("/deep/path/").await?;
    assert_eq!(
        (slash.status, slash.field("location")),
        (301, Some("/deep/path"))
    );
    let posted = gateway.post("/x/", "body").await?;
    assert_eq!((posted.status, posted.field("location")), (307, Some("/x")));
    assert_eq!(origin.hits(), 0);
    Ok(())
}

#[tokio::test]
async fn the_gateway_says_that_it_is_well() -> TestResult {
    let gateway = Gateway::start(json!({ "version": 3 })).await?;
    let answer = gateway.get("/__health").await?;
    assert_eq!(answer.status, 200);
    let health: Value = serde_json::from_str(&answer.body)?;
    assert_eq!(health["status"], "ok");
    Ok(())
}

#[tokio::test]
async fn failures_are_500_and_by_choice_502_and_504() -> TestResult {
    let silent = Origin::start(|_| Reply::steps(vec![cuttle_tests::Step::Silence])).await;
    let gone = cuttle_tests::FaultProxy::refused().await;
    let endpoints = || {
        vec![
            with(
                endpoint("/silent", &silent.url()),
                "timeout",
                json!("200ms"),
            ),
            endpoint("/gone", &gone),
        ]
    };
    for (gateway_errors, silence, refusal) in [(false, 500, 500), (true, 504, 502)] {
        let mut config = service(endpoints());
        config["extra_config"] = json!({ "cuttle/http": { "gateway_errors": gateway_errors } });
        let gateway = Gateway::start(config).await?;
        for (path, status) in [("/silent", silence), ("/gone", refusal)] {
            let answer = gateway.get(path).await?;
            assert_eq!(
                (answer.status, answer.body.as_str()),
                (status, ""),
                "{path}"
            );
            assert_eq!(answer.field("x-krakend-completed"), Some("false"), "{path}");
        }
    }
    Ok(())
}
