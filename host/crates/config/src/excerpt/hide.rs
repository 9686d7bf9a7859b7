//! What of a line may be a secret.

use std::ops::Range;

/// Parts of names whose values are not shown.
const PARTS: [&str; 15] = [
    "auth",
    // Fields for proxies, which are there for credentials.
    "connect_headers",
    "cookie",
    "credential",
    "jwt",
    "key",
    "passphrase",
    "passwd",
    "password",
    "pwd",
    "salt",
    "secret",
    "session",
    "signature",
    "token",
];

/// Names whose values are not shown; as parts they would be of many others. The
/// namespace is nothing but users and their passwords.
const WHOLE: [&str; 3] = ["pass", "sig", "auth/basic"];

/// Ends of names whose values say where a secret is.
const PLACES: [&str; 2] = ["_path", "_url"];

/// Beginnings of values that are credentials.
const SCHEMES: [&str; 3] = ["basic ", "bearer ", "digest "];

/// Whether the value of a configuration's key, a header or a query string with
/// this name may be a secret and is not shown. The one place that decides, for
/// everything that is shown to people: by the names that standards and people
/// give to secrets, in any case of letters.
///
/// Of a namespace only what follows `auth/` counts: `auth/api-keys` is a secret as
/// a whole, `auth/validator` holds other things as well.
#[must_use]
pub fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    if WHOLE.contains(&name.as_str()) {
        return true;
    }
    let is_place = name == "public_key" || PLACES.iter().any(|end| name.ends_with(end));
    let told = name.strip_prefix("auth/").unwrap_or(&name);
    !is_place && PARTS.iter().any(|part| told.contains(part))
}

/// Whether `text` is such a name and can be nothing but a name: as a value it says
/// that a secret comes behind it, as in `["Authorization", "…"]` and
/// `{"name": "Authorization", "value": "…"}`.
#[must_use]
pub fn announces_secret(text: &str) -> bool {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    is_secret(text) && text.bytes().all(is_name)
}

/// Whether a list under this key is one of names, and so no pair of name and value.
#[must_use]
pub fn lists_names(key: &str) -> bool {
    const LISTS: [&str; 6] = ["headers", "query", "params", "allow", "deny", "name"];
    let key = key.to_ascii_lowercase();
    LISTS.iter().any(|part| key.contains(part))
}

/// Goes through a text line by line.
pub(super) struct Hider {
    yaml: bool,
    scope: Scope,
    /// The last key.
    key: String,
    /// What comes next is its value.
    keyed: bool,
    pair: Pair,
    /// The object at hand has a value that announces another, under `value`.
    announced: bool,
}

/// Whether the next value is that of a pair in a list.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pair {
    No,
    /// A list begins, which may be a pair.
    Name,
    /// Its name was that of a secret.
    Value,
}

/// Where the next token stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    Open,
    /// Behind a secret's key, on a line with this indentation.
    Behind(usize),
    /// In so many lists and objects of a secret.
    Within(usize),
}

impl Hider {
    pub(super) fn new(yaml: bool) -> Self {
        Self {
            yaml,
            scope: Scope::Open,
            key: String::new(),
            keyed: false,
            pair: Pair::No,
            announced: false,
        }
    }

    /// For a line all values of which are secret.
    pub(super) fn inside_secret() -> Self {
        Self {
            scope: Scope::Within(usize::MAX / 2),
            ..Self::new(false)
        }
    }

    /// What is to be hidden of the next line.
    pub(super) fn line(&mut self, line: &str) -> Vec<Range<usize>> {
        let indent = line.len() - line.trim_start().len();
        if let (true, Scope::Behind(outer)) = (self.yaml, self.scope) {
            match indent > outer || line.trim_start().starts_with('-') {
                true => return std::iter::once(indent..line.len()).collect(),
                false if line.trim().is_empty() => return Vec::new(),
                false => self.scope = Scope::Open,
            }
        }
        let mut hidden = Vec::new();
        let mut at = indent;
        while at < line.len() {
            at = self.token(line, indent, at, &mut hidden);
        }
        hidden
    }

    /// Takes the token at `at`; says where the next one may begin.
    fn token(
        &mut self,
        line: &str,
        indent: usize,
        at: usize,
        hidden: &mut Vec<Range<usize>>,
    ) -> usize {
        let rest = line.get(at..).unwrap_or("");
        let Some(first) = rest.chars().next() else {
            return line.len();
        };
        let next = at + first.len_utf8();
        match first {
            '{' | '[' => {
                let pair = first == '[' && !lists_names(&self.key);
                self.pair = if pair { Pair::Name } else { Pair::No };
                self.announced &= first == '[';
                self.keyed = false;
                self.scope = match self.scope {
                    Scope::Open => Scope::Open,
                    Scope::Behind(_) => Scope::Within(1),
                    Scope::Within(depth) => Scope::Within(depth.saturating_add(1)),
                };
                return next;
            }
            '}' | ']' => {
                self.pair = Pair::No;
                self.announced &= first != '}';
                self.scope = match self.scope {
                    Scope::Within(depth) if depth > 1 => Scope::Within(depth - 1),
                    _ => Scope::Open,
                };
                return next;
            }
            ':' | '=' | ',' => return next,
            first if first.is_whitespace() => return next,
            _ => {}
        }
        let end = token(line, at).max(next);
        let behind = line.get(end..).unwrap_or("").trim_start();
        if behind.starts_with([':', '=']) {
            self.key(line.get(at..end).unwrap_or(""), indent);
            return end;
        }
        self.value(line, at..end, hidden)
    }

