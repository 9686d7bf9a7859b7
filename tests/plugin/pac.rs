//! PAC files: what their functions answer, what scripts can harm.

use std::{
    net::IpAddr,
    path::Path,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use cuttle_plugin::{Addresses, Pac, PacError, PacLimits, PacRunner, Resolver, SystemResolver};
use tokio::sync::Notify;

use crate::support::{Journal, bytes, engine};

/// The calendar of the component, which can be asked about any moment here.
#[path = "../../plugins/pac/src/functions/clock.rs"]
#[allow(clippy::all, clippy::indexing_slicing, dead_code, unreachable_pub)]
mod clock;

/// Time limit of scripts that are to be stopped.
const SHORT: Duration = Duration::from_millis(100);
/// What a busy machine adds to it.
const LATE: Duration = Duration::from_secs(5);

/// Names of `functions.txt` and of the files.
const NAMES: [(&str, &[&str]); 3] = [
    ("web.internal.example", &["10.1.2.3"]),
    ("dual.example", &["192.0.2.7", "2001:db8::7"]),
    ("six.example", &["2001:db8::6"]),
];

/// Knows [`NAMES`] and counts lookups.
#[derive(Default)]
struct Known {
    lookups: AtomicUsize,
}

impl Resolver for Known {
    fn resolve<'a>(&'a self, host: &'a str) -> Addresses<'a> {
        self.lookups.fetch_add(1, Ordering::Relaxed);
        let known = NAMES.iter().find(|(name, _)| *name == host);
        let addresses = known.map_or(&[][..], |(_, addresses)| addresses);
        Box::pin(async { addresses.iter().map(|ip| ip.parse().unwrap()).collect() })
    }
}

/// Never answers about any name but one.
struct Silent {
    asked: Notify,
}

impl Resolver for Silent {
    fn resolve<'a>(&'a self, host: &'a str) -> Addresses<'a> {
        self.asked.notify_one();
        Box::pin(async move {
            match host {
                "known.example" => vec![IpAddr::from([10, 0, 0, 1])],
                _ => std::future::pending().await,
            }
        })
    }
}

/// Compiled once for all tests.
fn runner() -> &'static PacRunner {
    static RUNNER: OnceLock<PacRunner> = OnceLock::new();
    RUNNER.get_or_init(|| PacRunner::new(engine(), &bytes("pac")).unwrap())
}

async fn load_with(
    source: &str,
    limits: PacLimits,
    resolver: Arc<dyn Resolver>,
) -> Result<Pac, PacError> {
    Pac::load(runner(), "test.pac", source.to_owned(), limits, resolver).await
}

async fn load(source: &str) -> Result<Pac, PacError> {
    load_with(source, PacLimits::default(), Arc::new(Known::default())).await
}

/// A file whose script runs `body` for every host but `fine.example`.
fn misbehaving(body: &str) -> String {
    format!(
        "function FindProxyForURL(url, host) {{
            if (host == 'fine.example') return 'PROXY p:1';
            {body}
        }}"
    )
}

async fn failure(body: &str, limits: PacLimits) -> PacError {
    let resolver = Arc::new(Known::default());
    let pac = load_with(&misbehaving(body), limits, resolver)
        .await
        .unwrap();
    let error = pac.find_proxy("http://a/", "a").await.unwrap_err();
    let fine = pac.find_proxy("http://fine.example/", "fine.example").await;
    assert_eq!(fine.unwrap(), "PROXY p:1", "the next call is well");
    error
}

#[tokio::test]
async fn functions_answer_as_in_browsers() {
    let pac = load("function FindProxyForURL(url, host) { return String(eval(host)) }")
        .await
        .unwrap();
    let mut wrong = Vec::new();
    let mut cases = 0;
    for line in include_str!("pac/functions.txt").lines() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (expression, expected) = line.rsplit_once(" =>").unwrap();
        let found = pac.find_proxy("http://a/", expression).await;
        let found = found.unwrap_or_else(|error| error.to_string());
        if found != expected.trim() {
            wrong.push(format!("{expression}: {found}, not {expected}"));
        }
        cases += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(cases >= 100, "{cases}");
}

