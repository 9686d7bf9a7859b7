//! What a file says of itself: read without compiling or running it.

mod meaning;
mod sections;

use semver::Version;
use wasmparser::{
    ComponentExport, ComponentImport, CustomSectionReader, Encoding, KnownCustom, MemoryType,
    Parser, Payload, ProducersSectionReader,
};

pub use meaning::{Meaning, meaning};
pub(crate) use sections::settings_schema;
use sections::{DESCRIPTION, SETTINGS_SCHEMA, Sections};

use crate::{LoadError, World, component::check_form, log::printable, world};

/// Imports, exports or tools of one file. Real components have about thirty.
const MAX_NAMES: usize = 1_000;
/// Page of a linear memory, in bytes, unless the memory says otherwise.
const DEFAULT_PAGE_LOG2: u32 = 16;

/// What the file of a plugin says of itself. All texts are the file's own, with
/// control characters escaped.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Facts {
    /// Bytes of the file.
    pub size: usize,
    /// Core modules in it.
    pub modules: usize,
    /// Names of what it imports, sorted.
    pub imports: Vec<String>,
    /// Names of what it exports, sorted.
    pub exports: Vec<String>,
    /// The kinds of plugins it is; none if it is no plugin.
    pub worlds: Vec<World>,
    /// The latest version of the contract that it names.
    pub contract: Option<Version>,
    /// What it was made with, in the order of the file.
    pub producers: Vec<Producer>,
    /// Bytes of memory it begins with.
    pub memory: u64,
    /// The most bytes of memory it can grow to by its own declaration; `None`
    /// leaves that to the limits of the gateway.
    pub max_memory: Option<u64>,
    /// Section `cuttle:description`.
    pub description: Option<String>,
    /// Section `cuttle:settings-schema`: JSON text of a JSON Schema.
    pub settings_schema: Option<String>,
}

/// A language or tool of the section `producers`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Producer {
    /// `language`, `processed-by` or `sdk`.
    pub role: String,
    /// Such as `Rust`.
    pub name: String,
    /// May be empty.
    pub version: String,
}

impl Facts {
    /// Reads the component in `bytes`; `name` is for the error.
    ///
    /// # Errors
    /// [`LoadError::TooLarge`], [`LoadError::NotAComponent`],
    /// [`LoadError::Invalid`] and [`LoadError::Section`]. A file without an
    /// error here may still not load.
    pub fn read(name: &str, bytes: &[u8]) -> Result<Self, LoadError> {
        check_form(name, bytes)?;
        let mut reading = Reading::default();
        reading.all(bytes).map_err(|source| LoadError::Invalid {
            plugin: name.to_owned(),
            source,
        })?;
        reading.finish(name, bytes.len())
    }
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A file that is being read.
#[derive(Default)]
struct Reading {
    /// What is around the current place, outermost first.
    around: Vec<Encoding>,
    modules: usize,
    imports: Vec<String>,
    exports: Vec<String>,
    producers: Vec<Producer>,
    memories: Vec<MemoryType>,
    sections: Sections,
}

impl Reading {
    fn all(&mut self, bytes: &[u8]) -> Result<(), BoxError> {
        for payload in Parser::new(0).parse_all(bytes) {
            self.take(payload?)?;
        }
        Ok(())
    }

    fn take(&mut self, payload: Payload<'_>) -> Result<(), BoxError> {
        let outermost = self.around.len() == 1;
        match payload {
            Payload::Version { encoding, .. } => {
                self.modules += usize::from(encoding == Encoding::Module);
                self.around.push(encoding);
            }
            Payload::End(_) => drop(self.around.pop()),
            Payload::ComponentImportSection(section) if outermost => {
                add(&mut self.imports, section, |it: ComponentImport<'_>| {
                    printable(it.name.name)
                })?;
            }
            Payload::ComponentExportSection(section) if outermost => {
                add(&mut self.exports, section, |it: ComponentExport<'_>| {
                    printable(it.name.name)
                })?;
            }
            Payload::MemorySection(section) => {
                add(&mut self.memories, section, |memory| memory)?;
            }
            Payload::CustomSection(section) => self.custom(&section)?,
            _ => {}
        }
        Ok(())
    }

    /// Those of inner modules count too: linkers leave them there.
    fn custom(&mut self, section: &CustomSectionReader<'_>) -> Result<(), BoxError> {
        match section.as_known() {
            KnownCustom::Producers(producers) => self.made_with(producers),
            _ => {
                self.sections.take(section.name(), section.data());
                Ok(())
            }
        }
    }

    fn made_with(&mut self, section: ProducersSectionReader<'_>) -> Result<(), BoxError> {
        for field in section {
            let field = field?;
            for value in field.values {
                let value = value?;
                let producer = Producer {
                    role: printable(field.name),
                    name: printable(value.name),
                    version: printable(value.version),
                };
                if !self.producers.contains(&producer) {
                    self.producers.push(producer);
                }
                not_too_many(self.producers.len())?;
            }
        }
        Ok(())
    }

    fn finish(mut self, name: &str, size: usize) -> Result<Facts, LoadError> {
        self.imports.sort();
        self.exports.sort();
        let section = |section, text: Result<Option<String>, &'static str>| {
            text.map_err(|message| LoadError::Section {
                plugin: name.to_owned(),
                section,
                message: message.to_owned(),
            })
        };
        let description = section(DESCRIPTION, self.sections.description())?;
        let settings_schema = section(SETTINGS_SCHEMA, self.sections.settings_schema())?;
        Ok(Facts {
            size,
            modules: self.modules,
            worlds: World::of(&self.exports),
            contract: self.contract(),
            memory: self.memory(),
            max_memory: self.max_memory(),
            imports: self.imports,
            exports: self.exports,
            producers: self.producers,
            description: description.map(|text| printable(text.trim())),
            settings_schema,
        })
    }

    fn contract(&self) -> Option<Version> {
        let names = self.imports.iter().chain(&self.exports);
        names.filter_map(|name| world::version(name)).max()
    }

    /// A file may declare more than can be counted.
    fn memory(&self) -> u64 {
        let memories = self.memories.iter();
        memories.fold(0, |sum, one| sum.saturating_add(bytes(one, one.initial)))
    }

    fn max_memory(&self) -> Option<u64> {
        let mut memories = self.memories.iter();
        memories.try_fold(0_u64, |sum, one| {
            Some(sum.saturating_add(bytes(one, one.maximum?)))
        })
    }
}

