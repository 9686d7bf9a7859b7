//! What is to be held against an outcome.

use cuttle_tests::Head;

use super::{
    case::{Case, Expect},
    scene::Outcome,
};

/// By what a server is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Measure {
    /// Exactly what our documentation says.
    Documented,
    /// Whatever does no harm.
    Harmless,
}

/// Whether a status refuses.
fn is_refusal(status: u16) -> bool {
    matches!(status, 400..=499 | 501 | 505)
}

type Verdict = Result<(), String>;

/// # Errors
/// The first thing that is wrong.
pub(super) fn judge(case: &Case, outcome: &Outcome, measure: Measure, host: &str) -> Verdict {
    ensure(
        outcome.healthy,
        "it does not answer others any more",
        outcome,
    )?;
    ensure(!outcome.hung, "it neither answers nor closes", outcome)?;
    for head in &outcome.heads {
        clean(head, host, measure).map_err(|reason| format!("{reason} in {:?}", head.raw))?;
    }
    let exact = measure == Measure::Documented;
    by_class(&case.expect, outcome, exact)?;
    by_text(case, outcome)
}

fn ensure(good: bool, what: &str, outcome: &Outcome) -> Verdict {
    match good {
        true => Ok(()),
        false => Err(format!(
            "{what}: answers {:?}, at the origin {:?}, {} complete",
            outcome.statuses,
            outcome
                .heads
                .iter()
                .map(|head| &head.start)
                .collect::<Vec<_>>(),
            outcome.bodies.len(),
        )),
    }
}

fn by_class(expect: &Expect, outcome: &Outcome, exact: bool) -> Verdict {
    match expect {
        Expect::Refused(status) => refused(outcome, 0, *status, exact),
        Expect::RefusedHere(status) => match exact || outcome.heads.is_empty() {
            true => refused(outcome, 0, *status, exact),
            false => served(outcome, 1),
        },
        Expect::Broken(status) => broken(outcome, *status, exact),
        Expect::BrokenHere(status) => match exact || outcome.bodies.is_empty() {
            true => broken(outcome, *status, exact),
            false => served(outcome, 1),
        },
        Expect::Served(count) => served(outcome, *count),
        Expect::ServedThen(count, status) => refused(outcome, *count, *status, exact),
        Expect::Own(status) => {
            let answered = match outcome.statuses[..] {
                [found] => found == *status || !exact && found < 500,
                _ => false,
            };
            ensure(
                answered && outcome.heads.is_empty(),
                "no answer of its own",
                outcome,
            )
        }
        Expect::InPath(here) if exact => documented(*here, outcome),
        Expect::InQuery(here) if exact => documented(*here, outcome),
        Expect::InPath(_) => contained(outcome, stays_in_segment),
        Expect::InQuery(_) => contained(outcome, is_a_alone),
    }
}

/// `before` good answers, then a refusal.
fn refused(outcome: &Outcome, before: usize, status: u16, exact: bool) -> Verdict {
    let statuses = &outcome.statuses;
    let good = statuses.iter().take_while(|status| **status == 200).count();
    let refusal = match (statuses.get(good), exact) {
        (Some(found), true) => *found == status,
        (Some(found), false) => is_refusal(*found),
        (None, exact) => !exact || status == 0,
    };
    let last = statuses.len() <= good + 1;
    let reached = outcome.heads.len() == before && good == before;
    ensure(
        refusal && last && reached,
        "not refused as it should be",
        outcome,
    )
}

fn broken(outcome: &Outcome, status: u16, exact: bool) -> Verdict {
    let refusal = match (&outcome.statuses[..], exact) {
        ([found], true) => *found == status,
        ([found], false) => (400..500).contains(found),
        ([], exact) => !exact || status == 0,
        _ => false,
    };
    let reached = outcome.heads.len() <= 1 && outcome.bodies.is_empty();
    ensure(
        refusal && reached,
        "not told that the body is broken",
        outcome,
    )
}

fn served(outcome: &Outcome, count: usize) -> Verdict {
    let answered = outcome.statuses.len() == count && outcome.statuses.iter().all(|s| *s == 200);
    let reached = outcome.heads.len() == count && outcome.bodies.len() == count;
    ensure(answered && reached, "not served as it should be", outcome)
}

fn documented(here: Result<&str, u16>, outcome: &Outcome) -> Verdict {
    match here {
        Ok(target) => {
            served(outcome, 1)?;
            let found = outcome.heads.iter().all(|head| head.target() == target);
            ensure(found, "another target", outcome)
        }
        Err(status) => {
            let answered = outcome.statuses == [status];
            ensure(
                answered && outcome.heads.is_empty(),
                "not refused as it should be",
                outcome,
            )
        }
    }
}

fn contained(outcome: &Outcome, good: fn(&str) -> bool) -> Verdict {
    let answered = matches!(outcome.statuses[..], [] | [0..500]);
    let reached = outcome.heads.len() <= 1;
    let good = outcome.heads.iter().all(|head| good(head.target()));
    ensure(
        answered && reached && good,
        "the value gets out of its place",
        outcome,
    )
}

