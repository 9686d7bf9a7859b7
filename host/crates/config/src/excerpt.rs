//! Excerpts of a source for people: the line of a problem, with what may be a
//! secret in it hidden.
//!
//! Excerpts end up in terminals, CI logs and bug reports, and so must hold no
//! secrets, also where the text is broken: the text is scanned for what looks
//! like one, whatever the format, and rather too much is hidden.

mod hide;
#[cfg(test)]
mod tests;

use std::{ops::Range, path::Path, sync::OnceLock};

use crate::{KeyPath, Problem, read};
use hide::Hider;

pub use hide::{announces_secret, is_secret, lists_names};

/// The text of a file, for [`excerpt`](Self::excerpt). Has no `Debug`: it may
/// hold secrets.
pub struct SourceText {
    lines: Vec<Line>,
}

/// What is known of a line before there is a problem with it: one line may be the
/// whole file, and each of its keys a problem.
struct Line {
    text: String,
    /// Where each [`STRIDE`]th character begins.
    strides: Vec<usize>,
    /// What is not to be shown, in order.
    hidden: Vec<Range<usize>>,
    /// The same for a line inside of a secret.
    all_hidden: OnceLock<Vec<Range<usize>>>,
}

/// Characters between places of a line that are known.
const STRIDE: usize = 256;

/// One line of a source, without secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Excerpt {
    /// Number of the line, from 1.
    pub line: usize,
    /// The line; a long one is cut around what is marked.
    pub text: String,
    /// Bytes of `text` that the problem is about: a key, with its value if that
    /// is no list or object.
    pub marked: Range<usize>,
    /// Column behind what is marked, in characters of the source, from 1.
    pub end_column: usize,
}

/// `text` with what may be a secret hidden, as an excerpt shows it. For text that
/// need not be whole: something that looks like JSON, a form or a URL.
#[must_use]
pub fn without_secrets(text: &str) -> String {
    let mut hider = Hider::new(false);
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let mut at = 0;
        for hidden in hider.line(line.trim_end_matches('\n')) {
            out.push_str(line.get(at..hidden.start).unwrap_or(""));
            out.push_str(HIDDEN);
            at = hidden.end;
        }
        out.push_str(line.get(at..).unwrap_or(""));
    }
    out
}

/// What stands for a secret.
const HIDDEN: &str = "***";
/// Stands where a long line has been cut.
const CUT: &str = "…";
/// Bytes of a line that are shown on each side of what is marked. Minified files
/// are one line.
const AROUND: usize = 100;
/// Bytes that are marked at most.
const MARKED: usize = 120;

impl SourceText {
    /// Of a text whose format is that of files called `name`.
    #[must_use]
    pub fn new(text: &str, name: &Path) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let extension = name.extension().and_then(|e| e.to_str()).unwrap_or("");
        let mut hider = Hider::new(["yml", "yaml"].contains(&extension));
        let line = |line| Line::new(line, &mut hider);
        Self {
            lines: text.lines().map(line).collect(),
        }
    }

    /// Of `file`; `None` if it cannot be read.
    #[must_use]
    pub fn read(file: &Path) -> Option<Self> {
        let text = read::text(file).ok()?;
        Some(Self::new(&text, file))
    }

    /// The line of `problem`, which is one with this text.
    #[must_use]
    pub fn of(&self, problem: &Problem) -> Option<Excerpt> {
        self.excerpt(problem.line?, problem.column.unwrap_or(1), &problem.path)
    }

    /// The line at a place, both from 1. `path` is the key that stands there.
    #[must_use]
    pub fn excerpt(&self, line: usize, column: usize, path: &KeyPath) -> Option<Excerpt> {
        let index = line.checked_sub(1)?;
        let line_text = self.lines.get(index)?;
        let text = line_text.text.as_str();
        let inside_secret = path.as_str().split(['.', '[', ']', '"']).any(is_secret);
        let hidden = line_text.hidden(inside_secret);
        let (start, before) = line_text.byte_of(column);
        let end = token_end(text, start).min(start + MARKED);
        let end = (start..=end).rev().find(|&at| text.is_char_boundary(at));
        let marked = start..end.unwrap_or(start);
        let within = text.get(marked.clone()).unwrap_or("").chars().count();
        Some(shown(text, hidden, marked).at(line, before + within + 1))
    }
}

