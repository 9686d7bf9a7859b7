//! No text makes the reader panic, hang or run out of stack.

use std::{fs, path::Path};

use cuttle_config::{Options, load, parse};

const JSON: &str = include_str!("../cases/unknown-keys.json");
const MANIPULATION: &str = include_str!("../cases/manipulation.json");
const COMPOSITION: &str = include_str!("../cases/composition.json");
const SEQUENTIAL: &str = include_str!("../cases/sequential.json");
const YAML: &str = include_str!("../cases/anchors.yaml");
const TOML: &str = include_str!("../cases/nested.toml");

/// Pieces that mean something to one of the parsers.
const PIECES: [&str; 24] = [
    "{", "}", "[", "]", "\"", "'", ":", ",", "\n", "\\", "\\ud800", "*", "&a ", "<<: ", "---\n",
    "- ", "| ", "{x}", "null", "-1e999", "\u{feff}", "é", "\0", "[[a]]\n",
];

/// A sequence of numbers that is the same in every run (xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).unwrap()
    }
}

#[test]
fn damaged_files_are_reported_and_never_panic() {
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let texts = [
        ("k.json", JSON),
        ("k.json", MANIPULATION),
        ("k.json", COMPOSITION),
        ("k.json", SEQUENTIAL),
        ("k.yaml", YAML),
        ("k.toml", TOML),
    ];
    for (name, text) in texts {
        for _ in 0..2000 {
            let mut bytes = text.as_bytes().to_vec();
            for _ in 0..=numbers.below(4) {
                damage(&mut bytes, &mut numbers);
            }
            let text = String::from_utf8_lossy(&bytes);
            if let Err(report) = parse(&text, Path::new(name), &Options::default()) {
                assert!(!report.problems.is_empty(), "{text}");
                assert!(!report.to_string().is_empty(), "{text}");
            }
        }
    }
}

fn damage(bytes: &mut Vec<u8>, numbers: &mut Numbers) {
    if bytes.is_empty() {
        return;
    }
    let at = numbers.below(bytes.len());
    let end = (at + numbers.below(20)).min(bytes.len());
    match numbers.below(5) {
        0 => drop(bytes.drain(at..end)),
        1 => bytes[at] = u8::try_from(numbers.below(256)).unwrap(),
        2 => {
            let copy = bytes[at..end].to_vec();
            bytes.splice(at..at, copy);
        }
        3 => bytes.truncate(at.max(1)),
        _ => {
            let piece = PIECES[numbers.below(PIECES.len())];
            bytes.splice(at..at, piece.bytes());
        }
    }
}

#[test]
fn deep_nesting_is_refused_before_it_reaches_the_stack() {
    let deep = 100_000;
    let cases = [
        ("k.json", "[".repeat(deep)),
        ("k.json", format!("{{\"a\": {}", "{\"a\":".repeat(deep))),
        (
            "k.json",
            format!("{}1{}", "[".repeat(deep), "]".repeat(deep)),
        ),
        ("k.yaml", "[".repeat(deep)),
        ("k.yaml", "- ".repeat(deep)),
        ("k.yaml", "{a: ".repeat(deep)),
        ("k.yaml", "? ".repeat(deep)),
        ("k.yaml", format!("{}1{}", "[".repeat(200), "]".repeat(200))),
        ("k.toml", format!("a = {}", "[".repeat(deep))),
        ("k.toml", format!("a = {}", "{a=".repeat(deep))),
        ("k.toml", format!("{}a = 1", "a.".repeat(deep))),
        ("k.toml", format!("[{}a]", "a.".repeat(deep))),
    ];
    for (name, text) in cases {
        let report = parse(&text, Path::new(name), &Options::default()).unwrap_err();
        assert_eq!(report.problems.len(), 1, "{name}: {report}");
    }
}

#[test]
fn json_and_yaml_may_be_nested_128_levels() {
    for name in ["k.json", "k.yaml"] {
        let nested = |levels: usize| {
            let inner = levels - 1;
            let lists = format!("{}{}", "[".repeat(inner), "]".repeat(inner));
            let text = format!(r#"{{"version": 3, "@comment": {lists}}}"#);
            parse(&text, Path::new(name), &Options::default())
        };
        assert!(nested(128).is_ok(), "{name}");
        let report = nested(129).unwrap_err();
        assert!(report.to_string().contains("deeper than 128"), "{report}");
    }
}

#[test]
fn a_large_file_on_one_line_is_read() {
    let endpoint = r#"{"endpoint": "/a", "method": "GET", "backend": [{"host": "http://a.com"}]},"#;
    let text = format!(
        r#"{{"version": 3, "endpoints": [{}{{"endpoint": "/b", "backend": [{{"host": "a"}}]}}]}}"#,
        endpoint.repeat(5_000)
    );
    let loaded = parse(&text, Path::new("k.json"), &Options::default()).unwrap();
    assert_eq!(loaded.service.endpoints.len(), 5_001);
}

#[test]
fn a_byte_order_mark_is_no_error() {
    for name in ["k.json", "k.yaml", "k.toml"] {
        let text = match name {
            "k.json" => "\u{feff}{\"version\": 3}",
            "k.yaml" => "\u{feff}version: 3",
            _ => "\u{feff}version = 3",
        };
        assert!(
            parse(text, Path::new(name), &Options::default()).is_ok(),
            "{name}"
        );
    }
}

#[test]
fn files_that_cannot_be_read_say_why() {
    let folder = std::env::temp_dir().join(format!("cuttle-config-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let not_text = folder.join("k.json");
    fs::write(&not_text, b"{\n\"version\": 3, \"name\": \"\xff\"}").unwrap();

    let cases = [
        (folder.join("none.json"), "cannot be read"),
        (folder.clone(), "cannot be read"),
        (not_text, "is not UTF-8"),
    ];
    for (file, expected) in cases {
        let report = load(&file, &Options::default()).unwrap_err();
        assert_eq!(report.problems.len(), 1);
        let problem = &report.problems[0];
        assert!(problem.message.contains(expected), "{report}");
        assert_eq!(problem.file.as_deref(), Some(file.as_path()));
    }
    fs::remove_dir_all(&folder).unwrap();
}
