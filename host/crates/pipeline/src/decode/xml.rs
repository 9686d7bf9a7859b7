//! XML to data, as KrakenD does it (Go's `encoding/xml` under `mxj`).
//!
//! | XML | data |
//! | --- | --- |
//! | `<a>text</a>` | `"a": "text"` |
//! | `<a/>`, `<a></a>` | `"a": ""` |
//! | `<a b="1"><c/></a>` | `"a": {"-b": "1", "c": ""}` |
//! | `<a b="1">text</a>`, `<a>text<c/></a>` | `#text` beside the others |
//! | `<a/><a/>` | a list |
//! | `<x:a xmlns:x="u">` | `"a": {"-x": "u"}`: prefixes are dropped |
//!
//! Every leaf is a string without white space around it. Comments, processing
//! instructions and the document type are passed over; what follows the root
//! element is not looked at.
//!
//! Entities are the five of XML and character references. A document type
//! declares none here, so none can multiply or load anything.
//!
//! # Departure from KrakenD
//!
//! Text that a comment or a CDATA section cuts into pieces is joined; KrakenD
//! keeps the last piece and loses the others.

use std::{error::Error as StdError, fmt};

use quick_xml::{
    Reader,
    escape::{resolve_xml_entity, unescape},
    events::{BytesRef, BytesStart, Event},
};

use crate::data::{Document, MAX_DEPTH, NodeId};

/// Decodes one document; an object with the root element as its only member.
pub(super) fn decode(text: &str) -> Result<Document, XmlError> {
    let mut builder = Builder {
        document: Document::object(),
        open: Vec::new(),
    };
    let mut reader = Reader::from_str(text);
    loop {
        let done = match reader.read_event().map_err(|error| broken(&error))? {
            Event::Start(start) => builder.start(&start)?,
            Event::Empty(start) => {
                builder.start(&start)?;
                builder.end()
            }
            Event::End(_) => builder.end(),
            Event::Text(text) => builder.text(&text.xml10_content()),
            Event::CData(text) => builder.text(&text.xml10_content()),
            Event::GeneralRef(reference) => builder.reference(&reference)?,
            Event::Eof if builder.open.is_empty() => return Err(XmlError::Empty),
            Event::Eof => return Err(XmlError::Truncated),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => None,
        };
        if let Some((name, value)) = done {
            let document = &mut builder.document;
            document.insert(document.root(), &name, value);
            return Ok(builder.document);
        }
    }
}

struct Builder {
    document: Document,
    open: Vec<Open>,
}

/// An element that has not ended.
struct Open {
    name: String,
    /// Attributes, then elements, in their order.
    members: Vec<(String, NodeId)>,
    /// Text since the last tag.
    run: String,
    /// The first text, if it stood in front of all members.
    leading: Option<String>,
    /// The last of the other texts.
    trailing: Option<String>,
}

/// The root element, once it has ended.
type Root = Option<(String, NodeId)>;

impl Builder {
    fn start(&mut self, start: &BytesStart<'_>) -> Result<Root, XmlError> {
        if self.open.len() >= MAX_DEPTH {
            return Err(XmlError::TooDeep);
        }
        if let Some(outer) = self.open.last_mut() {
            outer.end_run();
        }
        let mut members = Vec::new();
        // Checking for repeated names would compare each with each.
        for attribute in start.attributes().with_checks(false) {
            let attribute = attribute.map_err(|error| XmlError::Syntax(error.to_string()))?;
            let value =
                unescape(&attribute.value).map_err(|error| XmlError::Syntax(error.to_string()))?;
            let name = local(attribute.key.as_ref())?;
            members.push((format!("-{name}"), self.document.string(&value)));
        }
        self.open.push(Open {
            name: local(start.name().as_ref())?.to_owned(),
            members,
            run: String::new(),
            leading: None,
            trailing: None,
        });
        Ok(None)
    }

    fn end(&mut self) -> Root {
        let mut ended = self.open.pop()?;
        ended.end_run();
        let text = ended.leading.or(ended.trailing);
        let value = if ended.members.is_empty() {
            self.document.string(&text.unwrap_or_default())
        } else {
            if let Some(text) = text {
                let text = self.document.string(&text);
                ended.members.push(("#text".to_owned(), text));
            }
            self.object(ended.members)
        };
        match self.open.last_mut() {
            None => Some((ended.name, value)),
            Some(outer) => {
                outer.members.push((ended.name, value));
                None
            }
        }
    }

    /// An object in which elements of one name are a list. Of attributes of one
    /// name, which only prefixes told apart, the last stays.
    fn object(&mut self, mut members: Vec<(String, NodeId)>) -> NodeId {
        members.sort_by(|(a, _), (b, _)| a.cmp(b));
        let mut unique: Vec<(&str, NodeId)> = Vec::with_capacity(members.len());
        for same in members.chunk_by(|(a, _), (b, _)| a == b) {
            let Some((name, last)) = same.last() else {
                continue;
            };
            let value = if same.len() > 1 && !name.starts_with('-') {
                let list = self.document.array();
                for (_, element) in same {
                    self.document.push(list, *element);
                }
                list
            } else {
                *last
            };
            unique.push((name, value));
        }
        self.document.object_of(unique)
    }

    fn text(&mut self, text: &str) -> Root {
        if let Some(open) = self.open.last_mut() {
            open.run.push_str(text);
        }
        None
    }

    fn reference(&mut self, reference: &BytesRef<'_>) -> Result<Root, XmlError> {
        let unknown = || XmlError::Entity(reference.chars().take(32).collect());
        let character = reference.resolve_char_ref().map_err(|_| unknown())?;
        Ok(match character {
            Some(character) => self.text(character.encode_utf8(&mut [0; 4])),
            None => self.text(resolve_xml_entity(reference).ok_or_else(unknown)?),
        })
    }
}

impl Open {
    fn end_run(&mut self) {
        let text = std::mem::take(&mut self.run);
        // Go's list of what is no text: XML's white space, and backspace.
        let text = text.trim_matches(['\t', '\r', '\n', ' ', '\u{8}']);
        if !text.is_empty() {
            let place = if self.members.is_empty() {
                &mut self.leading
            } else {
                &mut self.trailing
            };
            *place = Some(text.to_owned());
        }
    }
}

/// A name without its prefix.
fn local(name: &str) -> Result<&str, XmlError> {
    let local = name.split_once(':').map_or(name, |(_, local)| local);
    if local.is_empty() || local.starts_with(['-', '.', '#']) {
        return Err(XmlError::Syntax(format!("{name:?} is not a name")));
    }
    Ok(local)
}

fn broken(error: &quick_xml::Error) -> XmlError {
    XmlError::Syntax(error.to_string())
}

/// Why a body is no XML that can be decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub(crate) enum XmlError {
    /// There is no element.
    Empty,
    /// It ends within an element.
    Truncated,
    /// Elements are nested too deeply.
    TooDeep,
    /// A reference to an entity that is none of XML's own.
    Entity(String),
    /// Not well-formed.
    Syntax(String),
}

impl fmt::Display for XmlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("EOF"),
            Self::Truncated => f.write_str("unexpected EOF"),
            Self::TooDeep => write!(f, "XML elements are nested more than {MAX_DEPTH} levels"),
            Self::Entity(name) => write!(f, "entity {name:?} is none of XML's own"),
            Self::Syntax(message) => write!(f, "no XML: {message}"),
        }
    }
}

impl StdError for XmlError {}

#[cfg(test)]
mod tests;
