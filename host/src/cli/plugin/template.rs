//! What a new project consists of.
//!
//! The template of a language is its example, `examples/plugins/<language>`,
//! with another name and other paths, so that what is written is what is shown
//! and tested. The contract comes along, and for Rust the author kit, which is
//! in no registry: a project builds without a checkout of the gateway.

use std::path::PathBuf;

use clap::ValueEnum;

use super::kit;

/// Paths inside of a folder, and contents.
type Files = &'static [(&'static str, &'static [u8])];

mod embedded {
    use super::Files;

    include!(concat!(env!("OUT_DIR"), "/templates.rs"));
}

/// Where the contract is, seen from an example and from a new project.
const CONTRACT: (&str, &str) = ("../../../wit", "wit");
/// The same for the author kit. Two levels deep, because the kit finds the
/// contract at `../../wit`.
const KIT: (&str, &str) = ("../../../plugins/sdk", "vendor/cuttle-plugin-sdk");

/// Languages there is a template for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Language {
    /// Rust, with the author kit.
    Rust,
    /// JavaScript, by componentize-qjs.
    Js,
    /// Python, by componentize-py.
    Python,
    /// C, by clang and wit-bindgen.
    C,
}

impl Language {
    /// The example's files, and the name of the plugin in them.
    fn example(self) -> (Files, &'static str) {
        match self {
            Self::Rust => (embedded::RUST, "hello-rust"),
            Self::Js => (embedded::JAVASCRIPT, "hello-js"),
            Self::Python => (embedded::PYTHON, "hello-python"),
            Self::C => (embedded::C, "hello-c"),
        }
    }
}

/// The files of a project for the plugin `name`, by their paths in it.
///
/// # Errors
/// A template that is broken, which is a mistake of this program.
pub(super) fn project(name: &str, language: Language) -> anyhow::Result<Vec<(PathBuf, Vec<u8>)>> {
    let (example, its_name) = language.example();
    let own = example
        .iter()
        .map(|(path, content)| (path.into(), renamed(content, its_name, name)));
    let contract = embedded::CONTRACT
        .iter()
        .filter(|(path, _)| path.ends_with(".wit"));
    let mut files: Vec<_> = own.chain(below(CONTRACT.1, contract)).collect();
    if language == Language::Rust {
        files.extend(below(KIT.1, embedded::KIT.iter()));
        kit::detach(&mut files, &PathBuf::from(KIT.1).join("Cargo.toml"))?;
    }
    Ok(files)
}

/// The same files in the folder `at`.
fn below<'a>(
    at: &'static str,
    files: impl Iterator<Item = &'a (&'static str, &'static [u8])>,
) -> impl Iterator<Item = (PathBuf, Vec<u8>)> {
    files.map(move |(path, content)| (PathBuf::from(at).join(path), content.to_vec()))
}

/// Object files stay as they are.
fn renamed(content: &[u8], from: &str, to: &str) -> Vec<u8> {
    let Ok(text) = std::str::from_utf8(content) else {
        return content.to_vec();
    };
    text.replace(KIT.0, KIT.1)
        .replace(CONTRACT.0, CONTRACT.1)
        .replace(from, to)
        .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text<'a>(files: &'a [(PathBuf, Vec<u8>)], path: &str) -> &'a str {
        let (_, content) = files
            .iter()
            .find(|(found, _)| found.as_os_str() == path)
            .unwrap_or_else(|| panic!("no {path}"));
        std::str::from_utf8(content).unwrap()
    }

    #[test]
    fn a_project_has_its_own_name_and_needs_nothing_outside_of_it() {
        for language in Language::value_variants() {
            let files = project("my-own", *language).unwrap();
            for (path, content) in &files {
                let text = String::from_utf8_lossy(content);
                assert!(!text.contains("hello-"), "{path:?}");
                // The kit's own way to the contract leads two levels up.
                assert!(!text.contains("../../.."), "{path:?}");
            }
            assert!(text(&files, "krakend.json").contains("\"my-own\""));
            assert!(text(&files, "README.md").lines().count() <= 70, "a page");
            assert!(text(&files, "Makefile").contains("plugins/my-own.wasm"));
            assert!(text(&files, "wit/types.wit").contains("package cuttle:plugin"));
            assert!(!text(&files, ".gitignore").is_empty());
        }
    }

    #[test]
    fn the_kit_of_a_project_belongs_to_no_workspace() {
        let files = project("my-own", Language::Rust).unwrap();
        let manifest = text(&files, "vendor/cuttle-plugin-sdk/Cargo.toml");
        assert!(!manifest.contains("workspace"), "{manifest}");
        assert!(text(&files, "Cargo.toml").contains("path = \"vendor/cuttle-plugin-sdk\""));
    }
}