fn stays_in_segment(target: &str) -> bool {
    let Some(value) = target.strip_prefix("/v1/p/") else {
        return false;
    };
    let decoded = value.to_ascii_lowercase().replace("%2e", ".");
    let bad = ["%00", "%0a", "%0d", "/", "?", "#"];
    !matches!(&*decoded, "" | "." | "..") && !bad.iter().any(|text| decoded.contains(text))
}

fn is_a_alone(target: &str) -> bool {
    let query = target
        .strip_prefix("/q")
        .map(|rest| rest.strip_prefix('?').unwrap_or(rest));
    let pairs = |query: &str| {
        query
            .split(['&', ';'])
            .all(|pair| pair.is_empty() || pair == "a" || pair.starts_with("a="))
    };
    query.is_some_and(pairs)
}

fn by_text(case: &Case, outcome: &Outcome) -> Verdict {
    let raw = |heads: &[Head]| {
        let heads: String = heads.iter().map(|head| head.raw.as_str()).collect();
        heads.to_ascii_lowercase()
    };
    let (heads, answers) = (raw(&outcome.heads), raw(&outcome.answers));
    let reached = !outcome.heads.is_empty();
    let lacks = case
        .must
        .iter()
        .find(|text| reached && !heads.contains(*text));
    let stray = case.must_not.iter().find(|text| heads.contains(*text));
    let told = case
        .not_answered
        .iter()
        .find(|text| answers.contains(*text));
    let body = outcome
        .bodies
        .last()
        .filter(|found| case.body.as_ref().is_some_and(|body| body != *found));
    match (lacks, stray, told, body) {
        (None, None, None, None) => Ok(()),
        _ => Err(format!(
            "lacks {lacks:?}, has {stray:?}, answers {told:?}, body {body:?}: {heads:?} {answers:?}"
        )),
    }
}

/// Fields of one connection.
const HOP_BY_HOP: [&str; 10] = [
    "keep-alive",
    "proxy",
    "proxy-connection",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "upgrade",
    "http2-settings",
    "expect",
];

/// What every head must be that reaches the origin, whatever the client sent.
fn clean(head: &Head, host: &str, measure: Measure) -> Verdict {
    let body = head.raw.strip_suffix("\r\n\r\n").unwrap_or_default();
    let lines: Vec<_> = body.split("\r\n").collect();
    let control = |c: char| c.is_ascii_control() && c != '\t';
    let checks = [
        (
            "a control character",
            !lines.iter().any(|line| line.contains(control)),
        ),
        (
            "a line that is none",
            lines[1..].iter().all(|line| is_field(line)),
        ),
        (
            "a request line that is none",
            is_request_line(&head.start, measure),
        ),
        ("what was no request", !head.start.contains("/smuggled")),
        ("another host", head.all("host") == [host]),
        ("two lengths", one_length(head)),
        (
            "a field of the client's connection",
            is_end_to_end(head, measure),
        ),
    ];
    match checks.iter().find(|(_, good)| !good) {
        Some((what, _)) => Err((*what).to_owned()),
        None => Ok(()),
    }
}

fn is_field(line: &str) -> bool {
    let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    let name = line.split_once(':').map(|(name, _)| name);
    name.is_some_and(|name| !name.is_empty() && name.chars().all(token))
}

/// A proxy may speak 1.0 for a client that does, and hand a whole URL on.
fn is_request_line(line: &str, measure: Measure) -> bool {
    let parts: Vec<_> = line.split(' ').collect();
    let [_, target, version] = parts[..] else {
        return false;
    };
    let kind = measure == Measure::Harmless;
    let web = ["http://", "https://"];
    let url = web
        .iter()
        .any(|scheme| target.to_ascii_lowercase().starts_with(scheme));
    let rooted = target.starts_with('/') || kind && url && !target.contains('@');
    let version = version == "HTTP/1.1" || kind && version == "HTTP/1.0";
    rooted && version && !target.contains('#')
}

fn one_length(head: &Head) -> bool {
    let (codings, lengths) = (head.all("transfer-encoding"), head.all("content-length"));
    let digits = |text: &&str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match (&codings[..], &lengths[..]) {
        ([], []) => true,
        ([coding], []) => coding.eq_ignore_ascii_case("chunked"),
        ([], [length]) => digits(length),
        _ => false,
    }
}

fn is_end_to_end(head: &Head, measure: Measure) -> bool {
    // Whoever does not answer it himself hands it on.
    let handed_on = |name: &str| name == "expect" && measure == Measure::Harmless;
    let own = ["close", "keep-alive"];
    let connection = head.all("connection");
    let own = connection
        .iter()
        .all(|value| own.contains(&&*value.to_ascii_lowercase()));
    own && HOP_BY_HOP
        .iter()
        .all(|name| handed_on(name) || head.field(name).is_none())
}
