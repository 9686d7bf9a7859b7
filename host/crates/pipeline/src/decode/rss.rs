//! Feeds to data: RSS 0.9x, 1.0 (RDF), 2.0 and Atom, with the field names of
//! KrakenD's `rss` encoding (Go's `gofeed`).
//!
//! The data is `title`, `description`, `language`, `copyright`, `published`,
//! `updated` and `type` (`rss` or `atom`), text that is empty where the feed
//! says nothing; `author`, `categories` and `custom`, which are `null` then;
//! `img_url` where there is an image; and `items`. An item has what it has of
//! `title`, `description`, `content`, `link`, `links`, `updated`,
//! `updatedParsed`, `published`, `publishedParsed`, `author`, `authors`,
//! `guid`, `image`, `categories`, `enclosures`, `dcExt`, `itunesExt`,
//! `extensions` and `custom`. Dates are as written; those that can be read are
//! in UTC under `…Parsed`.
//!
//! # Departures from KrakenD
//!
//! JSON feeds are not read. Texts are not searched for `<img>`, nor are
//! relative links in them resolved. Of the many spellings of dates only those
//! of RFC 2822 and RFC 3339 are understood.

mod atom;
mod channel;
mod text;
mod tree;

use std::{collections::BTreeMap, error::Error as StdError, fmt};

use crate::data::{Document, NodeId};

use text::Person;
use tree::Element;

/// Decodes one feed.
pub(super) fn decode(text: &str) -> Result<Document, FeedError> {
    let root = tree::parse(text)?;
    let (feed, read): (_, ReadItem) = match root.name.to_ascii_lowercase().as_str() {
        "rss" | "rdf" => (channel::read(&root), channel::item),
        "feed" => (atom::read(&root), atom::entry),
        _ => return Err(FeedError::Root(root.name.chars().take(32).collect())),
    };
    let mut writer = Writer {
        document: Document::object(),
    };
    writer.feed(&feed, read);
    Ok(writer.document)
}

/// Reads an item of one format.
type ReadItem = for<'a> fn(&'a Element<'a>) -> Item<'a>;

/// What the formats have in common.
#[derive(Default)]
struct Feed<'a> {
    kind: &'static str,
    title: String,
    description: String,
    language: String,
    copyright: String,
    published: String,
    updated: String,
    author: Option<Person>,
    image: Option<String>,
    categories: Vec<String>,
    /// Elements that [`Writer`] reads one at a time, as there may be many.
    items: Vec<&'a Element<'a>>,
}

/// One entry of a feed.
#[derive(Default)]
struct Item<'a> {
    title: String,
    description: String,
    content: String,
    links: Vec<String>,
    link: String,
    updated: String,
    published: String,
    authors: Vec<Person>,
    guid: String,
    image: Option<String>,
    categories: Vec<String>,
    enclosures: Vec<Enclosure>,
    extensions: Vec<&'a Element<'a>>,
    custom: Vec<(String, String)>,
}

/// A file that belongs to an item.
struct Enclosure {
    url: String,
    length: String,
    kind: String,
}

/// Fields of `dcExt`.
const DUBLIN_CORE: [&str; 16] = [
    "title",
    "creator",
    "author",
    "subject",
    "description",
    "publisher",
    "contributor",
    "date",
    "type",
    "format",
    "identifier",
    "source",
    "language",
    "relation",
    "coverage",
    "rights",
];

/// Fields of `itunesExt`.
const ITUNES: [&str; 12] = [
    "author",
    "block",
    "duration",
    "explicit",
    "keywords",
    "subtitle",
    "summary",
    "isClosedCaptioned",
    "episode",
    "season",
    "order",
    "episodeType",
];

struct Writer {
    document: Document,
}

impl Writer {
    fn feed(&mut self, feed: &Feed<'_>, read: ReadItem) {
        let root = self.document.root();
        for (key, text) in [
            ("title", feed.title.as_str()),
            ("description", &feed.description),
            ("language", &feed.language),
            ("copyright", &feed.copyright),
            ("published", &feed.published),
            ("updated", &feed.updated),
            ("type", feed.kind),
        ] {
            let text = self.document.string(text);
            self.document.insert(root, key, text);
        }
        let author = match &feed.author {
            Some(person) => self.person(person),
            None => self.document.null(),
        };
        self.document.insert(root, "author", author);
        let categories = match feed.categories.as_slice() {
            [] => self.document.null(),
            categories => self.texts(categories),
        };
        self.document.insert(root, "categories", categories);
        let custom = self.document.null();
        self.document.insert(root, "custom", custom);
        if let Some(url) = &feed.image {
            let url = self.document.string(url);
            self.document.insert(root, "img_url", url);
        }
        let items = self.document.array();
        for item in &feed.items {
            let item = self.item(&read(item));
            self.document.push(items, item);
        }
        self.document.insert(root, "items", items);
    }

