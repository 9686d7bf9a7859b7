//! Takes the secrets out of a case.
//!
//! What stands under the name of a secret is hidden, wherever that is: in
//! fields, settings, queries and JSON. The same text is hidden where it turns
//! up again, so that the case still fits together: what the plugin makes of a
//! hidden password is compared with what it made of the real one, hidden. A
//! body that is no text is hidden as a whole.

use std::collections::BTreeSet;

use cuttle_pipeline::config::{announces_secret, is_secret, lists_names, without_secrets};
use serde_json::Value;

use crate::cases::{Case, Content, Fields, HIDDEN, Values};

/// Shorter texts are not looked for elsewhere: they are everywhere.
const MIN_SECRET: usize = 4;
/// Between the pairs of a query or a form.
const SEPARATORS: [char; 4] = ['?', '&', '#', '\n'];
/// Longer names of pairs are no names.
const MAX_NAME: usize = 64;
/// What names of fields and keys of secrets have in them, beside what holds for
/// configurations: rather too much hidden than too little.
const MORE: [&str; 3] = ["auth", "key", "session"];

/// Hides the secrets of `case`.
pub(super) fn redact(case: &mut Case) {
    let mut found = Secrets::default();
    for secret in std::mem::take(&mut case.secrets) {
        found.add(&secret);
        found.known.insert(secret);
    }
    visit(case, &mut |text| found.note(text));
    visit(case, &mut |text| found.hide(text));
}

/// `text`, of which nothing else is known, without its secrets.
pub(crate) fn redacted(text: &str) -> String {
    let mut found = Secrets::default();
    let mut text = text.to_owned();
    found.note(Text::Free(&mut text));
    found.hide(Text::Free(&mut text));
    text
}

/// A text of a case, with what is known of it.
enum Text<'a> {
    /// The value of a field, of a setting.
    Named(&'a str, &'a mut String),
    /// The names of its secrets are in it, if there are any: a URI, a body.
    Free(&'a mut String),
}

