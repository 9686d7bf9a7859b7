//! RSS.

use super::{
    Enclosure, Feed, Item,
    text::{Person, extension_texts, itunes_image, person, plain},
    tree::Element,
};

/// Reads `<rss>` or, where items stand beside the channel, `<rdf:RDF>`.
pub(super) fn read<'a>(root: &'a Element<'a>) -> Feed<'a> {
    let empty: &[Element<'_>] = &[];
    let channel = core(&root.children).find(|element| is(element, "channel"));
    let inside = channel.map_or(empty, |channel| &channel.children);
    let extensions: Vec<&Element<'_>> = extensions(inside).collect();
    let text = |name: &str| first(inside, name);
    let dublin = |name: &str| extension_texts(&extensions, "dc", name).next();
    let itunes = |name: &str| extension_texts(&extensions, "itunes", name).next();

    let outside = core(&root.children).filter(|element| is(element, "item"));
    let items = core(inside)
        .filter(|element| is(element, "item"))
        .chain(outside);
    let image = core(inside)
        .chain(core(&root.children))
        .find(|element| is(element, "image"))
        .map(|image| first(&image.children, "url").unwrap_or_default());

    let mut categories = categories(inside, &extensions);
    categories.extend(podcast_categories(&extensions));
    Feed {
        kind: "rss",
        title: text("title")
            .or_else(|| dublin("title"))
            .unwrap_or_default(),
        description: text("description")
            .or_else(|| itunes("summary"))
            .unwrap_or_default(),
        language: text("language")
            .or_else(|| dublin("language"))
            .unwrap_or_default(),
        copyright: text("copyright")
            .or_else(|| dublin("rights"))
            .unwrap_or_default(),
        published: text("pubDate").unwrap_or_default(),
        updated: text("lastBuildDate")
            .or_else(|| dublin("date"))
            .unwrap_or_default(),
        author: text("managingEditor")
            .or_else(|| text("webMaster"))
            .or_else(|| author(&extensions))
            .map(|text| person(&text)),
        image: image.or_else(|| itunes_image(&extensions)),
        categories,
        items: items.collect(),
    }
}

/// Reads `<item>`.
pub(super) fn item<'a>(element: &'a Element<'a>) -> Item<'a> {
    let inside = element.children.as_slice();
    let extensions: Vec<&Element<'_>> = extensions(inside).collect();
    let text = |name: &str| first(inside, name);
    let dublin = |name: &str| extension_texts(&extensions, "dc", name).next();
    let itunes = |name: &str| extension_texts(&extensions, "itunes", name).next();
    let enclosures: Vec<Enclosure> = core(inside)
        .filter(|element| is(element, "enclosure"))
        .map(enclosure)
        .collect();
    let authors: Vec<Person> = text("author")
        .or_else(|| author(&extensions))
        .map(|text| person(&text))
        .into_iter()
        .collect();
    Item {
        title: text("title")
            .or_else(|| dublin("title"))
            .unwrap_or_default(),
        description: text("description")
            .or_else(|| dublin("description"))
            .or_else(|| itunes("summary"))
            .unwrap_or_default(),
        content: element
            .child("content", "encoded")
            .map(plain)
            .or_else(|| text("content"))
            .unwrap_or_default(),
        link: text("link").unwrap_or_default(),
        links: all(inside, "link"),
        updated: dublin("date").unwrap_or_default(),
        published: text("pubDate")
            .or_else(|| dublin("date"))
            .unwrap_or_default(),
        authors,
        guid: text("guid").unwrap_or_default(),
        image: image(&extensions, &enclosures),
        categories: categories(inside, &extensions),
        enclosures,
        custom: custom(inside),
        extensions,
    }
}

/// Elements of RSS itself.
fn core<'a>(elements: &'a [Element<'a>]) -> impl Iterator<Item = &'a Element<'a>> {
    elements.iter().filter(|element| !element.is_extension())
}

fn extensions<'a>(elements: &'a [Element<'a>]) -> impl Iterator<Item = &'a Element<'a>> {
    elements.iter().filter(|element| element.is_extension())
}

fn is(element: &Element<'_>, name: &str) -> bool {
    element.prefix != "content" && element.name.eq_ignore_ascii_case(name)
}

fn all(elements: &[Element<'_>], name: &str) -> Vec<String> {
    let found = core(elements).filter(|element| is(element, name));
    found.map(plain).filter(|text| !text.is_empty()).collect()
}

fn first(elements: &[Element<'_>], name: &str) -> Option<String> {
    all(elements, name).into_iter().next()
}

fn author(extensions: &[&Element<'_>]) -> Option<String> {
    [("dc", "author"), ("dc", "creator"), ("itunes", "author")]
        .into_iter()
        .find_map(|(prefix, name)| extension_texts(extensions, prefix, name).next())
}

fn categories(elements: &[Element<'_>], extensions: &[&Element<'_>]) -> Vec<String> {
    let mut categories = all(elements, "category");
    if let Some(keywords) = extension_texts(extensions, "itunes", "keywords").next() {
        categories.extend(
            keywords
                .split(',')
                .map(str::to_owned)
                .filter(|word| !word.is_empty()),
        );
    }
    categories.extend(extension_texts(extensions, "dc", "subject"));
    categories
}

/// A category of a podcast and the one inside it.
fn podcast_categories(extensions: &[&Element<'_>]) -> Vec<String> {
    let found = extensions
        .iter()
        .filter(|element| element.prefix == "itunes" && element.name == "category");
    let with_inner =
        found.flat_map(|category| [Some(*category), category.child("itunes", "category")]);
    with_inner
        .flatten()
        .map(|category| category.attribute("text").to_owned())
        .collect()
}

fn enclosure(element: &Element<'_>) -> Enclosure {
    Enclosure {
        url: element.attribute("url").to_owned(),
        length: element.attribute("length").to_owned(),
        kind: element.attribute("type").to_owned(),
    }
}

fn image(extensions: &[&Element<'_>], enclosures: &[Enclosure]) -> Option<String> {
    let media = || {
        let is_image = |element: &&&Element<'_>| {
            element.prefix == "media"
                && element.name == "content"
                && (element.attribute("type").contains("image")
                    || element.attribute("medium").contains("image"))
        };
        let found = extensions.iter().find(is_image)?;
        Some(found.attribute("url").to_owned())
    };
    let enclosed = || {
        let found = enclosures
            .iter()
            .find(|one| one.kind.starts_with("image/"))?;
        Some(found.url.clone())
    };
    itunes_image(extensions).or_else(media).or_else(enclosed)
}

/// Elements that RSS does not know, in no namespace.
fn custom(elements: &[Element<'_>]) -> Vec<(String, String)> {
    const KNOWN: [&str; 12] = [
        "title",
        "link",
        "description",
        "author",
        "category",
        "comments",
        "enclosure",
        "guid",
        "pubdate",
        "source",
        "content",
        "image",
    ];
    core(elements)
        .filter(|element| element.prefix != "content")
        .map(|element| (element.name.to_ascii_lowercase(), element))
        .filter(|(name, _)| !KNOWN.contains(&name.as_str()))
        .map(|(name, element)| (name, plain(element)))
        .collect()
}
