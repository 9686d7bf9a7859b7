//! The elements of a feed.

use quick_xml::{
    Reader,
    events::{BytesStart, Event},
};

use super::{FeedError, text::unescape};

/// Levels that elements may be nested: feeds have five, and some markup of web
/// pages inside. It bounds what recurses over elements.
pub(super) const MAX_DEPTH: usize = 200;

/// Namespaces that may be in scope at a time; more of them are not looked at.
/// Each element looks through them.
const MAX_DECLARED: usize = 64;

/// One element.
#[derive(Default)]
pub(super) struct Element<'a> {
    /// The usual prefix of its namespace, else the one it has; empty for what
    /// has none.
    pub(super) prefix: &'a str,
    /// Without prefix.
    pub(super) name: &'a str,
    /// Names without prefix.
    pub(super) attributes: Vec<(String, String)>,
    /// What stands between its tags, as written.
    pub(super) inner: &'a str,
    /// Its own text.
    pub(super) text: String,
    pub(super) children: Vec<Element<'a>>,
}

impl<'a> Element<'a> {
    /// An attribute's value; empty where there is none.
    pub(super) fn attribute(&self, name: &str) -> &str {
        let found = self.attributes.iter().find(|(key, _)| key == name);
        found.map_or("", |(_, value)| value)
    }

    /// The first child with this prefix and name.
    pub(super) fn child(&self, prefix: &str, name: &str) -> Option<&Self> {
        let mut children = self.children.iter();
        children.find(|child| child.prefix == prefix && child.name.eq_ignore_ascii_case(name))
    }

    /// Whether it belongs to neither RSS nor Atom.
    pub(super) fn is_extension(&self) -> bool {
        !matches!(self.prefix, "" | "rss" | "rdf" | "content")
    }
}

/// Reads the root element; what follows it is not looked at.
///
/// More lenient than the `xml` encoding, as feeds are written by hand: lone
/// `&`s and entities of HTML are text.
pub(super) fn parse(text: &str) -> Result<Element<'_>, FeedError> {
    let mut reader = Reader::from_str(text);
    reader.config_mut().allow_dangling_amp = true;
    let mut open: Vec<Open<'_>> = Vec::new();
    let mut scope = Scope::default();
    loop {
        let before = position(&reader);
        let event = reader
            .read_event()
            .map_err(|error| FeedError::Syntax(error.to_string()))?;
        let ended = match event {
            Event::Start(start) => {
                if open.len() >= MAX_DEPTH {
                    return Err(FeedError::TooDeep);
                }
                let name = text.get(before + 1..).unwrap_or_default();
                open.push(Open::new(name, &start, &mut scope, position(&reader)));
                None
            }
            Event::Empty(start) => {
                let at = position(&reader);
                let name = text.get(before + 1..).unwrap_or_default();
                Some(Open::new(name, &start, &mut scope, at).end(text, at, &mut scope))
            }
            Event::End(_) => open.pop().map(|open| open.end(text, before, &mut scope)),
            Event::Text(piece) => own_text(&mut open, &piece.xml10_content()),
            Event::CData(piece) => own_text(&mut open, &piece.xml10_content()),
            Event::GeneralRef(name) => own_text(&mut open, &unescape(&format!("&{};", &*name))),
            Event::Eof if open.is_empty() => return Err(FeedError::Empty),
            Event::Eof => return Err(FeedError::Truncated),
            _ => None,
        };
        if let Some(element) = ended {
            match open.last_mut() {
                None => return Ok(element),
                Some(outer) => outer.element.children.push(element),
            }
        }
    }
}

fn position(reader: &Reader<&[u8]>) -> usize {
    usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX)
}

fn own_text<'a>(open: &mut [Open<'a>], piece: &str) -> Option<Element<'a>> {
    if let Some(open) = open.last_mut() {
        open.element.text.push_str(piece);
    }
    None
}

/// An element that has not ended.
struct Open<'a> {
    element: Element<'a>,
    start: usize,
    /// Declarations in scope before its own.
    declared: usize,
}

