//! Runs `cases.txt`; its head says how it is written.

use cuttle_pipeline::config::{PathPattern, Segment};

use super::*;

const CASES: &str = include_str!("cases.txt");

/// A section of `cases.txt`.
#[derive(Default)]
struct Section {
    title: &'static str,
    options: Options,
    routes: Vec<(Method, &'static str)>,
    requests: Vec<(&'static str, &'static str)>,
    conflicts: Vec<&'static str>,
}

#[test]
fn requests_go_where_the_case_file_says() {
    let (mut requests, mut wrong) = (0, Vec::new());
    for section in sections() {
        if !section.conflicts.is_empty() {
            continue;
        }
        let router = section.router().unwrap_or_else(|conflicts| {
            panic!("{}: {conflicts:?}", section.title);
        });
        for (request, expected) in &section.requests {
            let outcome = answer(&router, request);
            if outcome != *expected {
                wrong.push(format!("{}: {request} => {outcome}", section.title));
            }
            requests += 1;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(requests > 100, "only {requests} requests were read");
}

#[test]
fn conflicts_are_found_at_once_with_both_places() {
    let mut seen = 0;
    for section in sections() {
        if section.conflicts.is_empty() {
            continue;
        }
        let conflicts = section.router().expect_err(section.title);
        let found: Vec<String> = conflicts
            .iter()
            .map(|c| format!("{}: {c}; {}", c.place, c.help()))
            .collect();
        assert_eq!(found, section.conflicts, "{}", section.title);
        seen += 1;
    }
    assert!(seen > 3, "only {seen} sections with conflicts were read");
}

/// Redirects come from what a client sends, so none may name another host.
#[test]
fn no_redirect_leaves_the_origin() {
    let routes = ["/a", "/b/", "/{x}/c", "/evil.com/c", "/{x}/{y}/d/"];
    let router = router(Options::default(), &routes.map(|path| (Method::GET, path)));
    let pieces = [
        "/", "//", "\\", "%5c", "%2f", "evil.com", "a", "B", "c", "d", ".", "..", "%09",
    ];
    let prefixes = [
        None,
        Some("//evil.com"),
        Some("/\\evil.com"),
        Some("https://evil.com/..//"),
    ];
    let mut redirects = 0;
    for (a, b, c) in triples(&pieces) {
        let path = format!("/{a}{b}{c}");
        for prefix in prefixes {
            let outcome = router.route(&Method::GET, &path, Some("q=//evil.com"), prefix);
            let Outcome::Redirect { location, .. } = outcome else {
                continue;
            };
            let bytes = location.as_bytes();
            assert_eq!(bytes[0], b'/', "{path:?} {prefix:?}: {location}");
            assert!(
                !b"/\\".contains(&bytes[1]),
                "{path:?} {prefix:?}: {location}"
            );
            assert!(bytes.iter().all(u8::is_ascii_graphic), "{location:?}");
            redirects += 1;
        }
    }
    assert!(redirects > 300, "only {redirects} redirects were seen");
}

/// A redirect leads to an answer, not to another redirect.
#[test]
fn a_redirect_is_followed_once() {
    for section in sections() {
        let Ok(router) = section.router() else {
            continue;
        };
        for (request, _) in &section.requests {
            let (method, path, query, prefix) = parts(request);
            if prefix.is_some() {
                continue;
            }
            let Outcome::Redirect { location, .. } = router.route(&method, path, query, None)
            else {
                continue;
            };
            let next = location.split('?').next().expect("split yields one");
            let outcome = router.route(&method, next, None, None);
            assert!(
                !matches!(outcome, Outcome::Redirect { .. } | Outcome::NotFound),
                "{request}: {location}: {outcome:?}"
            );
        }
    }
}

fn sections() -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    let lines = CASES.lines().map(str::trim);
    for line in lines.filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(title) = line.strip_prefix("== ") {
            sections.push(Section {
                title,
                ..Section::default()
            });
            continue;
        }
        let section = sections.last_mut().expect("a file starts with a section");
        if let Some(conflict) = line.strip_prefix("conflict ") {
            section.conflicts.push(conflict);
        } else if let Some(option) = line.strip_prefix("option ") {
            section.set(option);
        } else if let Some((request, outcome)) = line.split_once(" => ") {
            section.requests.push((request.trim(), outcome.trim()));
        } else {
            let (method, path) = line.split_once(' ').expect("a route is METHOD PATH");
            section
                .routes
                .push((method.parse().expect("a method"), path.trim()));
        }
    }
    sections
}

impl Section {
    fn set(&mut self, option: &str) {
        let (name, value) = option.split_once(' ').expect("an option is NAME on|off");
        let value = match value {
            "on" => true,
            "off" => false,
            other => panic!("{other}"),
        };
        *match name {
            "redirect_trailing_slash" => &mut self.options.redirect_trailing_slash,
            "redirect_fixed_path" => &mut self.options.redirect_fixed_path,
            "handle_method_not_allowed" => &mut self.options.handle_method_not_allowed,
            "check_params" => &mut self.options.check_params,
            "remove_extra_slash" => &mut self.options.remove_extra_slash,
            "auto_options" => &mut self.options.auto_options,
            other => panic!("no option is called {other}"),
        } = value;
    }

