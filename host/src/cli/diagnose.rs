//! Problems for people, with the lines of the source they are about, and for
//! programs, as JSON.

use std::{collections::HashMap, io::IsTerminal, path::PathBuf};

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
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
            .primary_title(title(problem))
            .elements(None::<Origin<'_>>);
        if let Some(file) = &problem.file {
            let place = (file.display().to_string(), problem.line, problem.column);
            group = located(group, place, excerpt.as_ref());
        }
        if let Some(help) = &problem.help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        let renderer = match colours {
            true => Renderer::styled(),
            false => Renderer::plain(),
        };
        renderer.render(&[group])
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
/// which are others where something of the line is left out.
fn located<'a>(
    group: Group<'a>,
    (file, line, column): (String, Option<usize>, Option<usize>),
    excerpt: Option<&'a Excerpt>,
) -> Group<'a> {
    let Some(excerpt) = excerpt else {
        return group.element(origin(file, line, column));
    };
    let before = excerpt.text.get(..excerpt.marked.start).unwrap_or("");
    match column == Some(before.chars().count() + 1) {
        true => group.element(snippet(excerpt).path(file)),
        false => group
            .element(origin(file, line, column))
            .element(snippet(excerpt)),
    }
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
