use proptest::prelude::*;
use serde_json::{Value, json};

use super::{FeedError, decode, text, tree};

fn data(text: &str) -> Result<Value, FeedError> {
    let document = decode(text)?;
    let mut out = Vec::new();
    document.write_json(document.root(), &mut out);
    Ok(serde_json::from_slice(&out).expect("JSON"))
}

#[test]
fn rss_2_has_the_field_names_of_krakend() {
    let feed = r#"<?xml version="1.0" encoding="UTF-8" ?>
        <rss version="2.0" xmlns:d="http://purl.org/dc/elements/1.1/"
            xmlns:content="http://purl.org/rss/1.0/modules/content/"
            xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd">
        <channel>
          <title>Some &amp; news</title>
          <link>https://example.com</link>
          <description><![CDATA[About <b>things</b>]]></description>
          <image><url>https://example.com/i.png</url><title>I</title></image>
          <language>en_us</language>
          <copyright>nobody</copyright>
          <managingEditor>ed@example.com (Ed Itor)</managingEditor>
          <pubDate>Mon, 02 Jan 2006 15:04:05 GMT</pubDate>
          <lastBuildDate>Tue, 03 Jan 2006 15:04:05 GMT</lastBuildDate>
          <category>x</category><category>y</category>
          <item>
            <title>One</title>
            <link>https://example.com/1</link>
            <description>First&nbsp;&lt;p&gt;</description>
            <content:encoded><![CDATA[<p>Body</p>]]></content:encoded>
            <d:creator>Some Body</d:creator>
            <guid isPermaLink="false">id-1</guid>
            <pubDate>Mon, 02 Jan 2006 15:04:05 -0700</pubDate>
            <category>z</category>
            <enclosure url="https://example.com/1.png" length="5" type="image/png"/>
            <itunes:duration>1:00</itunes:duration>
            <Rating>5</Rating>
          </item>
          <item><title>Two</title></item>
        </channel></rss>"#;
    let expected = json!({
        "title": "Some & news",
        "description": "About <b>things</b>",
        "language": "en_us",
        "copyright": "nobody",
        "published": "Mon, 02 Jan 2006 15:04:05 GMT",
        "updated": "Tue, 03 Jan 2006 15:04:05 GMT",
        "type": "rss",
        "author": { "name": "Ed Itor", "email": "ed@example.com" },
        "categories": ["x", "y"],
        "custom": null,
        "img_url": "https://example.com/i.png",
        "items": [
            {
                "title": "One",
                "link": "https://example.com/1",
                "links": ["https://example.com/1"],
                "description": "First\u{a0}<p>",
                "content": "<p>Body</p>",
                "author": { "name": "Some Body" },
                "authors": [{ "name": "Some Body" }],
                "guid": "id-1",
                "published": "Mon, 02 Jan 2006 15:04:05 -0700",
                "publishedParsed": "2006-01-02T22:04:05Z",
                "categories": ["z"],
                "image": { "url": "https://example.com/1.png" },
                "enclosures": [
                    { "url": "https://example.com/1.png", "length": "5", "type": "image/png" }
                ],
                "dcExt": { "creator": ["Some Body"] },
                "itunesExt": { "duration": "1:00" },
                "extensions": {
                    "dc": { "creator": [
                        { "name": "creator", "value": "Some Body", "attrs": {}, "children": {} }
                    ] },
                    "itunes": { "duration": [
                        { "name": "duration", "value": "1:00", "attrs": {}, "children": {} }
                    ] },
                },
                "custom": { "rating": "5" },
            },
            { "title": "Two" },
        ],
    });
    assert_eq!(data(feed), Ok(expected));
}

#[test]
fn a_feed_that_says_nothing_has_all_fields() {
    let expected = json!({
        "title": "", "description": "", "language": "", "copyright": "", "published": "",
        "updated": "", "type": "rss", "author": null, "categories": null, "custom": null,
        "items": [],
    });
    assert_eq!(data("<rss><channel/></rss>"), Ok(expected.clone()));
    assert_eq!(data("<rss/>"), Ok(expected));
}

#[test]
fn items_of_rss_1_stand_beside_the_channel() -> Result<(), FeedError> {
    let feed = r#"<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
            xmlns="http://purl.org/rss/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/">
        <channel><title>T</title><dc:date>2006-01-02</dc:date></channel>
        <image><url>u</url></image>
        <item><title>One</title><dc:date>2006-01-02T15:04:05+01:00</dc:date></item>
        </rdf:RDF>"#;
    let data = data(feed)?;
    assert_eq!(data["title"], "T");
    assert_eq!(data["updated"], "2006-01-02");
    assert_eq!(data["img_url"], "u");
    assert_eq!(data["items"][0]["title"], "One");
    assert_eq!(data["items"][0]["publishedParsed"], "2006-01-02T14:04:05Z");
    assert_eq!(data["items"][0]["updatedParsed"], "2006-01-02T14:04:05Z");
    Ok(())
}