    fn item(&mut self, item: &Item<'_>) -> NodeId {
        let updated = text::date(&item.updated);
        let published = text::date(&item.published);
        let object = self.fields(&[
            ("title", &item.title),
            ("description", &item.description),
            ("content", &item.content),
            ("link", &item.link),
            ("updated", &item.updated),
            ("updatedParsed", &updated),
            ("published", &item.published),
            ("publishedParsed", &published),
            ("guid", &item.guid),
        ]);
        if !item.links.is_empty() {
            let links = self.texts(&item.links);
            self.document.insert(object, "links", links);
        }
        if let Some(first) = item.authors.first() {
            let author = self.person(first);
            self.document.insert(object, "author", author);
            let authors: Vec<NodeId> = item.authors.iter().map(|one| self.person(one)).collect();
            self.list(object, "authors", authors);
        }
        if let Some(url) = &item.image {
            let image = self.fields(&[("url", url)]);
            self.document.insert(object, "image", image);
        }
        if !item.categories.is_empty() {
            let categories = self.texts(&item.categories);
            self.document.insert(object, "categories", categories);
        }
        if !item.enclosures.is_empty() {
            let enclosures = item.enclosures.iter().map(|enclosure| {
                self.fields(&[
                    ("url", &enclosure.url),
                    ("length", &enclosure.length),
                    ("type", &enclosure.kind),
                ])
            });
            let enclosures = enclosures.collect();
            self.list(object, "enclosures", enclosures);
        }
        self.known_extensions(object, &item.extensions);
        if !item.extensions.is_empty() {
            let extensions = self.extensions(&item.extensions);
            self.document.insert(object, "extensions", extensions);
        }
        if !item.custom.is_empty() {
            let custom = self.map(item.custom.iter().map(|(k, v)| (k.as_str(), v.as_str())));
            self.document.insert(object, "custom", custom);
        }
        object
    }

    /// `dcExt` and `itunesExt`: extensions that have a shape of their own.
    fn known_extensions(&mut self, object: NodeId, extensions: &[&Element<'_>]) {
        if extensions.iter().any(|element| element.prefix == "dc") {
            let core = self.document.object_node();
            for name in DUBLIN_CORE {
                let values: Vec<String> = text::extension_texts(extensions, "dc", name).collect();
                if !values.is_empty() {
                    let values = self.texts(&values);
                    self.document.insert(core, name, values);
                }
            }
            self.document.insert(object, "dcExt", core);
        }
        if extensions.iter().any(|element| element.prefix == "itunes") {
            let first = |name| text::extension_texts(extensions, "itunes", name).next();
            let values = ITUNES.map(|name| (name, first(name).unwrap_or_default()));
            let mut fields: Vec<(&str, &str)> = values
                .iter()
                .map(|(name, value)| (*name, value.as_str()))
                .collect();
            let image = text::itunes_image(extensions).unwrap_or_default();
            fields.push(("image", &image));
            let itunes = self.fields(&fields);
            self.document.insert(object, "itunesExt", itunes);
        }
    }

    /// By prefix, then by name.
    fn extensions(&mut self, elements: &[&Element<'_>]) -> NodeId {
        let mut prefixes: BTreeMap<&str, Vec<&Element<'_>>> = BTreeMap::new();
        for element in elements {
            prefixes.entry(element.prefix).or_default().push(element);
        }
        let members: Vec<(&str, NodeId)> = prefixes
            .into_iter()
            .map(|(prefix, elements)| (prefix, self.by_name(elements)))
            .collect();
        self.document.object_of(members)
    }

    /// Recurses as deep as elements are nested: [`tree::MAX_DEPTH`].
    fn by_name<'a>(&mut self, elements: impl IntoIterator<Item = &'a Element<'a>>) -> NodeId {
        let mut names: BTreeMap<&str, NodeId> = BTreeMap::new();
        for element in elements {
            let extension = self.extension(element);
            let list = *names
                .entry(element.name)
                .or_insert_with(|| self.document.array());
            self.document.push(list, extension);
        }
        self.document.object_of(names)
    }

    fn extension(&mut self, element: &Element<'_>) -> NodeId {
        let attributes = element.attributes.iter();
        let attributes = self.map(attributes.map(|(name, value)| (name.as_str(), value.as_str())));
        let children = self.by_name(&element.children);
        let object = self.document.object_node();
        for (key, text) in [("name", element.name), ("value", element.text.trim())] {
            let text = self.document.string(text);
            self.document.insert(object, key, text);
        }
        self.document.insert(object, "attrs", attributes);
        self.document.insert(object, "children", children);
        object
    }

    fn person(&mut self, person: &Person) -> NodeId {
        self.fields(&[("name", &person.name), ("email", &person.email)])
    }

    /// An object of the texts that are not empty.
    fn fields(&mut self, fields: &[(&str, &str)]) -> NodeId {
        let texts = fields.iter().filter(|(_, text)| !text.is_empty());
        self.map(texts.copied())
    }

    fn map<'a>(&mut self, texts: impl Iterator<Item = (&'a str, &'a str)>) -> NodeId {
        let members: Vec<(&str, NodeId)> = texts
            .map(|(key, text)| (key, self.document.string(text)))
            .collect();
        self.document.object_of(members)
    }

    fn texts(&mut self, texts: &[String]) -> NodeId {
        let list = self.document.array();
        for text in texts {
            let text = self.document.string(text);
            self.document.push(list, text);
        }
        list
    }

    fn list(&mut self, object: NodeId, key: &str, items: Vec<NodeId>) {
        let list = self.document.array();
        for item in items {
            self.document.push(list, item);
        }
        self.document.insert(object, key, list);
    }
}

/// Why a body is no feed that can be decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub(crate) enum FeedError {
    /// There is no element.
    Empty,
    /// It ends within an element.
    Truncated,
    /// Elements are nested too deeply.
    TooDeep,
    /// Not well-formed XML.
    Syntax(String),
    /// The root element is of no feed.
    Root(String),
}

impl fmt::Display for FeedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("Failed to detect feed type"),
            Self::Truncated => f.write_str("unexpected EOF"),
            Self::TooDeep => {
                let depth = tree::MAX_DEPTH;
                write!(f, "elements are nested more than {depth} levels")
            }
            Self::Syntax(message) => write!(f, "no XML: {message}"),
            Self::Root(name) => write!(f, "<{name}> is neither RSS nor Atom"),
        }
    }
}

impl StdError for FeedError {}

#[cfg(test)]
mod tests;
