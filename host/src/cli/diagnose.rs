//! Problems for people, with the lines of the source they are about, and for
//! programs, as JSON.

use std::{collections::HashMap, io::IsTerminal, path::PathBuf};

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Padding, Renderer, Snippet};
use cuttle_pipeline::config::{Excerpt, KeyPath, Problem, Severity, SourceText};
use serde_json::{Value, json};

/// The files that problems are about, each read once.
#[derive(Default)]
pub(super) struct Diagnosis {
    files: HashMap<PathBuf, Option<SourceText>>,
}

impl Diagnosis {
    /// What a person is shown about `problem`. Coloured for a terminal.
    pub(super) fn graphic(&mut self, problem: &Problem, colours: bool) -> String {
        let excerpt = self.excerpt(problem);
        let level = match problem.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let mut group = level
            .clone()
            .primary_title(title(problem))
            .elements(None::<Origin<'_>>);
        let mut groups = Vec::new();
        if let Some(file) = &problem.file {
            let place = (file.display().to_string(), problem.line, problem.column);
            let (header, rest) = located(group, level, place, excerpt.as_ref());
            groups.extend(header);
            group = rest;
        }
        if let Some(help) = &problem.help {
            if !groups.is_empty() {
                group = group.element(Padding);
            }
            group = group.element(Level::HELP.message(help.as_str()));
        }
        groups.push(group);
        let renderer = match colours {
            true => Renderer::styled(),
            false => Renderer::plain(),
        };
        match groups.len() {
            1 => renderer.render(&groups),
            _ => joined(&renderer.render(&groups)),
        }
    }

    /// The same for a program.
    pub(super) fn json(&mut self, problem: &Problem) -> Value {
        let excerpt = self.excerpt(problem);
        let rendered = problem.rendered.as_ref().map(|place| {
            json!({
                "file": place.file.as_ref().map(|file| file.display().to_string()),
                "line": place.line,
                "column": place.column,
            })
        });
        json!({
            "severity": problem.severity.to_string(),
            "place": problem.path.as_str(),
            "message": problem.message,
            "help": problem.help,
            "file": problem.file.as_ref().map(|file| file.display().to_string()),
            "line": problem.line,
            "column": problem.column,
            "end_line": excerpt.as_ref().map(|excerpt| excerpt.line),
            "end_column": excerpt.as_ref().map(|excerpt| excerpt.end_column),
            "rendered": rendered,
        })
    }

    fn excerpt(&mut self, problem: &Problem) -> Option<Excerpt> {
        let file = problem.file.as_ref()?;
        let source = self.files.entry(file.clone());
        let source = source.or_insert_with(|| SourceText::read(file));
        source.as_ref()?.of(problem)
    }
}

/// Whether standard error takes colours (<https://no-color.org>).
pub(super) fn colours() -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
    !refused && !dumb && std::io::stderr().is_terminal()
}

fn title(problem: &Problem) -> String {
    match problem.path == KeyPath::root() {
        true => problem.message.clone(),
        false => format!("{}: {}", problem.path, problem.message),
    }
}

/// Adds where it is and what stands there. The renderer counts columns itself,
/// which are others where something of the line is left out: then the place is a
/// group of its own, as in one group an excerpt without a path looks like one of
/// a second file.
fn located<'a>(
    group: Group<'a>,
    level: Level<'a>,
    (file, line, column): (String, Option<usize>, Option<usize>),
    excerpt: Option<&'a Excerpt>,
) -> (Option<Group<'a>>, Group<'a>) {
    let Some(excerpt) = excerpt else {
        return (None, group.element(origin(file, line, column)));
    };
    let before = excerpt.text.get(..excerpt.marked.start).unwrap_or("");
    match column == Some(before.chars().count() + 1) {
        true => (None, group.element(snippet(excerpt).path(file))),
        false => (
            Some(group.element(origin(file, line, column))),
            Group::with_level(level).element(snippet(excerpt)),
        ),
    }
}

/// One group ends with the line that the next one begins with.
fn joined(groups: &str) -> String {
    let mut lines: Vec<_> = groups.lines().map(str::trim_end).collect();
    lines.dedup();
    lines.join("\n")
}