#[test]
fn atom_has_the_same_field_names() {
    let feed = r#"<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="de"
            xmlns:media="http://search.yahoo.com/mrss/">
        <title type="html">A &amp;amp; B</title>
        <subtitle>Sub</subtitle>
        <updated>2003-12-13T18:30:02Z</updated>
        <author><name>John</name><email>j@example.com</email></author>
        <author><name>Jane</name></author>
        <rights>(c)</rights>
        <logo>https://example.com/l.png</logo>
        <category term="t" label="Label"/><category term="u"/>
        <link rel="self" href="https://example.com/feed"/>
        <entry>
          <id>urn:1</id>
          <title>One</title>
          <link href="https://example.com/1"/>
          <link rel="enclosure" href="https://example.com/1.mp3" length="9" type="audio/mpeg"/>
          <updated>2003-12-13T18:30:02+02:00</updated>
          <summary>Some text.</summary>
          <content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>Body</p></div></content>
          <media:group><media:title lang="en">M</media:title></media:group>
        </entry></feed>"#;
    let expected = json!({
        "title": "A &amp; B",
        "description": "Sub",
        "language": "de",
        "copyright": "(c)",
        "published": "",
        "updated": "2003-12-13T18:30:02Z",
        "type": "atom",
        "author": { "name": "John", "email": "j@example.com" },
        "categories": ["Label", "u"],
        "custom": null,
        "img_url": "https://example.com/l.png",
        "items": [{
            "guid": "urn:1",
            "title": "One",
            "link": "https://example.com/1",
            "links": ["https://example.com/1"],
            "enclosures": [
                { "url": "https://example.com/1.mp3", "length": "9", "type": "audio/mpeg" }
            ],
            "updated": "2003-12-13T18:30:02+02:00",
            "updatedParsed": "2003-12-13T16:30:02Z",
            "published": "2003-12-13T18:30:02+02:00",
            "publishedParsed": "2003-12-13T16:30:02Z",
            "description": "Some text.",
            "content": "<p>Body</p>",
            "extensions": { "media": { "group": [{
                "name": "group", "value": "", "attrs": {},
                "children": { "title": [
                    { "name": "title", "value": "M", "attrs": { "lang": "en" }, "children": {} }
                ] },
            }] } },
        }],
    });
    assert_eq!(data(feed), Ok(expected));
}

#[test]
fn what_is_no_feed_is_an_error() {
    for (text, expected) in [
        ("", "Failed to detect feed type"),
        ("{}", "Failed to detect feed type"),
        ("<html></html>", "<html> is neither RSS nor Atom"),
        ("<rss><channel>", "unexpected EOF"),
    ] {
        let error = data(text).map_err(|error| error.to_string());
        assert_eq!(error, Err(expected.to_owned()), "{text}");
    }
    assert!(matches!(data("<rss></feed>"), Err(FeedError::Syntax(_))));
    let deep = "<rss>".repeat(tree::MAX_DEPTH + 1);
    assert_eq!(data(&deep), Err(FeedError::TooDeep));
}

#[test]
fn feeds_written_by_hand_are_read() -> Result<(), FeedError> {
    let data = data("<rss><channel><title>A & B &copy; &no; &#x41; &lt;</title></channel></rss>")?;
    assert_eq!(data["title"], "A & B © &no; A <");
    Ok(())
}

#[test]
fn entities_of_a_document_type_are_text() -> Result<(), FeedError> {
    let data = data(
        "<!DOCTYPE rss [<!ENTITY x SYSTEM 'file:///etc/hostname'><!ENTITY y 'yy'>]>\
         <rss><channel><title>&x;&y;</title></channel></rss>",
    )?;
    assert_eq!(data["title"], "&x;&y;");
    Ok(())
}

#[test]
fn people_are_written_in_several_ways() {
    for (written, name, email) in [
        (
            "Some Body (some@body.example)",
            "Some Body",
            "some@body.example",
        ),
        (
            "some@body.example (Some Body)",
            "Some Body",
            "some@body.example",
        ),
        ("Some Body", "Some Body", ""),
        ("some@body.example", "", "some@body.example"),
        ("", "", ""),
    ] {
        let person = text::person(written);
        assert_eq!(
            (person.name.as_str(), person.email.as_str()),
            (name, email),
            "{written}"
        );
    }
}

#[test]
fn dates_that_can_be_read_come_in_utc() {
    for (written, expected) in [
        ("2006-01-02T15:04:05Z", "2006-01-02T15:04:05Z"),
        ("2006-01-02T15:04:05.5+01:00", "2006-01-02T14:04:05.5Z"),
        ("Mon, 02 Jan 2006 15:04:05 GMT", "2006-01-02T15:04:05Z"),
        ("Mon, 2 Jan 2006 15:04:05 -0700", "2006-01-02T22:04:05Z"),
        ("02 Jan 2006 15:04 EST", "2006-01-02T20:04:00Z"),
        (" 2006-01-02 ", "2006-01-02T00:00:00Z"),
        ("yesterday", ""),
        ("", ""),
        ("9999-12-31T23:59:59-23:59", ""),
    ] {
        assert_eq!(text::date(written), expected, "{written}");
    }
}

proptest! {
    #[test]
    fn no_feed_makes_the_decoder_panic(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "<rss>", "</rss>", "<channel>", "</channel>", "<item>", "</item>", "<title>",
                "</title>", "<feed xmlns='x'>", "</feed>", "<entry>", "</entry>", "<link/>",
                "<author>", "</author>", "<dc:date>", "</dc:date>", "<![CDATA[", "]]>", "&", "&#x1;",
                "é", "<content type='xhtml'><div>", "</div></content>", "<x:y xmlns:x='z' a='b'/>",
            ]),
            0..30,
        )
    ) {
        let _ = data(&parts.concat());
    }

    #[test]
    fn no_date_makes_the_reader_panic(text in "[0-9TZ:+. -]{0,30}|[A-Za-z, 0-9:+-]{0,30}") {
        let _ = text::date(&text);
    }
}