#[tokio::test]
async fn files_as_they_are_in_use_are_understood() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("plugin/pac/files");
    let mut cases = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let source = std::fs::read_to_string(&path).unwrap();
        let pac = load(&source)
            .await
            .unwrap_or_else(|error| panic!("{path:?}: {error}"));
        let head = source.lines().map_while(|line| line.strip_prefix("// "));
        for (url, expected) in head.map(|line| line.split_once(" => ").unwrap()) {
            let uri: http::Uri = url.parse().unwrap();
            let host = uri.host().unwrap().trim_matches(['[', ']']);
            let found = pac.find_proxy(url, host).await.unwrap();
            assert_eq!(found, expected, "{path:?}: {url}");
            cases += 1;
        }
    }
    assert!(cases >= 25, "{cases}");
}

#[test]
fn ranges_of_dates_and_times_include_both_ends_and_go_over_the_end() {
    // 2024-02-29 was a Thursday.
    let leap_day = clock::Moment::at(1_709_217_045); // 14:30:45
    let new_year = clock::Moment::at(1_735_689_600); // 2025-01-01 00:00:00, Wednesday
    let list = |text: &str| -> Vec<String> { text.split_whitespace().map(str::to_owned).collect() };
    for (arguments, leap, new) in [
        ("THU", true, false),
        ("thu GMT", true, false),
        ("MON FRI", true, true),
        ("THU FRI", true, false),
        ("FRI TUE", false, false),
        ("SAT WED", false, true),
        ("THU THU", true, false),
        ("MON TUE WED", false, false),
    ] {
        assert_eq!(leap_day.in_weekdays(&list(arguments)), leap, "{arguments}");
        assert_eq!(new_year.in_weekdays(&list(arguments)), new, "{arguments}");
    }
    for (arguments, leap, new) in [
        ("29", true, false),
        ("1", false, true),
        ("FEB", true, false),
        ("2024", true, false),
        ("2025 GMT", false, true),
        ("1 15", false, true),
        ("28 2", true, true),
        ("JAN MAR", true, true),
        ("MAR DEC", false, false),
        ("DEC JAN", false, true),
        ("2024 2025", true, true),
        ("28 FEB 1 MAR", true, false),
        ("24 DEC 6 JAN", false, true),
        ("FEB 2024 MAR 2024", true, false),
        ("29 FEB 2024 29 FEB 2024", true, false),
        ("1 JAN 2025 1 JAN 2025 GMT", false, true),
        ("1 JAN 2026 1 JAN 2024", false, false),
        ("1 JAN FEB 2", false, false),
        ("32", false, false),
    ] {
        assert_eq!(leap_day.in_dates(&list(arguments)), leap, "{arguments}");
        assert_eq!(new_year.in_dates(&list(arguments)), new, "{arguments}");
    }
    for (arguments, leap, new) in [
        ("14", true, false),
        ("0 GMT", false, true),
        ("8 14", true, false),
        ("8 13", false, false),
        ("22 6", false, true),
        ("14 30 14 30", true, false),
        ("14 31 15 0", false, false),
        ("14 30 45 14 30 45", true, false),
        ("14 30 46 15 0 0", false, false),
        ("23 59 0 0", false, true),
        ("x", false, false),
    ] {
        assert_eq!(leap_day.in_times(&list(arguments)), leap, "{arguments}");
        assert_eq!(new_year.in_times(&list(arguments)), new, "{arguments}");
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_used_is_refused_when_it_is_loaded() {
    for (source, expected) in [
        ("", "has no function `FindProxyForURL`"),
        ("function FindProxy(url, host) {}", "has no function"),
        ("var FindProxyForURL = 'DIRECT';", "has no function"),
        (
            "function FindProxyForURL(url, host) { return \"DIRECT\"",
            "SyntaxError",
        ),
        ("<html><body>Not found</body></html>", "SyntaxError"),
        ("throw new Error('on purpose');", "on purpose"),
        ("undefinedFunction();", "ReferenceError"),
    ] {
        let error = load(source).await.unwrap_err();
        assert!(matches!(error, PacError::Script { .. }), "{error:?}");
        let text = error.to_string();
        assert!(text.contains("`test.pac`"), "{text}");
        assert!(text.contains(expected), "{source}: {text}");
        assert!(!text.contains('\n'), "{text}");
    }
}

#[tokio::test]
async fn what_is_no_text_or_thrown_is_an_error() {
    for (body, expected) in [
        ("", "returned undefined"),
        ("return null;", "returned object"),
        ("return 7;", "returned number"),
        ("return ['DIRECT'];", "returned object"),
        ("throw new Error('on purpose');", "on purpose"),
        ("throw 'text';", "text"),
        ("return missing;", "ReferenceError"),
        (
            "return (function f() { return f(); })();",
            "number of recursive calls",
        ),
        (
            "isInNet({ toString() { throw 'from inside' } });",
            "from inside",
        ),
    ] {
        let error = failure(body, PacLimits::default()).await;
        assert!(
            matches!(error, PacError::Script { .. }),
            "{body}: {error:?}"
        );
        assert!(error.to_string().contains(expected), "{body}: {error}");
    }
}

#[tokio::test]
async fn a_script_that_does_not_end_is_stopped() {
    let limits = PacLimits {
        running: SHORT,
        ..PacLimits::default()
    };
    for body in [
        "while (true) {}",
        "for (;;) { try { throw 1 } catch (e) {} finally { continue } }",
        "/^(a+)+$/.test(Array(40).join('a') + 'b');",
        "while (true) { dnsResolve('web.internal.example') }",
        "while (true) { alert('again') }",
    ] {
        let started = Instant::now();
        let error = failure(body, limits.clone()).await;
        assert!(
            matches!(error, PacError::Deadline { limit: SHORT, .. }),
            "{body}: {error:?}"
        );
        assert!(started.elapsed() < SHORT + LATE, "{body}");
    }
}

#[tokio::test]
async fn a_file_that_does_not_end_is_not_loaded() {
    let limits = PacLimits {
        running: SHORT,
        ..PacLimits::default()
    };
    let error = load_with("for (;;) {}", limits, Arc::new(SystemResolver)).await;
    assert!(
        matches!(error, Err(PacError::Deadline { limit: SHORT, .. })),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_script_that_wants_all_memory_is_stopped() {
    let limits = PacLimits {
        memory: 32 << 20,
        running: Duration::from_secs(60),
        evaluation: Duration::from_secs(60),
        ..PacLimits::default()
    };
    for body in [
        "var text = 'x'; while (true) { text += text; }",
        "var list = []; while (true) { list.push({ more: list.length }); }",
        "return new Uint8Array(1 << 30).length + '';",
        "return Array(1e8).fill('x').join('');",
    ] {
        let error = failure(body, limits.clone()).await;
        // The engine may see it first, and throw.
        let text = match &error {
            PacError::Limit { limit, .. } => (*limit).to_owned(),
            PacError::Script { message, .. } => message.clone(),
            other => panic!("{body}: {other:?}"),
        };
        assert!(
            text.contains("memory") || text.contains("RangeError"),
            "{body}: {text}"
        );
    }
}

#[tokio::test]
async fn deeply_nested_source_is_refused() {
    let source = format!("var x = {}1{};", "(".repeat(100_000), ")".repeat(100_000));
    assert!(load(&source).await.is_err());
    assert!(load(&misbehaving("")).await.is_ok());
}

#[tokio::test]
async fn a_name_without_an_answer_in_time_has_no_address() {
    let limits = PacLimits {
        lookup: SHORT,
        ..PacLimits::default()
    };
    let silent = Arc::new(Silent {
        asked: Notify::new(),
    });
    let pac = load_with(
        "function FindProxyForURL(url, host) { return String(dnsResolve(host)) }",
        limits,
        silent,
    )
    .await
    .unwrap();
    assert_eq!(pac.find_proxy("http://a/", "a").await.unwrap(), "null");
    let known = pac.find_proxy("http://a/", "known.example").await;
    assert_eq!(known.unwrap(), "10.0.0.1");
}

#[tokio::test]
async fn an_evaluation_ends_even_if_every_name_is_slow() {
    let limits = PacLimits {
        lookup: Duration::from_secs(60),
        evaluation: SHORT,
        ..PacLimits::default()
    };
    let silent = Arc::new(Silent {
        asked: Notify::new(),
    });
    let source = misbehaving("return isResolvable(host) ? 'DIRECT' : 'PROXY p:1';");
    let load_limits = PacLimits::default();
    assert!(
        load_with(&source, load_limits, Arc::<Silent>::clone(&silent))
            .await
            .is_ok()
    );
    let pac = load_with(&source, limits, silent).await.unwrap();
    let error = pac.find_proxy("http://a/", "a").await.unwrap_err();
    assert!(matches!(error, PacError::Deadline { .. }), "{error:?}");
}

#[tokio::test]
async fn names_are_looked_up_once_and_not_without_limit() {
    let known = Arc::new(Known::default());
    let source = "function FindProxyForURL(url, host) {
        var names = +host;
        for (var i = 0; i < 100; i++) { dnsResolve('host' + i % names); }
        return 'DIRECT';
    }";
    let limits = PacLimits::default();
    let pac = load_with(source, limits.clone(), Arc::<Known>::clone(&known))
        .await
        .unwrap();

    pac.find_proxy("http://a/", "3").await.unwrap();
    assert_eq!(known.lookups.load(Ordering::Relaxed), 3);
    pac.find_proxy("http://a/", "3").await.unwrap();
    assert_eq!(
        known.lookups.load(Ordering::Relaxed),
        6,
        "anew for each evaluation"
    );

    pac.find_proxy("http://a/", &limits.lookups.to_string())
        .await
        .unwrap();
    let error = pac.find_proxy("http://a/", "50").await.unwrap_err();
    assert!(
        matches!(
            error,
            PacError::Limit {
                limit: "lookups",
                ..
            }
        ),
        "{error:?}"
    );
    assert!(pac.find_proxy("http://a/", "1").await.is_ok());
}

#[tokio::test]
async fn who_goes_away_leaves_a_usable_file() {
    let silent = Arc::new(Silent {
        asked: Notify::new(),
    });
    let source = misbehaving("return isResolvable(host) ? 'DIRECT' : 'PROXY p:1';");
    let limits = PacLimits::default();
    let pac = load_with(&source, limits, Arc::<Silent>::clone(&silent))
        .await
        .unwrap();
    tokio::select! {
        answer = pac.find_proxy("http://a/", "a") => panic!("{answer:?}"),
        () = silent.asked.notified() => {}
    }
    let fine = pac.find_proxy("http://fine.example/", "fine.example").await;
    assert_eq!(fine.unwrap(), "PROXY p:1");
}

#[tokio::test]
async fn variables_last_and_evaluations_take_turns() {
    let pac = load("var n = 0; function FindProxyForURL() { return 'PROXY p:' + ++n; }")
        .await
        .unwrap();
    let ask = || pac.find_proxy("http://a/", "a");
    let (a, b, c) = tokio::join!(ask(), ask(), ask());
    let mut answers = [a.unwrap(), b.unwrap(), c.unwrap()];
    answers.sort();
    assert_eq!(answers, ["PROXY p:1", "PROXY p:2", "PROXY p:3"]);
}

#[tokio::test]
async fn a_script_sees_no_secrets_of_a_url() {
    let pac = load("function FindProxyForURL(url, host) { return url; }")
        .await
        .unwrap();
    for (url, seen) in [
        ("https://user:pw@a:8443/path?token=1", "https://a:8443/"),
        ("http://user:pw@a/path", "http://a/path"),
    ] {
        assert_eq!(pac.find_proxy(url, "a").await.unwrap(), seen);
    }
    assert!(pac.find_proxy("/path", "a").await.is_err());
}

#[tokio::test]
async fn alerts_are_lines_of_the_log() {
    let journal = Journal::start();
    let pac =
        load("function FindProxyForURL(url, host) { alert('seen\\n' + host); return 'DIRECT'; }")
            .await
            .unwrap();
    pac.find_proxy("http://a/", "alerted").await.unwrap();
    let lines = journal.lines();
    let line = lines.iter().find(|line| line.contains("alerted"));
    assert!(line.is_some_and(|line| line.contains("DEBUG")), "{lines:?}");
}

#[tokio::test]
async fn another_component_is_no_runner() {
    for name in ["http-proxy", "wants-files"] {
        let refused = PacRunner::new(engine(), &bytes(name)).err().unwrap();
        assert!(refused.to_string().contains("imports"), "{name}: {refused}");
    }
    assert!(PacRunner::new(engine(), b"").is_err());
}
