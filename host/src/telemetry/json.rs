//! Log lines as JSON: one object a line, the request's fields under `span`.
//!
//! The fields of a span are kept as text, each `"name":value,`, to which later
//! ones are added. (The formatter of tracing-subscriber parses and writes the
//! whole object again for each of them, which costs more than the request.)

use std::fmt::{self, Debug, Write as _};

use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    field::RecordFields,
    fmt::{
        FmtContext, FormatEvent, FormatFields, FormattedFields,
        format::Writer,
        time::{FormatTime, SystemTime},
    },
    registry::LookupSpan,
};

/// Writes events.
pub(super) struct JsonLine;

impl<S> FormatEvent<S, JsonFields> for JsonLine
where
    S: Subscriber + for<'l> LookupSpan<'l>,
{
    fn format_event(
        &self,
        ctx: &FmtContext<'_, S, JsonFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let metadata = event.metadata();
        writer.write_str("{\"timestamp\":\"")?;
        SystemTime.format_time(&mut writer)?;
        write!(
            writer,
            "\",\"level\":\"{}\",\"fields\":{{",
            metadata.level()
        )?;
        let mut fields = String::new();
        JsonFields.format_fields(Writer::new(&mut fields), event)?;
        writer.write_str(fields.trim_end_matches(','))?;
        write!(writer, "}},\"target\":{}", Text(metadata.target()))?;
        if let Some(span) = ctx.parent_span() {
            writer.write_str(",\"span\":{")?;
            if let Some(fields) = span.extensions().get::<FormattedFields<JsonFields>>() {
                writer.write_str(fields)?;
            }
            write!(writer, "\"name\":{}}}", Text(span.name()))?;
        }
        writer.write_str("}\n")
    }
}

/// Writes the fields of events and spans, each with a comma behind it.
pub(super) struct JsonFields;

impl<'w> FormatFields<'w> for JsonFields {
    fn format_fields<R: RecordFields>(&self, mut writer: Writer<'w>, fields: R) -> fmt::Result {
        // A span's text may belong to another thread's part of the heap, where
        // every growth takes a lock: it grows once, not for each piece.
        let mut members = Members {
            text: String::with_capacity(TYPICAL_FIELDS),
            outcome: Ok(()),
        };
        fields.record(&mut members);
        members.outcome?;
        writer.write_str(&members.text)
    }
}

/// Bytes that the fields of a request take at first.
const TYPICAL_FIELDS: usize = 256;

/// The members of an object.
struct Members {
    text: String,
    outcome: fmt::Result,
}

impl Members {
    fn add(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        if self.outcome.is_ok() {
            self.outcome = write!(self.text, "{}:{value},", Text(field.name()));
        }
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
        self.add(field, format_args!("{}", Text(value)));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.add(field, format_args!("{}", Text(&format!("{value:?}"))));
    }
}

/// A JSON string (RFC 8259, section 7).
struct Text<'a>(&'a str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        let mut rest = self.0;
        while let Some((plain, special, after)) = split(rest) {
            f.write_str(plain)?;
            match special {
                '"' => f.write_str("\\\""),
                '\\' => f.write_str("\\\\"),
                control => write!(f, "\\u{:04x}", u32::from(control)),
            }?;
            rest = after;
        }
        f.write_str(rest)?;
        f.write_char('"')
    }
}

/// Text before the first character that has to be escaped, that character, and
/// the text behind it.
fn split(text: &str) -> Option<(&str, char, &str)> {
    let special = |c: char| c < ' ' || c == '"' || c == '\\';
    let (plain, rest) = text.split_at_checked(text.find(special)?)?;
    let mut rest = rest.chars();
    Some((plain, rest.next()?, rest.as_str()))
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
            let parsed: String = serde_json::from_str(&Text(text).to_string()).unwrap();
            assert_eq!(parsed, text);
        }
    }
}
