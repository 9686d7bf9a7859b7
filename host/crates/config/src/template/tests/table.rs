//! Templates and what they make, as files.

use super::{super::functions::Functions, rendered};

const CASES: &str = include_str!("../cases.txt");
const FUNCTIONS: &str = include_str!("../functions.txt");

/// What a case expects.
enum Expected<'a> {
    Output(&'a str),
    Error(&'a str),
}

fn cases(file: &'static str) -> Vec<(usize, &'static str, Expected<'static>)> {
    let mut cases = Vec::new();
    let mut template: Option<(usize, &str)> = None;
    for (index, line) in file.lines().enumerate() {
        let number = index + 1;
        let expected = if let Some(output) = line.strip_prefix("= ") {
            Expected::Output(output)
        } else if line == "=" {
            Expected::Output("")
        } else if let Some(error) = line.strip_prefix("! ") {
            Expected::Error(error)
        } else {
            if !line.is_empty() && !line.starts_with('#') {
                assert!(
                    template.is_none(),
                    "line {number}: the case before lacks its result"
                );
                template = Some((number, line));
            }
            continue;
        };
        let (number, template) = template.take().unwrap();
        cases.push((number, template, expected));
    }
    assert!(template.is_none(), "the last case lacks its result");
    cases
}

fn failures(file: &'static str) -> Vec<String> {
    let plain = |text: &str| text.replace('⏎', "\n").replace('⇥', "\t");
    let failures = cases(file)
        .into_iter()
        .filter_map(|(line, template, expected)| {
            let result = rendered(&plain(template));
            let fits = match (&result, &expected) {
                (Ok(output), Expected::Output(expected)) => *output == plain(expected),
                (Err(error), Expected::Error(expected)) => match expected.strip_prefix("...") {
                    Some(end) => error.ends_with(&plain(end)),
                    None => *error == plain(expected),
                },
                _ => false,
            };
            let (Expected::Output(wanted) | Expected::Error(wanted)) = expected;
            (!fits).then(|| {
                format!("line {line}: {template}\n  wanted {wanted:?}\n  got    {result:?}")
            })
        });
    failures.collect()
}

#[test]
fn every_construct_makes_what_go_makes() {
    let failures = failures(CASES);
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn every_function_makes_what_sprig_makes() {
    let failures = failures(FUNCTIONS);
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn there_is_a_case_for_every_function() {
    let text = format!("{CASES}\n{FUNCTIONS}");
    let is_letter = |c: char| c.is_alphanumeric() || c == '_';
    let used: std::collections::BTreeSet<_> = text.split(|c| !is_letter(c)).collect();
    let names = Functions::new().names();
    let missing: Vec<_> = names
        .into_iter()
        .filter(|name| !used.contains(name))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
    let count = cases(CASES).len() + cases(FUNCTIONS).len();
    assert!(count > 300, "only {count} cases found");
}
