//! Makes data of a backend's answer, by the backend's `encoding`.
//!
//! 1. [`read_body`] reads the body to its end, undoes its content codings and
//!    stops at a limit.
//! 2. A [`Decoder`] reads it as JSON, XML, a feed, YAML or text. Whatever it
//!    was, the result is a [`Document`] whose root is an object, or `null`
//!    where the backend had nothing to say.
//!
//! Backends are not trusted: nesting, aliases and everything else that may grow
//! out of few bytes is bounded, no external entity or document is ever loaded,
//! and nothing here recurses over what a backend sent deeper than a named bound.
//!
//! # What this module does not do
//!
//! It looks at no status and filters no field.

mod body;
mod charset;
mod coding;
mod rss;
mod xml;
mod yaml;

use std::{error::Error as StdError, fmt};

use bytes::Bytes;
use cuttle_config::{Backend, Encoding};
use http::HeaderValue;

use crate::data::{Document, JsonError, Kind, MAX_DEPTH, decode_json};

pub(crate) use body::{BodyError, read_body};

/// The member that holds what a list becomes.
const COLLECTION: &str = "collection";

/// The member that holds what is neither an object nor a list.
const CONTENT: &str = "content";

/// Decodes the answers of one backend.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Decoder {
    encoding: Encoding,
    is_collection: bool,
}

impl Decoder {
    /// By `encoding` and `is_collection` of `backend`.
    pub(crate) fn new(backend: &Backend) -> Self {
        Self {
            encoding: backend.encoding,
            is_collection: backend.manipulation.is_collection,
        }
    }

    /// Decodes a whole body. `content_type` tells the charset of an XML
    /// document that does not tell it itself.
    ///
    /// The root is an object, or `null`: nothing.
    ///
    /// # Errors
    ///
    /// See [`DecodeError`].
    pub(crate) fn decode(
        self,
        content_type: Option<&HeaderValue>,
        body: Bytes,
    ) -> Result<Document, DecodeError> {
        match self.encoding {
            Encoding::Json => self.json(&body),
            Encoding::SafeJson => safe_json(&body),
            Encoding::Xml => {
                let text = charset::decode(content_type, &body)?;
                let document = xml::decode(&text).map_err(DecodeError::Xml)?;
                Ok(self.collected(document))
            }
            Encoding::Rss => {
                let text = charset::decode(content_type, &body)?;
                rss::decode(&text).map_err(DecodeError::Feed)
            }
            Encoding::Yaml => self.yaml(content_type, &body),
            Encoding::String => Ok(text(&body)),
            // Its body is a stream: the pipeline does not come here with it.
            Encoding::NoOp => Ok(nothing()),
        }
    }

    fn json(self, body: &Bytes) -> Result<Document, DecodeError> {
        let document = decode_json(body, MAX_DEPTH).map_err(DecodeError::Json)?;
        self.shaped(document)
    }

    fn yaml(
        self,
        content_type: Option<&HeaderValue>,
        body: &[u8],
    ) -> Result<Document, DecodeError> {
        let text = charset::decode(content_type, body)?;
        let document = yaml::decode(&text).map_err(DecodeError::Yaml)?;
        self.shaped(document)
    }

    /// An object, or with `is_collection` a list; `null` is either.
    fn shaped(self, document: Document) -> Result<Document, DecodeError> {
        let found = document.kind(document.root());
        let wanted = match (self.is_collection, found) {
            (false, Kind::Object | Kind::Null) => return Ok(document),
            (true, Kind::Array | Kind::Null) => return Ok(under(COLLECTION, document)),
            (false, _) => JsonError::MAP,
            (true, _) => JsonError::LIST,
        };
        Err(DecodeError::Json(JsonError::Shape { found, wanted }))
    }

    fn collected(self, document: Document) -> Document {
        if self.is_collection {
            under(COLLECTION, document)
        } else {
            document
        }
    }
}

fn safe_json(body: &Bytes) -> Result<Document, DecodeError> {
    let document = decode_json(body, MAX_DEPTH).map_err(DecodeError::Json)?;
    Ok(match document.kind(document.root()) {
        Kind::Object => document,
        Kind::Array => under(COLLECTION, document),
        _ => under(CONTENT, document),
    })
}

/// Text in no particular format. Each byte that is no UTF-8 becomes a U+FFFD,
/// as it would in the JSON that Go writes.
fn text(body: &[u8]) -> Document {
    let mut text = String::new();
    for chunk in body.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    let mut document = Document::object();
    let content = document.string(&text);
    document.insert(document.root(), CONTENT, content);
    document
}

fn nothing() -> Document {
    let mut document = Document::object();
    let null = document.null();
    document.set_root(null);
    document
}

fn under(key: &str, mut document: Document) -> Document {
    let object = document.object_node();
    let root = document.root();
    document.insert(object, key, root);
    document.set_root(object);
    document
}

/// Why a body could not be decoded.
///
/// `Display` is the whole reason: it is what a client gets to see where
/// `router.return_error_msg` is on, and for JSON it is KrakenD's text. So there
/// is no `source` to tell the same again.
#[derive(Debug)]
#[non_exhaustive]
pub(crate) enum DecodeError {
    /// It is no JSON, or YAML, of the shape that is wanted here.
    Json(JsonError),
    /// It is no XML.
    Xml(xml::XmlError),
    /// It is no feed.
    Feed(rss::FeedError),
    /// It is no YAML.
    Yaml(yaml::YamlError),
    /// Its characters cannot be read.
    Charset(charset::CharsetError),
}

impl From<charset::CharsetError> for DecodeError {
    fn from(error: charset::CharsetError) -> Self {
        Self::Charset(error)
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(error) => error.fmt(f),
            Self::Xml(error) => error.fmt(f),
            Self::Feed(error) => error.fmt(f),
            Self::Yaml(error) => error.fmt(f),
            Self::Charset(error) => error.fmt(f),
        }
    }
}

impl StdError for DecodeError {}

#[cfg(test)]
mod tests;