fn bytes(memory: &MemoryType, pages: u64) -> u64 {
    let log2 = memory.page_size_log2.unwrap_or(DEFAULT_PAGE_LOG2);
    pages.saturating_mul(1_u64.checked_shl(log2).unwrap_or(u64::MAX))
}

/// Adds what `section` holds to `list`.
fn add<'a, T: wasmparser::FromReader<'a>, U>(
    list: &mut Vec<U>,
    section: wasmparser::SectionLimited<'a, T>,
    made: impl Fn(T) -> U,
) -> Result<(), BoxError> {
    for item in section {
        list.push(made(item?));
        not_too_many(list.len())?;
    }
    Ok(())
}

fn not_too_many(number: usize) -> Result<(), BoxError> {
    match number <= MAX_NAMES {
        true => Ok(()),
        false => Err(format!("it lists more than {MAX_NAMES} names of one kind").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A component that has these sections, given as id and content.
    fn component(sections: &[(u8, &[u8])]) -> Vec<u8> {
        let mut bytes = b"\0asm\x0d\0\x01\0".to_vec();
        for (id, content) in sections {
            let length = u8::try_from(content.len()).unwrap();
            bytes.extend([*id, length]);
            bytes.extend_from_slice(content);
        }
        bytes
    }

    fn custom(name: &str, content: &[u8]) -> Vec<u8> {
        let mut section = vec![u8::try_from(name.len()).unwrap()];
        section.extend_from_slice(name.as_bytes());
        section.extend_from_slice(content);
        section
    }

    #[test]
    fn sections_of_the_component_and_of_its_modules_are_found() {
        let description = custom("cuttle:description", b" says \x1b hello\n");
        let mut module = b"\0asm\x01\0\0\0\0".to_vec();
        let schema = custom("cuttle:settings-schema", b"{}");
        module.push(u8::try_from(schema.len()).unwrap());
        module.extend_from_slice(&schema);
        let file = component(&[(0, &description), (1, &module)]);

        let facts = Facts::read("p", &file).unwrap();
        assert_eq!(facts.description.as_deref(), Some("says \\u{1b} hello"));
        assert_eq!(facts.settings_schema.as_deref(), Some("{}"));
        assert_eq!(facts.modules, 1);
        assert!(facts.worlds.is_empty());
    }

    #[test]
    fn memories_beyond_all_numbers_are_no_overflow() {
        // 64-bit, without a maximum, 2^48 pages.
        let memory = [4, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x40];
        let section = [&[2][..], &memory, &memory].concat();
        let mut module = b"\0asm\x01\0\0\0\x05".to_vec();
        module.push(u8::try_from(section.len()).unwrap());
        module.extend_from_slice(&section);

        let facts = Facts::read("p", &component(&[(1, &module)])).unwrap();
        assert_eq!((facts.memory, facts.max_memory), (u64::MAX, None));
    }

    #[test]
    fn sections_that_cannot_be_used_are_said() {
        let long = vec![b'x'; 100];
        for (name, content) in [
            ("cuttle:settings-schema", &b"not json"[..]),
            ("cuttle:settings-schema", b"[]"),
            ("cuttle:settings-schema", b"\xff"),
            ("cuttle:description", b"\xff"),
        ] {
            let file = component(&[(0, &custom(name, content)), (0, &custom("other", &long))]);
            let error = Facts::read("p", &file).unwrap_err();
            assert!(error.to_string().contains(name), "{error}");
        }
    }

    #[test]
    fn a_file_that_breaks_off_anywhere_is_an_error_and_no_panic() {
        let description = custom("cuttle:description", b"text");
        let whole = component(&[(0, &description), (0, &custom("producers", &[1, 2, b'x']))]);
        for length in 0..=whole.len() {
            let _ = Facts::read("p", whole.get(..length).unwrap());
        }
        assert!(Facts::read("p", whole.get(..whole.len() - 1).unwrap()).is_err());
    }
}