fn visit(case: &mut Case, act: &mut dyn FnMut(Text<'_>)) {
    for (key, value) in &mut case.settings {
        visit_value(key, value, act);
    }
    case.grants
        .proxies
        .iter_mut()
        .for_each(|text| act(Text::Free(text)));
    act(Text::Free(&mut case.name));
    act(Text::Free(&mut case.request.uri));
    visit_message(&mut case.request.headers, case.request.body.as_mut(), act);
    for exchange in &mut case.outside {
        let uris = [&mut exchange.via, &mut exchange.uri];
        uris.into_iter()
            .flatten()
            .for_each(|text| act(Text::Free(text)));
        visit_message(&mut exchange.headers, exchange.body.as_mut(), act);
        let answer = &mut exchange.answer;
        visit_message(&mut answer.headers, answer.body.as_mut(), act);
    }
    let expect = &mut case.expect;
    visit_message(&mut expect.headers, expect.body.as_mut(), act);
}

fn visit_message(fields: &mut Fields, body: Option<&mut Content>, act: &mut dyn FnMut(Text<'_>)) {
    for (name, values) in fields {
        let values = match values {
            Values::One(value) => std::slice::from_mut(value),
            Values::Many(values) => values,
        };
        values
            .iter_mut()
            .for_each(|value| act(Text::Named(name, value)));
    }
    match body {
        Some(Content::Text(text)) => act(Text::Free(text)),
        // What is compressed or encoded cannot be looked through.
        Some(body @ Content::Base64(_)) => *body = Content::Text(HIDDEN.to_owned()),
        Some(Content::Json(_)) | None => {}
    }
}

fn visit_value(name: &str, value: &mut Value, act: &mut dyn FnMut(Text<'_>)) {
    match value {
        Value::String(text) => act(Text::Named(name, text)),
        Value::Number(_) if hides(name) => *value = HIDDEN.into(),
        Value::Array(items) => match announced(name, items) {
            Some((secret, value)) => visit_value(&secret, value, act),
            None => items
                .iter_mut()
                .for_each(|item| visit_value(name, item, act)),
        },
        Value::Object(members) => {
            let mut texts = members.values().filter_map(Value::as_str);
            let announced = texts.find(|text| announces_secret(text)).map(str::to_owned);
            for (key, value) in members {
                let announced = announced.as_deref().filter(|_| is_value(key));
                let name = announced.unwrap_or(if hides(name) { name } else { key });
                visit_value(name, value, act);
            }
        }
        _ => {}
    }
}

/// The value in a pair such as `["Authorization", "…"]`, with its name.
fn announced<'a>(name: &str, items: &'a mut [Value]) -> Option<(String, &'a mut Value)> {
    match items {
        [Value::String(first), value] if announces_secret(first) && !lists_names(name) => {
            Some((first.clone(), value))
        }
        _ => None,
    }
}

/// Keys of the values of rules about headers, whose names stand beside them.
fn is_value(key: &str) -> bool {
    matches!(key.to_ascii_lowercase().as_str(), "value" | "values")
}

/// Whether what has this name is a secret.
fn hides(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    is_secret(name) || MORE.iter().any(|part| lower.contains(part))
}

/// The secrets of a case.
#[derive(Default)]
struct Secrets {
    /// Looked for everywhere.
    everywhere: BTreeSet<String>,
    /// Known by other means than their names, however short.
    known: BTreeSet<String>,
}

impl Secrets {
    fn note(&mut self, text: Text<'_>) {
        match text {
            Text::Named(name, value) if hides(name) => self.add_with_parts(value),
            Text::Named(_, text) | Text::Free(text) => self.note_inside(text),
        }
    }

    /// User information, pairs of a query or a form, and JSON.
    fn note_inside(&mut self, text: &str) {
        for secret in credentials(text) {
            self.add(secret);
        }
        if let Some(mut value) = json(text) {
            visit_value("", &mut value, &mut |text| {
                if let Text::Named(name, value) = text
                    && hides(name)
                {
                    self.add(value);
                }
            });
        }
    }

    /// `Bearer x` is found again as `x`, `a=x; Path=/` as `x`.
    fn add_with_parts(&mut self, value: &str) {
        self.add(value);
        let (_, token) = value.split_once(' ').unwrap_or(("", value));
        self.add(token);
        for pair in value.split([';', ',']) {
            if let Some((name, value)) = pair.split_once('=')
                && !is_attribute(name.trim())
            {
                self.add(value.trim().trim_matches('"'));
            }
        }
    }

    fn add(&mut self, text: &str) {
        if text.len() >= MIN_SECRET && text != HIDDEN {
            self.everywhere.insert(text.to_owned());
        }
    }

    fn hide(&self, text: Text<'_>) {
        match text {
            Text::Named(name, value) if hides(name) || self.known.contains(&*value) => {
                HIDDEN.clone_into(value);
            }
            Text::Named(_, text) | Text::Free(text) => self.hide_inside(text),
        }
    }

    fn hide_inside(&self, text: &mut String) {
        let is_json = json(text).map(|mut value| {
            if hide_members(&mut value, false) {
                *text = value.to_string();
            }
        });
        // Broken off, or several in a row.
        if is_json.is_none() && looks_like_json(text) {
            *text = without_secrets(text);
        }
        *text = without_credentials(text);
        // Longer ones first: one may be part of another.
        let mut secrets: Vec<_> = self.everywhere.iter().collect();
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        for secret in secrets {
            if text.contains(secret.as_str()) {
                *text = text.replace(secret.as_str(), HIDDEN);
            }
        }
    }
}

/// Attributes of cookies (RFC 6265, section 5.2), whose values are no secrets.
fn is_attribute(name: &str) -> bool {
    const ATTRIBUTES: [&str; 6] = [
        "expires", "max-age", "domain", "path", "samesite", "priority",
    ];
    ATTRIBUTES
        .iter()
        .any(|known| known.eq_ignore_ascii_case(name))
}

/// An object or a list.
fn json(text: &str) -> Option<Value> {
    looks_like_json(text).then(|| serde_json::from_str(text).ok())?
}

fn looks_like_json(text: &str) -> bool {
    text.trim_start().starts_with(['{', '['])
}

/// Whether something was hidden.
fn hide_members(value: &mut Value, secret: bool) -> bool {
    match value {
        Value::Object(members) => {
            let mut hidden = false;
            for (key, value) in members {
                hidden |= hide_members(value, secret || hides(key));
            }
            hidden
        }
        Value::Array(items) => {
            let mut hidden = false;
            for item in items {
                hidden |= hide_members(item, secret);
            }
            hidden
        }
        Value::String(_) | Value::Number(_) if secret => {
            *value = HIDDEN.into();
            true
        }
        _ => false,
    }
}

/// The values of pairs (`name=value`) with names of secrets, and user
/// information of a URL.
fn credentials(text: &str) -> Vec<&str> {
    let mut found: Vec<_> = text.split(SEPARATORS).filter_map(secret_of).collect();
    for user in users(text) {
        found.push(user);
        found.extend(user.split_once(':').map(|(_, password)| password));
    }
    found
}

/// User information of all URLs in a text.
fn users(text: &str) -> impl Iterator<Item = &str> {
    let rests = text.split("://").skip(1);
    rests.filter_map(|rest| {
        let authority = rest.split(['/', '?', '#', ' ', '"']).next()?;
        Some(authority.rsplit_once('@')?.0)
    })
}

/// The value of a pair with the name of a secret.
fn secret_of(pair: &str) -> Option<&str> {
    let (name, value) = pair.split_once('=')?;
    let plain = name.len() < MAX_NAME && !name.contains(['"', '<', '{', ' ']);
    (plain && hides(name) && !value.is_empty()).then_some(value)
}

/// Also those that are too short to be looked for everywhere.
fn without_credentials(text: &str) -> String {
    let pieces = text.split_inclusive(SEPARATORS);
    let clean: String = pieces.map(without_value).collect();
    users(&clean).fold(clean.clone(), |text, user| {
        text.replace(&format!("://{user}@"), &format!("://{HIDDEN}@"))
    })
}

/// A pair, perhaps with the separator behind it.
fn without_value(piece: &str) -> String {
    let pair = piece.trim_end_matches(SEPARATORS);
    let separator = piece.strip_prefix(pair).unwrap_or("");
    match (secret_of(pair), pair.split_once('=')) {
        (Some(_), Some((name, _))) => format!("{name}={HIDDEN}{separator}"),
        _ => piece.to_owned(),
    }
}

#[cfg(test)]
mod tests;