    /// A key, perhaps in quotes, on a line with this indentation.
    fn key(&mut self, key: &str, indent: usize) {
        let name = key.trim_matches(['"', '\'']);
        let of_rule = self.announced && is_value(name);
        if self.scope == Scope::Open && (is_secret(name) || of_rule) {
            self.scope = Scope::Behind(indent);
        }
        self.announced &= !of_rule;
        name.clone_into(&mut self.key);
        self.keyed = true;
    }

    fn value(&mut self, line: &str, value: Range<usize>, hidden: &mut Vec<Range<usize>>) -> usize {
        let text = line.get(value.clone()).unwrap_or("");
        let quoted = text.starts_with(['"', '\'']);
        // Without quotes only a literal is known to end where it seems to.
        let whole = match quoted || is_literal(text) {
            true => value.clone(),
            false => value.start..line.len(),
        };
        let announced = std::mem::replace(&mut self.pair, Pair::No);
        let keyed = std::mem::take(&mut self.keyed);
        if self.scope == Scope::Open && announced == Pair::Value {
            let end = whole.end;
            hidden.push(within_quotes(line, whole));
            return end;
        }
        if self.scope != Scope::Open {
            let block = self.yaml && text.starts_with(['|', '>', '&', '!']);
            if let (false, Scope::Behind(_)) = (block, self.scope) {
                self.scope = Scope::Open;
            }
            let end = whole.end;
            hidden.push(within_quotes(line, whole));
            return end;
        }
        let inner = within_quotes(line, whole);
        if announces_secret(line.get(inner.clone()).unwrap_or("")) {
            match announced {
                Pair::Name => self.pair = Pair::Value,
                _ => self.announced |= keyed,
            }
        }
        let found = credentials(line.get(inner.clone()).unwrap_or(""));
        let found = found
            .into_iter()
            .map(|one| one.start + inner.start..one.end + inner.start);
        let found: Vec<_> = found.collect();
        let end = found
            .last()
            .map_or(value.end, |last| last.end.max(value.end));
        hidden.extend(found);
        end
    }
}

/// Keys of the values of rules about headers.
fn is_value(key: &str) -> bool {
    let keys = ["value", "values"];
    keys.iter().any(|known| known.eq_ignore_ascii_case(key))
}

/// Numbers and words of JSON, which may be followed by anything.
fn is_literal(text: &str) -> bool {
    matches!(text, "true" | "false" | "null") || text.parse::<f64>().is_ok()
}

/// Without the quotes, so that they show that there is a string.
fn within_quotes(line: &str, range: Range<usize>) -> Range<usize> {
    let text = line.get(range.clone()).unwrap_or("");
    let Some(quote) = text.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
        return range;
    };
    let closed = text.len() > 1 && text.ends_with(quote);
    range.start + 1..range.end - usize::from(closed)
}

/// Credentials inside of a value that is no secret as a whole, in order.
fn credentials(text: &str) -> Vec<Range<usize>> {
    let lower = text.to_ascii_lowercase();
    if let Some(scheme) = SCHEMES.iter().find(|scheme| lower.starts_with(**scheme)) {
        return std::iter::once(scheme.len()..text.len()).collect();
    }
    let mut found = Vec::new();
    let mut behind = 0;
    // User information: up to the last `@`, as a password may hold anything.
    if let Some(end) = text.rfind('@') {
        let start = text.find("://").map_or(0, |at| at + 3);
        if start < end {
            found.push(start..end);
            behind = end;
        }
    }
    let Some(query) = text.get(behind..).and_then(|rest| rest.find('?')) else {
        return found;
    };
    let mut at = behind + query + 1;
    for pair in text.get(at..).unwrap_or("").split('&') {
        if let Some((name, value)) = pair.split_once('=')
            && is_secret(name)
            && !value.is_empty()
        {
            let start = at + name.len() + 1;
            found.push(start..start + value.len());
        }
        at += pair.len() + 1;
    }
    found
}

/// End of the token that begins at `start`: a string, a bracket or a word.
pub(super) fn token(line: &str, start: usize) -> usize {
    let rest = line.get(start..).unwrap_or("");
    let mut characters = rest.char_indices();
    let Some((_, first)) = characters.next() else {
        return line.len();
    };
    if matches!(first, '"' | '\'') {
        let mut escaped = false;
        for (at, character) in characters {
            match character {
                _ if escaped => escaped = false,
                '\\' if first == '"' => escaped = true,
                end if end == first => return start + at + 1,
                _ => {}
            }
        }
        return line.len();
    }
    if "{}[],:=".contains(first) {
        return start + first.len_utf8();
    }
    let ends = |(at, character): &(usize, char)| match character {
        ',' | '{' | '}' | '[' | ']' | '"' | '=' => true,
        // `http://` is a word, `key: ` is not.
        ':' => {
            let next = rest.get(at + 1..).and_then(|rest| rest.chars().next());
            next.is_none_or(|next| next.is_whitespace() || matches!(next, '"' | '\'' | '{' | '['))
        }
        character => character.is_whitespace(),
    };
    let end = characters.find(ends);
    end.map_or(line.len(), |(at, _)| start + at)
}