fn origin(file: String, line: Option<usize>, column: Option<usize>) -> Origin<'static> {
    let origin = Origin::path(file);
    match (line, column) {
        (Some(line), Some(column)) => origin.line(line).char_column(column),
        (Some(line), None) => origin.line(line),
        _ => origin,
    }
}

fn snippet(excerpt: &Excerpt) -> Snippet<'_, annotate_snippets::Annotation<'_>> {
    Snippet::source(excerpt.text.as_str())
        .line_start(excerpt.line)
        .annotation(AnnotationKind::Primary.span(excerpt.marked.clone()))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use cuttle_pipeline::config::{Options, parse};

    use super::*;

    fn shown(folder: &Path, text: &str) -> Vec<String> {
        let file = folder.join("krakend.json");
        std::fs::write(&file, text).unwrap();
        let report = parse(text, &file, &Options::default()).unwrap_err();
        let mut diagnosis = Diagnosis::default();
        let problems = report.problems.iter();
        let shown = problems.map(|problem| diagnosis.graphic(problem, false));
        let folder = format!("{}/", folder.display());
        shown.map(|text| text.replace(&folder, "")).collect()
    }

    #[test]
    fn a_problem_is_shown_with_its_line_a_caret_and_a_hint() {
        let folder = tempfile::tempdir().unwrap();
        let shown = shown(
            folder.path(),
            "{\n  \"version\": 2,\n  \"endpoints\": []\n}\n",
        );
        let text = shown.first().unwrap();
        assert!(text.starts_with("error: version: "), "{text}");
        for part in [
            " --> krakend.json:2:3\n",
            "2 |   \"version\": 2,\n",
            "  |   ^^^^^^^^^^^^\n",
            "= help: ",
        ] {
            assert!(text.contains(part), "{part}:\n{text}");
        }
    }

    #[test]
    fn of_a_long_line_the_place_and_what_stands_there_are_shown() {
        let folder = tempfile::tempdir().unwrap();
        let endpoint =
            r#"{"endpoint":"/a","backend":[{"url_pattern":"/","host":["http://a:80"]}]}"#;
        let many = vec![endpoint; 70].join(",");
        let text = format!(
            r#"{{"endpoints":[{many}],"version":2,"name":"{}"}}"#,
            "n".repeat(200)
        );
        let shown = shown(folder.path(), &text);
        let column = text.find("\"version\"").unwrap() + 1;
        let lines: Vec<_> = shown.first().unwrap().lines().collect();
        let [_, place, bar, excerpt, caret, end, _] = lines.as_slice() else {
            panic!("{lines:#?}");
        };
        assert_eq!(*place, format!(" --> krakend.json:1:{column}"));
        assert_eq!((*bar, *end), ("  |", "  |"));
        assert!(excerpt.starts_with("1 | …"), "{excerpt}");
        let chars = |text: &str| text.chars().count();
        let (before, _) = excerpt.split_once("\"version\":2").unwrap();
        let (blank, carets) = caret.split_once('^').unwrap();
        assert_eq!((chars(blank), chars(carets) + 1), (chars(before), 11));
        assert!(lines.iter().all(|line| !line.contains(":::")), "{lines:#?}");
        assert!(lines.iter().all(|line| chars(line) < 300), "{lines:#?}");
        assert!(
            lines.last().unwrap().starts_with("  = help: "),
            "{lines:#?}"
        );
    }

    #[test]
    fn colours_are_escapes_and_without_them_there_are_none() {
        let report = parse("{}", Path::new("k.json"), &Options::default()).unwrap_err();
        let problem = report.problems.first().unwrap();
        let mut diagnosis = Diagnosis::default();
        assert!(diagnosis.graphic(problem, true).contains('\u{1b}'));
        assert!(!diagnosis.graphic(problem, false).contains('\u{1b}'));
    }

    #[test]
    fn no_secret_of_the_line_is_shown() {
        let folder = tempfile::tempdir().unwrap();
        let text = r#"{ "proxy_password": "hunter2", "p": "http://al:hunter2@p:1", "version": 2 }"#;
        let shown = shown(folder.path(), text).join("\n");
        assert!(shown.contains("\"version\": 2"), "{shown}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
