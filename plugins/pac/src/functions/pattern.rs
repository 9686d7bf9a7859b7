//! `shExpMatch`.
//!
//! Browsers make a regular expression of the pattern by replacing `.`, `*` and
//! `?`, so that groups, sets and the like work by accident, and files rely on
//! some of them: `(*.a.com|*.b.com)` and `[0-9]`. Those work here, too; all
//! other characters stand for themselves. Matching takes time in proportion to
//! text times pattern, whatever the pattern.

/// One element of a pattern.
enum Element {
    Literal(char),
    /// `?`.
    One,
    /// `*`.
    Many,
    /// `[a-z]`, `[^a-z]`.
    Set {
        ranges: Vec<(char, char)>,
        negated: bool,
    },
    /// `(one|other)`.
    Group(Vec<Vec<Element>>),
}

/// Depth of groups in groups; what is deeper matches nothing.
const MAX_DEPTH: usize = 16;

/// Whether `pattern` describes all of `subject`.
pub fn matches(subject: &str, pattern: &str) -> bool {
    let subject: Vec<char> = subject.chars().collect();
    let pattern: Vec<char> = pattern.chars().collect();
    let mut rest = pattern.as_slice();
    let Some(alternatives) = parse(&mut rest, 0) else {
        return false;
    };
    let mut start = vec![false; subject.len() + 1];
    start[0] = true;
    let end = any_of(&alternatives, &subject, &start);
    // A `)` without `(` stays over.
    rest.is_empty() && end.last() == Some(&true)
}

/// Reads alternatives up to the end or the `)` of their group.
fn parse(rest: &mut &[char], depth: usize) -> Option<Vec<Vec<Element>>> {
    if depth > MAX_DEPTH {
        return None;
    }
    let mut alternatives = vec![Vec::new()];
    while let Some((first, after)) = rest.split_first() {
        if *first == ')' && depth > 0 {
            return Some(alternatives);
        }
        *rest = after;
        let element = match first {
            '|' => {
                alternatives.push(Vec::new());
                continue;
            }
            '*' => Element::Many,
            '?' => Element::One,
            '[' => set(rest)?,
            '(' => group(rest, depth)?,
            ')' => return None,
            other => Element::Literal(*other),
        };
        alternatives.last_mut()?.push(element);
    }
    (depth == 0).then_some(alternatives)
}

fn group(rest: &mut &[char], depth: usize) -> Option<Element> {
    let alternatives = parse(rest, depth + 1)?;
    let (_, after) = rest.split_first()?;
    *rest = after;
    Some(Element::Group(alternatives))
}

fn set(rest: &mut &[char]) -> Option<Element> {
    let end = rest.iter().position(|c| *c == ']')?;
    let (inside, after) = rest.split_at(end);
    *rest = &after[1..];
    let (negated, mut inside) = match inside {
        ['^' | '!', inside @ ..] => (true, inside),
        inside => (false, inside),
    };
    let mut ranges = Vec::new();
    while let [first, after @ ..] = inside {
        (inside, ranges) = match after {
            ['-', last, after @ ..] => (after, with(ranges, (*first, *last))),
            after => (after, with(ranges, (*first, *first))),
        };
    }
    Some(Element::Set { ranges, negated })
}

fn with<T>(mut list: Vec<T>, item: T) -> Vec<T> {
    list.push(item);
    list
}

/// Positions of `subject` that are reached from those in `from`.
fn any_of(alternatives: &[Vec<Element>], subject: &[char], from: &[bool]) -> Vec<bool> {
    let mut reached = vec![false; from.len()];
    for alternative in alternatives {
        let end = alternative
            .iter()
            .fold(from.to_vec(), |from, element| step(element, subject, &from));
        for (reached, end) in reached.iter_mut().zip(end) {
            *reached |= end;
        }
    }
    reached
}

fn step(element: &Element, subject: &[char], from: &[bool]) -> Vec<bool> {
    match element {
        Element::Many => from
            .iter()
            .scan(false, |seen, here| {
                *seen |= here;
                Some(*seen)
            })
            .collect(),
        Element::Group(alternatives) => any_of(alternatives, subject, from),
        single => std::iter::once(false)
            .chain(
                from.iter()
                    .zip(subject)
                    .map(|(here, character)| *here && single.takes(*character)),
            )
            .collect(),
    }
}

impl Element {
    fn takes(&self, character: char) -> bool {
        match self {
            Self::Literal(literal) => *literal == character,
            Self::Set { ranges, negated } => {
                let inside = |(first, last): &(char, char)| (*first..=*last).contains(&character);
                ranges.iter().any(inside) != *negated
            }
            Self::One => true,
            Self::Many | Self::Group(_) => false,
        }
    }
}
