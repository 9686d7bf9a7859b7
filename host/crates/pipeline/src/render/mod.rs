//! Writes an endpoint's data for the client, by its `output_encoding`.
//!
//! | `output_encoding` | body | `Content-Type` |
//! | --- | --- | --- |
//! | `json` | the data | `application/json; charset=utf-8` |
//! | `json-collection` | the value of `collection`, else `[]` | the same |
//! | `xml` | see [`mod@xml`] | `application/xml` |
//! | `yaml` | see [`mod@yaml`] | `application/yaml; charset=utf-8` |
//! | `string` | `content` if it is a string, else nothing | `text/plain; charset=utf-8` |
//! | `negotiate` | JSON, XML or YAML by `Accept`, see [`accept`] | by what it is |
//!
//! Data that is `null` is no data: JSON says so, YAML writes an empty object,
//! XML an empty element. No answer at all is an empty object in all of them.
//!
//! Documents may be nested ten thousand levels deep: no writer recurses.
//!
//! # What this module does not do
//!
//! It sets no field but the content type. A no-op endpoint never comes here.

mod accept;
mod xml;
mod yaml;

use bytes::Bytes;
use cuttle_config::{Endpoint, OutputEncoding};
use http::HeaderValue;

use crate::data::{Document, Kind};

use accept::Offer;

/// Writes the answers of one endpoint.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Renderer {
    encoding: OutputEncoding,
}

/// A body and what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rendered {
    /// `Content-Type`.
    pub(crate) content_type: HeaderValue,
    /// The body.
    pub(crate) body: Bytes,
}

/// Bytes set aside for an answer at first.
const USUAL_LENGTH: usize = 1024;

impl Renderer {
    /// By `output_encoding` of `endpoint`.
    pub(crate) fn new(endpoint: &Endpoint) -> Self {
        Self {
            encoding: endpoint.output_encoding,
        }
    }

    /// Writes `data`; `None` where no backend answered and that is no failure.
    /// `accept` is the client's `Accept`.
    pub(crate) fn render(self, data: Option<&Document>, accept: Option<&HeaderValue>) -> Rendered {
        match self.encoding {
            OutputEncoding::Json | OutputEncoding::NoOp => json(data),
            OutputEncoding::JsonCollection => collection(data),
            OutputEncoding::Xml => xml(data, "application/xml"),
            OutputEncoding::Yaml => yaml(data),
            OutputEncoding::String => string(data),
            OutputEncoding::Negotiate => match accept::choose(accept) {
                Offer::Json => json(data),
                Offer::Xml => xml(data, "application/xml; charset=utf-8"),
                Offer::Yaml => yaml(data),
            },
        }
    }
}

const JSON: &str = "application/json; charset=utf-8";

fn json(data: Option<&Document>) -> Rendered {
    let Some(document) = data else {
        return rendered(JSON, b"{}".as_slice());
    };
    let mut out = Vec::with_capacity(USUAL_LENGTH);
    document.write_json(document.root(), &mut out);
    rendered(JSON, out)
}

fn collection(data: Option<&Document>) -> Rendered {
    let list = data.and_then(|document| {
        let list = document.get(document.root(), "collection")?;
        Some((document, list))
    });
    let Some((document, list)) = list else {
        return rendered(JSON, b"[]".as_slice());
    };
    let mut out = Vec::with_capacity(USUAL_LENGTH);
    document.write_json(list, &mut out);
    rendered(JSON, out)
}

fn string(data: Option<&Document>) -> Rendered {
    let content = data.and_then(|document| {
        let content = document.get(document.root(), "content")?;
        (document.kind(content) == Kind::String).then(|| document.text(content))
    });
    let body = Bytes::copy_from_slice(content.unwrap_or_default().as_bytes());
    rendered("text/plain; charset=utf-8", body)
}

fn xml(data: Option<&Document>, content_type: &'static str) -> Rendered {
    rendered(content_type, xml::write(data))
}

fn yaml(data: Option<&Document>) -> Rendered {
    rendered("application/yaml; charset=utf-8", yaml::write(data))
}

fn rendered(content_type: &'static str, body: impl Into<Bytes>) -> Rendered {
    Rendered {
        content_type: HeaderValue::from_static(content_type),
        body: body.into(),
    }
}

#[cfg(test)]
mod tests;
