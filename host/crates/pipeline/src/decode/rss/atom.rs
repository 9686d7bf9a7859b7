//! Atom (RFC 4287), and what is left of its 0.3.

use super::{
    Enclosure, Feed, Item,
    text::{Person, plain, typed},
    tree::Element,
};

/// Reads `<feed>`.
pub(super) fn read<'a>(root: &'a Element<'a>) -> Feed<'a> {
    let text = |names: &[&str]| first(root, names, typed);
    Feed {
        kind: "atom",
        title: text(&["title"]),
        description: text(&["subtitle", "tagline"]),
        language: root.attribute("lang").to_owned(),
        copyright: text(&["rights", "copyright"]),
        published: String::new(),
        updated: text(&["updated", "modified"]),
        author: named(root, "author").map(person).next(),
        image: Some(text(&["logo"]))
            .filter(|url| !url.is_empty())
            .or_else(|| Some(text(&["icon"])))
            .filter(|url| !url.is_empty()),
        categories: categories(root),
        items: named(root, "entry").collect(),
    }
}

/// Reads `<entry>`.
pub(super) fn entry<'a>(element: &'a Element<'a>) -> Item<'a> {
    let text = |names: &[&str]| first(element, names, typed);
    let updated = text(&["updated", "modified"]);
    let published = Some(text(&["published", "issued"])).filter(|date| !date.is_empty());
    Item {
        title: text(&["title"]),
        description: text(&["summary"]),
        content: text(&["content"]),
        link: linked(element, &["alternate"]).next().unwrap_or_default(),
        links: linked(element, &["alternate", "self"]).collect(),
        published: published.unwrap_or_else(|| updated.clone()),
        updated,
        authors: named(element, "author").map(person).collect(),
        guid: text(&["id"]),
        image: None,
        categories: categories(element),
        enclosures: named(element, "link")
            .filter(|link| relation(link) == "enclosure")
            .map(enclosure)
            .collect(),
        extensions: element
            .children
            .iter()
            .filter(|child| !is_core(child))
            .collect(),
        custom: Vec::new(),
    }
}

fn is_core(element: &Element<'_>) -> bool {
    !element.is_extension() || matches!(element.prefix, "atom" | "atom10" | "atom03")
}

fn named<'a>(element: &'a Element<'a>, name: &str) -> impl Iterator<Item = &'a Element<'a>> {
    let children = element.children.iter().filter(|child| is_core(child));
    children.filter(move |child| child.name.eq_ignore_ascii_case(name))
}

fn first(element: &Element<'_>, names: &[&str], read: fn(&Element<'_>) -> String) -> String {
    let found = names.iter().find_map(|name| named(element, name).next());
    found.map(read).unwrap_or_default()
}

fn person(element: &Element<'_>) -> Person {
    Person {
        name: first(element, &["name"], plain),
        email: first(element, &["email"], plain),
    }
}

fn categories(element: &Element<'_>) -> Vec<String> {
    let name = |category: &Element<'_>| match category.attribute("label") {
        "" => category.attribute("term").to_owned(),
        label => label.to_owned(),
    };
    named(element, "category").map(name).collect()
}

fn relation<'a>(link: &'a Element<'_>) -> &'a str {
    match link.attribute("rel") {
        "" => "alternate",
        relation => relation,
    }
}

fn linked(element: &Element<'_>, relations: &[&str]) -> impl Iterator<Item = String> {
    named(element, "link")
        .filter(|link| relations.contains(&relation(link)))
        .map(|link| link.attribute("href").to_owned())
}

fn enclosure(link: &Element<'_>) -> Enclosure {
    Enclosure {
        url: link.attribute("href").to_owned(),
        length: link.attribute("length").to_owned(),
        kind: link.attribute("type").to_owned(),
    }
}
