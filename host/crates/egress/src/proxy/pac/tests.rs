use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::proxy::Way;

/// Answers every question in the same way, and counts.
struct Scripted {
    answer: Result<&'static str, &'static str>,
    asked: AtomicUsize,
    questions: Mutex<Vec<(String, String)>>,
}

impl Scripted {
    fn new(answer: Result<&'static str, &'static str>) -> Arc<Self> {
        Arc::new(Self {
            answer,
            asked: AtomicUsize::new(0),
            questions: Mutex::default(),
        })
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

impl PacEvaluator for Scripted {
    fn find_proxy<'a>(&'a self, url: &'a str, host: &'a str) -> PacAnswer<'a> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let question = (url.to_owned(), host.to_owned());
        self.questions.lock().unwrap().push(question);
        Box::pin(async { self.answer.map(str::to_owned).map_err(BoxError::from) })
    }
}

fn target(uri: &str) -> Target {
    Target::parse(&uri.parse().unwrap()).unwrap()
}

async fn labels(proxies: &PacProxies, uri: &str) -> Result<Vec<String>, Error> {
    let candidates = proxies.candidates(&target(uri)).await?;
    let label = |proxy: Arc<Proxy>| proxy.label().to_owned();
    Ok(candidates
        .into_iter()
        .map(|candidate| candidate.map_or("direct".to_owned(), label))
        .collect())
}

fn text(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = StdError::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[tokio::test]
async fn candidates_come_in_the_order_of_the_script() {
    let script = Scripted::new(Ok("PROXY b:2; HTTPS a:1; DIRECT"));
    let proxies = PacProxies::new(script, ProxyOptions::default());
    assert_eq!(
        labels(&proxies, "http://t/").await.unwrap(),
        ["http://b:2", "https://a:1", "direct"]
    );
}

#[tokio::test]
async fn whatever_is_wrong_with_an_answer_is_an_error_and_never_direct() {
    for (answer, expected) in [
        (Ok(""), "answered nothing"),
        (Ok("DIRECT; nonsense"), "no way to a proxy"),
        (Ok("PROXY a:99999"), "port"),
        (Ok("PROXY ::1:3128; DIRECT"), "named the proxy"),
        (Err("no time left"), "its script failed: no time left"),
    ] {
        let proxies = PacProxies::new(Scripted::new(answer), ProxyOptions::default());
        let error = labels(&proxies, "http://t:8080/secret?q")
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Denied);
        let text = text(&error);
        assert!(text.contains(expected), "{answer:?}: {text}");
        assert!(text.contains("http://t:8080"), "{text}");
        assert!(!text.contains("secret"), "{text}");
    }
}

#[tokio::test]
async fn the_script_sees_neither_path_nor_query_nor_credentials() {
    for (uri, url, host) in [
        ("http://u:p@a/x?y", "http://a/", "a"),
        ("https://a:443/x?y", "https://a/", "a"),
        ("https://a:8443/x", "https://a:8443/", "a"),
        ("http://[::1]:80/x", "http://[::1]/", "::1"),
    ] {
        let script = Scripted::new(Ok("DIRECT"));
        let proxies = PacProxies::new(Arc::<Scripted>::clone(&script), ProxyOptions::default());
        labels(&proxies, uri).await.unwrap();
        let questions = script.questions.lock().unwrap();
        assert_eq!(*questions, [(url.to_owned(), host.to_owned())], "{uri}");
    }
}

#[tokio::test]
async fn the_script_is_asked_once_for_scheme_host_and_port() {
    let script = Scripted::new(Ok("PROXY a:1"));
    let proxies = PacProxies::new(Arc::<Scripted>::clone(&script), ProxyOptions::default());
    for (uri, asked) in [
        ("http://t/1", 1),
        ("http://t:80/2", 1),
        ("http://T/3", 1),
        ("https://t/", 2),
        ("http://t:81/", 3),
        ("http://u/", 4),
    ] {
        labels(&proxies, uri).await.unwrap();
        assert_eq!(script.asked(), asked, "{uri}");
    }
}

#[tokio::test]
async fn equal_addresses_are_one_proxy() {
    let script = Scripted::new(Ok("PROXY a:1; HTTP a:1"));
    let proxies = PacProxies::new(script, ProxyOptions::default());
    let first = proxies.candidates(&target("http://t/")).await.unwrap();
    let second = proxies.candidates(&target("http://u/")).await.unwrap();
    let [Some(a), Some(b)] = first.as_slice() else {
        panic!("{first:?}");
    };
    assert!(Arc::ptr_eq(a, b));
    assert!(second.iter().flatten().all(|proxy| Arc::ptr_eq(a, proxy)));
}

#[tokio::test]
async fn options_go_for_every_proxy_of_the_file() {
    let script = Scripted::new(Ok("PROXY a:1; PROXY b:2"));
    let options = ProxyOptions {
        auth: Some(("user".to_owned(), "s3cret".to_owned())),
        ..ProxyOptions::default()
    };
    let proxies = PacProxies::new(script, options);
    let candidates = proxies.candidates(&target("http://t/")).await.unwrap();
    assert_eq!(candidates.len(), 2);
    for proxy in candidates.iter().flatten() {
        assert!(proxy.identity().authorization().is_some());
    }
    assert!(!format!("{proxies:?} {candidates:?}").contains("s3cret"));
}

#[tokio::test]
async fn targets_without_proxy_are_not_asked_for() {
    let script = Scripted::new(Ok("PROXY a:1"));
    let options = ProxyOptions {
        no_proxy: vec![".internal.example".to_owned()],
        ..ProxyOptions::default()
    };
    let proxies = PacProxies::new(Arc::<Scripted>::clone(&script), options);
    let way = Way::Pac(Arc::new(proxies));
    for (uri, via, rule, asked) in [
        (
            "http://a.internal.example/",
            None,
            "no_proxy entry .internal.example",
            0,
        ),
        ("http://a.example/", Some("http://a:1"), "PAC file", 1),
    ] {
        let decision = way.explain(&uri.parse().unwrap()).await.unwrap();
        assert_eq!(decision.via, [via.map(Arc::from)], "{uri}");
        assert_eq!(decision.rule, rule);
        assert_eq!(script.asked(), asked, "{uri}");
    }
}
