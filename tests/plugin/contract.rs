//! What was published stays: the text of the contract, its meaning to old
//! components, and the components themselves.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use cuttle_plugin::{Binding, CONTRACT, Plugin};
use cuttle_tests::repository;
use sha2::{Digest, Sha256};

use crate::support::{Origin, binding, call, engine, get, read};

/// Every file of every published version, as it was on the day. A line is added
/// with a version and never changed.
const PUBLISHED: [(&str, &str, &str); 3] = [
    (
        "0.1.0",
        "capabilities.wit",
        "6b3b5c185e6fadd461c8d2bf3f8e1548638f8b57c68a09355ef672626ca46497",
    ),
    (
        "0.1.0",
        "http-client.wit",
        "ffee9c2e763bb5c8835f933c8bf02939625f60de8524b95288946072678bdd91",
    ),
    (
        "0.1.0",
        "types.wit",
        "c0b9a99cbec11ce60317f447c27b6f25d8cc9f7951d4367be39ba3c90abe3911",
    ),
];

fn published() -> PathBuf {
    repository().join("wit/published")
}

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.collect()
}

fn versions() -> BTreeSet<&'static str> {
    PUBLISHED.iter().map(|(version, _, _)| *version).collect()
}

#[test]
fn published_text_is_what_it_was() {
    for (version, file, digest) in PUBLISHED {
        let text = fs::read(published().join(version).join(file)).unwrap();
        let found: String = Sha256::digest(&text)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_eq!(
            found, digest,
            "wit/published/{version}/{file} has changed: it is published, so put it back"
        );
    }
}

#[test]
fn all_that_is_published_is_in_the_table() {
    assert_eq!(
        names(&published()),
        versions().iter().map(ToString::to_string).collect()
    );
    for version in versions() {
        let listed = PUBLISHED.iter().filter(|(of, _, _)| *of == version);
        let listed: BTreeSet<_> = listed.map(|(_, file, _)| (*file).to_owned()).collect();
        assert_eq!(names(&published().join(version)), listed, "{version}");
    }
}

/// The parts of a text: each `interface` and each `world`, with its lines that
/// mean something.
fn parts(folder: &Path) -> BTreeMap<String, Vec<String>> {
    let mut parts = BTreeMap::<_, Vec<_>>::new();
    for name in names(folder)
        .into_iter()
        .filter(|name| name.ends_with(".wit"))
    {
        let text = fs::read_to_string(folder.join(name)).unwrap();
        let mut part = None;
        for line in text.lines().map(str::trim) {
            if line.is_empty() || line.starts_with("//") || line.starts_with("package") {
                continue;
            }
            let begins = line.starts_with("interface ") || line.starts_with("world ");
            if begins {
                part = Some(line.trim_end_matches('{').trim().to_owned());
            }
            let part = part.clone().expect("nothing stands outside of a part");
            parts.entry(part).or_default().push(line.to_owned());
        }
    }
    parts
}

/// An interface does not change at all: what is new has one of its own. (An
/// instance of the type of an old interface has to fit the new one, and a
/// variant with one case more does not.) A world may import more.
#[test]
fn all_that_is_published_is_still_in_the_contract_as_it_was() {
    let current = parts(&repository().join("wit"));
    for version in versions() {
        let old = parts(&published().join(version));
        assert!(old.len() >= 6, "{version}: only {:?}", old.keys());
        for (part, lines) in old {
            let now = current
                .get(&part)
                .unwrap_or_else(|| panic!("{version}: {part} is gone"));
            if part.starts_with("interface ") {
                assert_eq!(now, &lines, "{version}: {part}");
            } else {
                let gone: Vec<_> = lines.iter().filter(|line| !now.contains(line)).collect();
                assert!(gone.is_empty(), "{version}: {part} has lost {gone:?}");
            }
        }
    }
}

#[test]
fn the_gateway_offers_the_version_of_the_text() {
    let text = fs::read_to_string(repository().join("wit/types.wit")).unwrap();
    assert!(text.contains(&format!("package cuttle:plugin@{CONTRACT};")));
    let log = fs::read_to_string(repository().join("wit/CHANGELOG.md")).unwrap();
    for version in versions()
        .into_iter()
        .chain([CONTRACT.to_string().as_str()])
    {
        assert!(
            log.contains(&format!("\n## {version}")),
            "wit/CHANGELOG.md: no {version}"
        );
    }
}

/// Components built for each published version, as they were built then.
fn kept() -> Vec<(String, PathBuf)> {
    let folder = repository().join("tests/compat/contract");
    let mut kept = Vec::new();
    for version in names(&folder) {
        for file in names(&folder.join(&version)) {
            kept.push((version.clone(), folder.join(&version).join(file)));
        }
    }
    kept
}

#[tokio::test]
async fn components_of_every_published_version_load_and_work() {
    let kept = kept();
    let of: BTreeSet<_> = kept.iter().map(|(version, _)| version.as_str()).collect();
    assert_eq!(
        of,
        versions(),
        "a version without a component proves nothing"
    );
    for (version, file) in kept {
        let component = engine().load("kept", &fs::read(&file).unwrap()).unwrap();
        let made_for = format!("@{version}");
        let imports = component.imports().iter();
        let mut ours = imports.filter(|import| import.starts_with("cuttle:plugin/"));
        assert!(ours.all(|import| import.ends_with(&made_for)), "{file:?}");
        let proxy = Origin::start().await;
        let binding = Binding {
            settings: format!(r#"{{"proxy_address": "{}"}}"#, proxy.url("")),
            ..binding()
        };
        let plugin = Plugin::bind(&component, binding).await.unwrap();
        let answer = call(&plugin, get("http://origin.test/x")).await.unwrap();
        assert_eq!(read(answer).await, "ok", "{file:?}");
        assert_eq!(proxy.seen()[0].target, "http://origin.test/x", "{file:?}");
    }
}