impl<'a> Open<'a> {
    /// `name` begins with the element's: borrowed from the document, as there
    /// may be millions of elements.
    fn new(name: &'a str, start: &BytesStart<'_>, scope: &mut Scope, at: usize) -> Self {
        let declared = scope.declared.len();
        let mut attributes = Vec::new();
        for attribute in start.attributes().with_checks(false).flatten() {
            let value = unescape(&attribute.value);
            let key: &str = attribute.key.as_ref();
            match key.split_once(':') {
                Some(("xmlns", prefix)) => scope.declare(prefix, &value),
                None if key == "xmlns" => scope.declare("", &value),
                Some((_, local)) => attributes.push((local.to_owned(), value)),
                None => attributes.push((key.to_owned(), value)),
            }
        }
        let length = AsRef::<str>::as_ref(&start.name()).len();
        let name = name.get(..length).unwrap_or_default();
        let (prefix, local) = name.split_once(':').unwrap_or(("", name));
        Self {
            element: Element {
                prefix: scope.usual(prefix),
                name: local,
                attributes,
                ..Element::default()
            },
            start: at,
            declared,
        }
    }

    fn end(mut self, text: &'a str, at: usize, scope: &mut Scope) -> Element<'a> {
        scope.declared.truncate(self.declared);
        self.element.inner = text.get(self.start..at).unwrap_or_default();
        self.element
    }
}

/// Declarations of namespaces: prefix and name.
#[derive(Default)]
struct Scope {
    declared: Vec<(String, String)>,
}

impl Scope {
    fn declare(&mut self, prefix: &str, name: &str) {
        if self.declared.len() < MAX_DECLARED {
            self.declared.push((prefix.to_owned(), name.to_owned()));
        }
    }

    fn usual<'p>(&self, prefix: &'p str) -> &'p str {
        let declared = self
            .declared
            .iter()
            .rev()
            .find(|(known, _)| known == prefix);
        let name = declared.map_or("", |(_, name)| name.as_str());
        let usual = NAMESPACES.iter().find(|(known, _)| *known == name);
        usual.map_or(prefix, |(_, usual)| usual)
    }
}

/// Namespaces of feeds and their usual prefixes.
const NAMESPACES: [(&str, &str); 24] = [
    ("http://webns.net/mvcb/", "admin"),
    ("http://web.resource.org/cc/", "cc"),
    ("http://creativecommons.org/ns#license", "cc"),
    (
        "http://backend.userland.com/creativeCommonsRssModule",
        "creativeCommons",
    ),
    ("http://purl.org/rss/1.0/modules/content/", "content"),
    ("http://purl.org/dc/elements/1.1/", "dc"),
    ("http://purl.org/dc/terms/", "dcterms"),
    ("http://rssnamespace.org/feedburner/ext/1.0", "feedburner"),
    ("http://xmlns.com/foaf/0.1/", "foaf"),
    ("http://www.w3.org/2003/01/geo/wgs84_pos#", "geo"),
    ("http://www.georss.org/georss", "georss"),
    ("http://www.itunes.com/DTDs/PodCast-1.0.dtd", "itunes"),
    ("http://www.itunes.com/dtds/podcast-1.0.dtd", "itunes"),
    ("http://search.yahoo.com/mrss", "media"),
    ("http://search.yahoo.com/mrss/", "media"),
    ("http://podlove.org/simple-chapters", "psc"),
    ("http://www.w3.org/1999/02/22-rdf-syntax-ns#", "rdf"),
    ("http://www.w3.org/2000/01/rdf-schema#", "rdfs"),
    ("http://purl.org/rss/1.0/modules/slash/", "slash"),
    ("http://purl.org/rss/1.0/modules/syndication/", "sy"),
    ("http://purl.org/rss/1.0/modules/taxonomy/", "taxo"),
    ("http://purl.org/syndication/thread/1.0", "thr"),
    ("http://wellformedweb.org/CommentAPI/", "wfw"),
    ("http://www.w3.org/1999/xhtml", "xhtml"),
];
