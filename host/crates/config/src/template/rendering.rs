//! A rendered text, and the way back from it to the templates.

use std::path::PathBuf;

use super::origin::Origins;
use crate::{Problem, RenderedPlace, Severity};

/// What the templates made. Has no `Debug`: it may hold secrets.
pub(crate) struct Rendering {
    pub(super) text: String,
    pub(super) origins: Origins,
    /// Files the templates are from, with their texts.
    pub(super) templates: Vec<(PathBuf, String)>,
    /// What the parser took the text for; problems name it.
    pub(super) name: PathBuf,
    /// The file that keeps the text, if one does.
    pub(super) kept: Option<PathBuf>,
}

impl Rendering {
    /// A problem with the rendered text as one with the template that wrote
    /// the place.
    pub(crate) fn traced(&self, mut problem: Problem) -> Problem {
        let (Some(line), Some(column)) = (problem.line, problem.column) else {
            return problem;
        };
        if problem.file.as_ref() != Some(&self.name) {
            return problem;
        }
        problem.rendered = Some(Box::new(RenderedPlace {
            file: self.kept.clone(),
            line,
            column,
        }));
        let text = match &self.kept {
            Some(file) => file.display().to_string(),
            None => "the rendered text".to_owned(),
        };
        problem.message = format!(
            "{} (line {line}, column {column} of {text})",
            problem.message
        );
        let found = self.origins.find(offset(&self.text, line, column));
        if let Some((source, offset)) = found
            && let Some((file, text)) = self.templates.get(source)
        {
            let (line, column) = place(text, offset);
            problem.file = Some(file.clone());
            problem.line = Some(line);
            problem.column = Some(column);
        }
        problem
    }

    /// Several problems; the first error tells how to see the rendered text.
    pub(super) fn traced_all(&self, problems: Vec<Problem>) -> Vec<Problem> {
        let mut problems: Vec<_> = problems
            .into_iter()
            .map(|problem| self.traced(problem))
            .collect();
        let mut errors = problems.iter_mut();
        if self.kept.is_none()
            && let Some(first) = errors.find(|problem| problem.severity == Severity::Error)
        {
            let advice = "FC_OUT=FILE keeps the rendered text";
            first.help = Some(match first.help.take() {
                Some(help) => format!("{help}; {advice}"),
                None => advice.to_owned(),
            });
        }
        problems
    }
}

/// Byte offset of a line and column, both from 1.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let mut rest = text;
    for _ in 1..line {
        rest = rest.split_once('\n').map_or("", |(_, rest)| rest);
    }
    let start = text.len() - rest.len();
    let skipped = rest.chars().take(column.saturating_sub(1));
    start + skipped.map(char::len_utf8).sum::<usize>()
}

/// Line and column of a byte offset, both from 1.
pub(super) fn place(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let column = before.get(start..).unwrap_or("").chars().count() + 1;
    (line, column)
}
