//! TOML.

use std::ops::Range;

use toml_edit::{Document, Item, Key, TableLike, Value as TomlValue};

use super::{Entry, Locator, MAX_DEPTH, Node, Object, Place, SyntaxError, Tree, Value, too_deep};

pub(super) fn parse(text: &str) -> Result<Tree, SyntaxError> {
    let mut locator = Locator::new(text);
    let document = Document::parse(text).map_err(|error| SyntaxError {
        place: locator.place(error.span().map_or(0, |span| span.start)),
        message: format!("is not TOML: {}", error.message()),
        help: "check the line against https://toml.io/".to_owned(),
    })?;
    let start = Place { line: 1, column: 1 };
    let mut walk = Walk { locator };
    let value = Value::Object(walk.table(document.as_table(), start, 0)?);
    Ok(Tree {
        root: Node {
            place: start,
            value,
        },
        warnings: Vec::new(),
    })
}

struct Walk<'a> {
    locator: Locator<'a>,
}

impl Walk<'_> {
    fn table(
        &mut self,
        table: &dyn TableLike,
        around: Place,
        depth: usize,
    ) -> Result<Object, SyntaxError> {
        if depth >= MAX_DEPTH {
            return Err(too_deep(around));
        }
        let mut entries = Vec::new();
        for (key, item) in table.iter() {
            let span = table.key(key).and_then(Key::span);
            let place = self.place(span, around);
            let node = self.item(item, place, depth + 1)?;
            let key = key.to_owned();
            entries.push(Entry { key, place, node });
        }
        Ok(Object::new(entries))
    }

    fn item(&mut self, item: &Item, around: Place, depth: usize) -> Result<Node, SyntaxError> {
        let place = self.place(item.span(), around);
        let value = match item {
            Item::None => Value::Null,
            Item::Value(value) => return self.value(value, around, depth),
            Item::Table(table) => Value::Object(self.table(table, place, depth)?),
            Item::ArrayOfTables(tables) => {
                let mut items = Vec::new();
                for table in tables {
                    let place = self.place(table.span(), place);
                    let value = Value::Object(self.table(table, place, depth + 1)?);
                    items.push(Node { place, value });
                }
                Value::List(items)
            }
        };
        Ok(Node { place, value })
    }

    fn value(
        &mut self,
        value: &TomlValue,
        around: Place,
        depth: usize,
    ) -> Result<Node, SyntaxError> {
        let place = self.place(value.span(), around);
        let value = match value {
            TomlValue::String(text) => Value::Text(text.value().clone()),
            TomlValue::Integer(number) => Value::Number(number.value().to_string()),
            TomlValue::Float(number) => float(*number.value()),
            TomlValue::Boolean(flag) => Value::Bool(*flag.value()),
            TomlValue::Datetime(date) => Value::Text(date.value().to_string()),
            TomlValue::Array(array) => {
                if depth >= MAX_DEPTH {
                    return Err(too_deep(place));
                }
                let items = array.iter();
                let items: Result<_, _> = items
                    .map(|item| self.value(item, place, depth + 1))
                    .collect();
                Value::List(items?)
            }
            TomlValue::InlineTable(table) => Value::Object(self.table(table, place, depth)?),
        };
        Ok(Node { place, value })
    }

    /// Tables that only appear in the names of others have no place of their own.
    fn place(&mut self, span: Option<Range<usize>>, around: Place) -> Place {
        span.map_or(around, |span| self.locator.place(span.start))
    }
}

/// JSON has no infinity and no NaN: they stay text, which no key takes.
fn float(number: f64) -> Value {
    match serde_json::Number::from_f64(number) {
        Some(number) => Value::Number(number.to_string()),
        None => Value::Text(number.to_string()),
    }
}
