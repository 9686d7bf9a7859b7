//! Log lines as JSON: one object a line, the request's fields under `span`.
//!
//! The fields of a span are kept as text, each `"name":value,`, to which later
//! ones are added. (The formatter of tracing-subscriber parses and writes the
//! whole object again for each of them, which costs more than the request.) All
//! of it is written straight into its place: most requests log nothing, and
//! should not pay for text that nobody reads.

use std::fmt::{self, Debug, Write};

use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{
    Layer,
    fmt::{
        MakeWriter,
        format::Writer,
        time::{FormatTime, SystemTime},
    },
    layer::Context,
    registry::LookupSpan,
};

/// Bytes that the fields of a request usually take: they should not have to
/// grow.
const TYPICAL_FIELDS: usize = 384;
/// The same for a whole line.
const TYPICAL_LINE: usize = 640;

/// Writes events, and remembers the fields of spans for them.
pub(super) struct JsonLines<W>(pub(super) W);

impl<S, W> Layer<S> for JsonLines<W>
where
    S: Subscriber + for<'l> LookupSpan<'l>,
    W: for<'w> MakeWriter<'w> + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            let mut members = Members(String::with_capacity(TYPICAL_FIELDS));
            attributes.record(&mut members);
            span.extensions_mut().insert(members);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(members) = span.extensions_mut().get_mut::<Members>()
        {
            values.record(members);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let line = line(event, &context);
        // There is no other place to tell it.
        let _ = std::io::Write::write_all(&mut self.0.make_writer(), line.as_bytes());
    }
}

fn line<S>(event: &Event<'_>, context: &Context<'_, S>) -> String
where
    S: Subscriber + for<'l> LookupSpan<'l>,
{
    let metadata = event.metadata();
    let mut line = String::with_capacity(TYPICAL_LINE);
    line.push_str("{\"timestamp\":\"");
    // Writing to a string never fails.
    let _ = SystemTime.format_time(&mut Writer::new(&mut line));
    line.push_str("\",\"level\":\"");
    line.push_str(metadata.level().as_str());
    line.push_str("\",\"fields\":{");
    let mut members = Members(line);
    event.record(&mut members);
    let Members(mut line) = members;
    if line.ends_with(',') {
        line.pop();
    }
    line.push_str("},\"target\":");
    push_text(&mut line, metadata.target());
    if let Some(span) = context.event_span(event) {
        line.push_str(",\"span\":{");
        if let Some(Members(fields)) = span.extensions().get() {
            line.push_str(fields);
        }
        line.push_str("\"name\":");
        push_text(&mut line, span.name());
        line.push('}');
    }
    line.push_str("}\n");
    line
}

/// Members of an object, each with a comma behind it, at the end of a text.
struct Members(String);

impl Members {
    fn name(&mut self, field: &Field) {
        push_text(&mut self.0, field.name());
        self.0.push(':');
    }

    fn add(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        self.name(field);
        let _ = self.0.write_fmt(value);
        self.0.push(',');
    }
}

impl Visit for Members {
    fn record_f64(&mut self, field: &Field, value: f64) {
        if value.is_finite() {
            self.add(field, format_args!("{value}"));
        } else {
            self.add(field, format_args!("null"));
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, format_args!("{value}"));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, format_args!("{value}"));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, format_args!("{value}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.name(field);
        push_text(&mut self.0, value);
        self.0.push(',');
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.name(field);
        self.0.push('"');
        // A value that cannot be shown to its end is cut; the line is whole.
        let _ = write!(Inside(&mut self.0), "{value:?}");
        self.0.push_str("\",");
    }
}

/// The inside of a JSON string, at the end of a text.
struct Inside<'t>(&'t mut String);

impl fmt::Write for Inside<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        push_escaped(self.0, text);
        Ok(())
    }
}

/// Adds a JSON string (RFC 8259, section 7).
fn push_text(line: &mut String, text: &str) {
    line.push('"');
    push_escaped(line, text);
    line.push('"');
}

fn push_escaped(line: &mut String, text: &str) {
    let mut rest = text;
    while let Some((plain, special, after)) = split(rest) {
        line.push_str(plain);
        match special {
            b'"' => line.push_str("\\\""),
            b'\\' => line.push_str("\\\\"),
            control => {
                let _ = write!(line, "\\u{control:04x}");
            }
        }
        rest = after;
    }
    line.push_str(rest);
}

/// Text before the first character that has to be escaped, that character, and
/// the text behind it.
fn split(text: &str) -> Option<(&str, u8, &str)> {
    let special = |byte: &u8| *byte < b' ' || *byte == b'"' || *byte == b'\\';
    let at = text.as_bytes().iter().position(special)?;
    let byte = *text.as_bytes().get(at)?;
    Some((text.get(..at)?, byte, text.get(at + 1..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_a_json_string() {
        for text in [
            "",
            "plain",
            "say \"hi\"",
            "back\\slash",
            "line\nfeed\u{0}\u{1f}\u{7f}",
            "ü€😀\u{2028}",
        ] {
            let mut line = String::new();
            push_text(&mut line, text);
            let parsed: String = serde_json::from_str(&line).unwrap();
            assert_eq!(parsed, text);
        }
    }
}
