//! sprig: words and lines.

use super::{Call, Function, Returned, Type, function};

const TEXT: Type = Type::Text;
const INT: Type = Type::Int;

pub(super) const FUNCTIONS: &[Function] = &[
    function("title", &[TEXT], |call| call.text(title(call.str(0)))),
    function("untitle", &[TEXT], |call| {
        call.text(first_letters(call.str(0), |c| c.to_lowercase().collect()))
    }),
    function("swapcase", &[TEXT], |call| {
        call.text(swap_case(call.costly(0)?))
    }),
    function("initials", &[TEXT], |call| {
        let words = call.str(0).split_whitespace();
        call.text(
            words
                .filter_map(|word| word.chars().next())
                .collect::<String>(),
        )
    }),
    function("nospace", &[TEXT], |call| {
        call.text(call.str(0).split_whitespace().collect::<String>())
    }),
    function("camelcase", &[TEXT], |call| {
        call.text(camel_case(call.costly(0)?))
    }),
    function("snakecase", &[TEXT], |call| {
        call.text(words(call.costly(0)?).join("_"))
    }),
    function("kebabcase", &[TEXT], |call| {
        call.text(words(call.costly(0)?).join("-"))
    }),
    function("abbrev", &[INT, TEXT], abbrev),
    function("abbrevboth", &[INT, INT, TEXT], abbrev_both),
    function("wrap", &[INT, TEXT], |call| {
        wrapped(call, call.costly(1)?, "\n", false)
    }),
    function("wrapWith", &[INT, TEXT, TEXT], |call| {
        wrapped(call, call.costly(2)?, call.str(1), true)
    }),
];

/// Go's `strings.Title`: a word begins behind what is no letter, digit or `_`.
fn title(text: &str) -> String {
    let mut inside = false;
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if inside {
            out.push(c);
        } else {
            out.extend(c.to_uppercase());
        }
        inside = match c {
            '_' => true,
            c if c.is_ascii() => c.is_ascii_alphanumeric(),
            c => !c.is_whitespace(),
        };
    }
    out
}

/// Changes the first letter behind each white space.
fn first_letters(text: &str, change: fn(char) -> String) -> String {
    let mut first = true;
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if first && !c.is_whitespace() {
            out.push_str(&change(c));
        } else {
            out.push(c);
        }
        first = c.is_whitespace();
    }
    out
}

fn swap_case(text: &str) -> String {
    let swapped = text.chars().flat_map(|c| -> Vec<char> {
        if c.is_uppercase() {
            c.to_lowercase().collect()
        } else {
            c.to_uppercase().collect()
        }
    });
    swapped.collect()
}

/// `http_server` to `HttpServer`. Separators at the edges stay.
fn camel_case(text: &str) -> String {
    let separator = |c: char| matches!(c, '_' | '-' | ' ');
    let front = text.len() - text.trim_start_matches(separator).len();
    let (front, rest) = text.split_at(front);
    let middle = rest.trim_end_matches(separator);
    let back = rest.get(middle.len()..).unwrap_or("");
    let words = middle.split(separator).map(|word| {
        let mut letters = word.chars();
        match letters.next() {
            Some(first) => first
                .to_uppercase()
                .chain(letters.flat_map(lower(word)))
                .collect(),
            // Two separators next to each other: one stays.
            None => "_".to_owned(),
        }
    });
    format!("{front}{}{back}", words.collect::<String>())
}

/// A word in capitals loses them; any other keeps the ones it has.
fn lower(word: &str) -> impl Fn(char) -> Vec<char> + use<> {
    let shouted = !word.chars().any(char::is_lowercase);
    move |c| {
        if shouted {
            c.to_lowercase().collect()
        } else {
            vec![c]
        }
    }
}

/// What a reader takes for words: apart by separators, by capitals, and a
/// number that other letters follow. In small letters.
fn words(text: &str) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    let mut words = vec![String::new()];
    for (index, c) in letters.iter().enumerate() {
        if matches!(c, '_' | '-' | ' ') {
            words.push(String::new());
            continue;
        }
        let before = index.checked_sub(1).and_then(|index| letters.get(index));
        let behind = letters.get(index + 1);
        let starts = match before {
            Some(before) if c.is_uppercase() => {
                before.is_lowercase()
                    || before.is_numeric()
                    || (before.is_uppercase() && behind.is_some_and(|c| c.is_lowercase()))
            }
            Some(before) if c.is_numeric() => {
                before.is_alphabetic() && number_is_word(&letters, index)
            }
            _ => false,
        };
        if starts {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.extend(c.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// `http2xx` is `http`, `2xx`; `Bld4Floor` is `bld4`, `floor`.
fn number_is_word(letters: &[char], index: usize) -> bool {
    let rest = letters.get(index..).unwrap_or(&[]);
    let next = rest.iter().find(|c| !c.is_numeric());
    next.is_some_and(|c| c.is_lowercase())
}

/// At most so many characters, the last three of them dots.
fn abbrev(call: &Call<'_>) -> Returned {
    let text = call.str(1);
    let width = usize::try_from(call.int(0)).unwrap_or(0);
    if width < 4 || text.len() <= width {
        return call.text(text);
    }
    call.text(format!("{}...", super::strings::cut(text, 0, width - 3)))
}

/// Cut at both ends.
fn abbrev_both(call: &Call<'_>) -> Returned {
    let text = call.str(2);
    let left = usize::try_from(call.int(0)).unwrap_or(0);
    let width = usize::try_from(call.int(1)).unwrap_or(0);
    if width < 4 || (left > 0 && width < 7) || text.len() <= width {
        return call.text(text);
    }
    let left = left.min(text.len());
    if text.len() - left < width - 3 || left <= 4 {
        let (start, end) = if left <= 4 {
            return call.text(format!("{}...", super::strings::cut(text, 0, width - 3)));
        } else {
            (text.len() - (width - 3), text.len())
        };
        return call.text(format!("...{}", super::strings::cut(text, start, end)));
    }
    let end = left + width - 6;
    if end >= text.len() {
        let start = text.len() - (width - 3);
        return call.text(format!(
            "...{}",
            super::strings::cut(text, start, text.len())
        ));
    }
    call.text(format!("...{}...", super::strings::cut(text, left, end)))
}

/// Lines of at most so many characters. A longer word has a line of its own,
/// or is cut, if `cuts`.
fn wrapped(call: &Call<'_>, text: &str, newline: &str, cuts: bool) -> Returned {
    let width = usize::try_from(call.int(0)).unwrap_or(0).max(1);
    let letters: Vec<char> = text.chars().collect();
    let part = |start: usize, end: usize| -> String {
        letters.get(start..end).unwrap_or(&[]).iter().collect()
    };
    let mut out = String::new();
    let mut start = 0;
    while letters.len() - start > width {
        call.heap.step(1)?;
        call.heap.room(newline.len())?;
        if letters.get(start) == Some(&' ') {
            start += 1;
            continue;
        }
        let line = letters.get(start..=start + width).unwrap_or(&[]);
        let space = line.iter().rposition(|c| *c == ' ');
        let behind = || {
            let rest = letters.get(start + width..).unwrap_or(&[]);
            rest.iter()
                .position(|c| *c == ' ')
                .map(|place| place + width)
        };
        let (end, next) = match space {
            Some(space) => (start + space, start + space + 1),
            None if cuts => (start + width, start + width),
            None => match behind() {
                Some(space) => (start + space, start + space + 1),
                None => break,
            },
        };
        out.push_str(&part(start, end));
        out.push_str(newline);
        start = next;
    }
    out.push_str(&part(start, letters.len()));
    call.text(out)
}