    fn router(&self) -> Result<Router<String>, Vec<Conflict>> {
        build(self.options, &self.routes)
    }
}

fn router(options: Options, routes: &[(Method, &str)]) -> Router<String> {
    build(options, routes).expect("routes have no conflicts")
}

fn build(options: Options, routes: &[(Method, &str)]) -> Result<Router<String>, Vec<Conflict>> {
    let routes = routes
        .iter()
        .enumerate()
        .map(|(index, (method, path))| Route {
            method: method.clone(),
            path: pattern(path),
            place: KeyPath::root().key("endpoints").index(index),
            value: (*path).to_owned(),
        });
    Router::build(routes.collect(), options)
}

/// `text` with `{name}` as parameters and `/*` as a wildcard.
pub(super) fn pattern(text: &str) -> PathPattern {
    if text == "/__catchall" {
        return PathPattern {
            text: text.to_owned(),
            segments: Vec::new(),
            wildcard: true,
        };
    }
    let before = text.strip_suffix("/*");
    let segments = before.unwrap_or(text);
    let segments = segments.strip_prefix('/').expect("a leading slash");
    PathPattern {
        text: text.to_owned(),
        segments: segments.split('/').map(segment).collect(),
        wildcard: before.is_some(),
    }
}

fn segment(text: &str) -> Segment {
    let (prefix, param, suffix) = match text.split_once('{') {
        Some((prefix, rest)) => {
            let (name, suffix) = rest.split_once('}').expect("braces are closed");
            (prefix, Some(name.to_owned()), suffix)
        }
        None => (text, None, ""),
    };
    Segment {
        prefix: prefix.to_owned(),
        param,
        suffix: suffix.to_owned(),
    }
}

/// `METHOD PATH[?QUERY] [prefix=VALUE]`
fn parts(request: &str) -> (Method, &str, Option<&str>, Option<&str>) {
    let (method, rest) = request.split_once(' ').expect("METHOD PATH");
    let (target, prefix) = match rest.split_once(" prefix=") {
        Some((target, prefix)) => (target, Some(prefix)),
        None => (rest, None),
    };
    let (path, query) = match target.trim().split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target.trim(), None),
    };
    (method.parse().expect("a method"), path, query, prefix)
}

fn answer(router: &Router<String>, request: &str) -> String {
    let (method, path, query, prefix) = parts(request);
    match router.route(&method, path, query, prefix) {
        Outcome::Found { value, params } => {
            let params = params
                .iter()
                .map(|(name, value)| format!(" {name}={value}"));
            format!("{value}{}", params.collect::<String>())
        }
        Outcome::Redirect { status, location } => format!("{} {location}", status.as_u16()),
        Outcome::MethodNotAllowed { allow } => format!("405 {allow}"),
        Outcome::Options { allow } => format!("options {allow}"),
        Outcome::NotFound => "404".to_owned(),
        Outcome::BadParam(text) => format!("400 {text}"),
    }
}

fn triples<'p>(pieces: &'p [&'p str]) -> impl Iterator<Item = (&'p str, &'p str, &'p str)> {
    pieces.iter().flat_map(move |a| {
        let rest = pieces
            .iter()
            .flat_map(move |b| pieces.iter().map(move |c| (b, c)));
        rest.map(move |(b, c)| (*a, *b, *c))
    })
}
