use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tracing_subscriber::fmt::MakeWriter;

use super::*;
use crate::testing::{Backend, Running, service};

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl io::Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Captured {
    type Writer = Self;

    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}

impl Captured {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    fn lines(&self) -> Vec<Value> {
        self.text()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// Lines with this message.
    fn messages(&self, message: &str) -> Vec<Value> {
        self.lines()
            .into_iter()
            .filter(|line| line["fields"]["message"] == message)
            .collect()
    }
}

/// Logs of this thread as JSON at `level`.
fn captured(level: LogLevel) -> (Captured, tracing::subscriber::DefaultGuard) {
    let log = Captured::default();
    let layer = format::json(log.clone()).with_filter(targets(level, None).unwrap());
    let guard = tracing_subscriber::registry().with(layer).set_default();
    (log, guard)
}

async fn get(extra: &Value, backend: &Backend, target: &str) -> String {
    let mut server = Running::start(extra, backend);
    let request = format!("GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    let answer = server.exchange(request).await;
    server.stop();
    server.verdict().await;
    answer
}

#[tokio::test]
async fn a_request_has_one_line_with_all_that_is_known() {
    let (log, _guard) = captured(LogLevel::Error);
    get(&json!({}), &Backend::echo(), "/x?token=secret").await;
    let lines = log.messages("request");
    let [line] = &*lines else { panic!("{lines:?}") };
    assert_eq!(line["target"], "access");
    assert_eq!(line["fields"]["outcome"], "complete");
    assert_eq!(line["fields"]["bytes"], 0);
    let span = &line["span"];
    assert_eq!(span["name"], "request");
    assert_eq!(span["method"], "GET");
    assert_eq!(span["path"], "/x");
    assert_eq!(span["endpoint"], "/x");
    assert_eq!(span["client"], "127.0.0.1");
    assert_eq!(span["status"], 200);
    assert!(span["duration_ms"].as_f64().is_some());
    assert!(!log.text().contains("secret"), "queries may hold secrets");
}

#[tokio::test]
async fn lines_can_be_switched_off() {
    let cases = [
        (json!({ "disable_access_log": true }), "/x", 0),
        (json!({ "logger_skip_paths": ["/x"] }), "/x", 0),
        (json!({ "logger_skip_paths": ["/x"] }), "/none", 1),
        (json!({}), "/x/", 0),
    ];
    for (router, target, lines) in cases {
        let (log, _guard) = captured(LogLevel::Info);
        get(
            &json!({ "extra_config": { "router": router } }),
            &Backend::echo(),
            target,
        )
        .await;
        assert_eq!(log.messages("request").len(), lines, "{router} {target}");
    }
}

#[tokio::test]
async fn a_failure_is_logged_once_with_its_causes() {
    let (log, _guard) = captured(LogLevel::Error);
    let backend = Backend::new(|_| async {
        let source = io::Error::other("connection\nrefused").into();
        Err(cuttle_pipeline::ExecuteError {
            kind: cuttle_pipeline::FailureKind::Backend,
            source,
        })
    });
    let answer = get(&json!({}), &backend, "/x").await;
    assert!(answer.starts_with("HTTP/1.1 500 "), "{answer}");
    assert!(!answer.contains("refused"), "for the log only");
    let lines = log.messages("request failed");
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["level"], "ERROR");
    assert_eq!(lines[0]["target"], "cuttle");
    assert_eq!(lines[0]["span"]["endpoint"], "/x");
    assert!(
        lines[0]["fields"]["error"]
            .as_str()
            .unwrap()
            .contains(r"connection\nrefused")
    );
}

#[tokio::test]
async fn the_start_names_the_address() {
    let (log, _guard) = captured(LogLevel::Info);
    let mut server = Running::start(&json!({}), &Backend::echo());
    let address = server.address.to_string();
    server.exchange("GET / HTTP/1.0\r\n\r\n").await;
    server.stop();
    server.verdict().await;
    let lines = log.messages("listening");
    assert_eq!(lines[0]["fields"]["address"], json!(address));
    assert_eq!(lines[0]["level"], "INFO");
}

#[test]
fn text_lines_have_the_prefix_and_no_colours_without_a_terminal() {
    let log = Captured::default();
    let layer = format::text(log.clone(), String::from("[EDGE]"), false);
    let subscriber = tracing_subscriber::registry().with(layer);
    tracing::subscriber::with_default(subscriber, || {
        tracing::info_span!("request", status = 200).in_scope(|| tracing::info!("done"));
    });
    let text = log.text();
    assert!(text.starts_with("[EDGE] "), "{text}");
    assert!(
        text.contains("status=200") && text.ends_with("done\n"),
        "{text}"
    );
    assert!(!text.contains('\u{1b}'), "{text}");
}

#[test]
fn the_filter_variable_replaces_the_level() {
    let shown = |filter| targets(LogLevel::Info, filter).map(|filter| filter.to_string());
    assert!(shown(None).unwrap().contains("info"));
    assert!(shown(Some(" ")).unwrap().contains("access=info"));
    let replaced = shown(Some("cuttle=trace,hyper=debug")).unwrap();
    assert!(replaced.contains("cuttle=trace") && replaced.contains("hyper=debug"));
    assert!(!replaced.contains("access=info") && !replaced.contains("hyper=warn"));
    assert!(replaced.contains("h2=warn"), "{replaced}");
    assert!(
        shown(Some("cuttle=loud"))
            .unwrap_err()
            .to_string()
            .starts_with("CUTTLE_LOG: ")
    );
}

#[test]
fn control_characters_are_shown_not_sent() {
    assert_eq!(
        Escaped("/a\r\n\u{1b}[31m\u{202e}ü").to_string(),
        r"/a\r\n\u{1b}[31m\u{202e}ü"
    );
}

#[test]
fn a_configured_format_can_be_overridden() {
    let logging = service(&json!({})).logging;
    assert!(!is_json(&logging, LogFormat::Auto));
    assert!(is_json(&logging, LogFormat::Json));
    assert!(!is_json(&logging, LogFormat::Text));
}