impl Line {
    fn new(text: &str, hider: &mut Hider) -> Self {
        let strides = text.char_indices().step_by(STRIDE).map(|(at, _)| at);
        Self {
            strides: strides.collect(),
            hidden: hider.line(text),
            all_hidden: OnceLock::new(),
            text: text.to_owned(),
        }
    }

    fn hidden(&self, inside_secret: bool) -> &[Range<usize>] {
        match inside_secret {
            true => self
                .all_hidden
                .get_or_init(|| Hider::inside_secret().line(&self.text)),
            false => &self.hidden,
        }
    }

    /// Byte of a column, which counts characters from 1, and how many of them
    /// are before it: all of them where the line has no such column.
    fn byte_of(&self, column: usize) -> (usize, usize) {
        let wanted = column.saturating_sub(1);
        let stride = (wanted / STRIDE).min(self.strides.len().saturating_sub(1));
        let from = self.strides.get(stride).copied().unwrap_or(0);
        let rest = self.text.get(from..).unwrap_or("");
        let (mut at, mut passed) = (from, stride * STRIDE);
        for character in rest.chars().take(wanted.saturating_sub(passed)) {
            at += character.len_utf8();
            passed += 1;
        }
        (at, passed)
    }
}

impl Excerpt {
    fn at(self, line: usize, end_column: usize) -> Self {
        Self {
            line,
            end_column,
            ..self
        }
    }
}

/// End of what begins at `start`: of a key's value, if that is no list or object.
fn token_end(text: &str, start: usize) -> usize {
    let key = hide::token(text, start);
    let rest = text.get(key..).unwrap_or("");
    let Some(value) = rest.trim_start().strip_prefix([':', '=']) else {
        return key;
    };
    let value = value.trim_start();
    if value.is_empty() || value.starts_with(['{', '[', '|', '>']) {
        return key;
    }
    hide::token(text, text.len() - value.len())
}

/// `text` without what is `hidden`, cut around `marked`.
fn shown(text: &str, hidden: &[Range<usize>], marked: Range<usize>) -> Excerpt {
    let from = boundary(text, marked.start.saturating_sub(AROUND));
    let to = boundary(text, (marked.end + AROUND).min(text.len()));
    let mut out = String::new();
    if from > 0 {
        out.push_str(CUT);
    }
    let (mut start, mut end) = (None, None);
    let mut at = from;
    let mut piece = |out: &mut String, upto: usize, replaced: Option<&str>| {
        // Where a mark falls into something hidden it takes all of it.
        let offset = |mark: usize, out: &String| match replaced {
            Some(_) => out.len(),
            None => out.len() + (mark - at),
        };
        if start.is_none() && (at..upto.max(at + 1)).contains(&marked.start) {
            start = Some(offset(marked.start, out));
        }
        let ends = end.is_none() && (at..=upto).contains(&marked.end);
        if ends && replaced.is_none() {
            end = Some(offset(marked.end, out));
        }
        out.push_str(replaced.unwrap_or_else(|| text.get(at..upto).unwrap_or("")));
        if ends && replaced.is_some() {
            end = Some(out.len());
        }
        at = upto;
    };
    let mut behind = from;
    let first = hidden.partition_point(|range| range.end <= from);
    let near = hidden.iter().skip(first);
    for range in near.take_while(|range| range.start < to) {
        let (begin, stop) = (range.start.clamp(behind, to), range.end.clamp(behind, to));
        if begin < stop {
            piece(&mut out, begin, None);
            piece(&mut out, stop, Some(HIDDEN));
            behind = stop;
        }
    }
    piece(&mut out, to, None);
    let start = start.unwrap_or(out.len());
    let end = end.unwrap_or(out.len()).max(start);
    if to < text.len() {
        out.push_str(CUT);
    }
    Excerpt {
        line: 0,
        text: out,
        marked: start..end,
        end_column: 0,
    }
}

/// The next boundary of a character at or before `at`.
fn boundary(text: &str, at: usize) -> usize {
    let found = (0..=at).rev().find(|&at| text.is_char_boundary(at));
    found.unwrap_or(0)
}
