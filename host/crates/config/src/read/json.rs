//! JSON as RFC 8259 has it, without comments or trailing commas.

use jsonc_parser::{
    CollectOptions, ParseOptions, ast, common::Ranged, errors::ParseErrorKind, parse_to_ast,
};

use super::{Entry, Locator, MAX_DEPTH, Node, Object, Place, SyntaxError, Tree, Value, too_deep};

const STRICT: ParseOptions = ParseOptions {
    allow_comments: false,
    allow_loose_object_property_names: false,
    allow_trailing_commas: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

pub(super) fn parse(text: &str) -> Result<Tree, SyntaxError> {
    check_before(text)?;
    let parsed =
        parse_to_ast(text, &CollectOptions::default(), &STRICT).map_err(|error| SyntaxError {
            place: Place {
                line: error.line_display(),
                column: error.column_display(),
            },
            message: format!("is not JSON: {}", lower_case(&error.kind().to_string())),
            help: help(error.kind()).to_owned(),
        })?;
    let value = parsed.value.ok_or_else(|| SyntaxError {
        place: Place { line: 1, column: 1 },
        message: "the file is empty".to_owned(),
        help: r#"the smallest configuration is {"version": 3}"#.to_owned(),
    })?;
    Ok(Tree {
        root: node(value, &mut Locator::new(text)),
        warnings: Vec::new(),
    })
}

/// What the parser must not see: it is recursive, so nothing that is nested too
/// deep; and it takes control characters in strings, which JSON does not.
fn check_before(text: &str) -> Result<(), SyntaxError> {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for (offset, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'[' | b'{' if !quoted => depth += 1,
            b']' | b'}' if !quoted => depth = depth.saturating_sub(1),
            // A line's end is the parser's to report, as an open string.
            0..b' ' if quoted && !matches!(byte, b'\n' | b'\r') => {
                return Err(SyntaxError {
                    place: Locator::new(text).place(offset),
                    message: "is not JSON: a control character in a string".to_owned(),
                    help: "write it as an escape, such as `\\t`".to_owned(),
                });
            }
            _ => {}
        }
        if depth > MAX_DEPTH {
            return Err(too_deep(Locator::new(text).place(offset)));
        }
    }
    Ok(())
}

fn node(value: ast::Value<'_>, locator: &mut Locator<'_>) -> Node {
    let place = locator.place(value.range().start);
    let value = match value {
        ast::Value::NullKeyword(_) => Value::Null,
        ast::Value::BooleanLit(literal) => Value::Bool(literal.value),
        ast::Value::NumberLit(literal) => Value::Number(literal.value.to_owned()),
        ast::Value::StringLit(literal) => Value::Text(literal.value.into_owned()),
        ast::Value::Array(array) => {
            let elements = array.elements.into_iter();
            Value::List(elements.map(|element| node(element, locator)).collect())
        }
        ast::Value::Object(object) => {
            let properties = object.properties.into_iter();
            Value::Object(Object::new(
                properties.map(|prop| entry(prop, locator)).collect(),
            ))
        }
    };
    Node { place, value }
}

fn entry(prop: ast::ObjectProp<'_>, locator: &mut Locator<'_>) -> Entry {
    Entry {
        place: locator.place(prop.name.range().start),
        key: prop.name.into_string(),
        node: node(prop.value, locator),
    }
}

fn help(kind: &ParseErrorKind) -> &'static str {
    use ParseErrorKind as Kind;
    match kind {
        Kind::CommentsNotAllowed => {
            r#"JSON has no comments: remove it, or use a key such as "@comment""#
        }
        Kind::TrailingCommasNotAllowed => "remove the comma after the last entry",
        Kind::ExpectedComma => "put a comma between the entries",
        Kind::UnterminatedObject => "an object is not closed with `}`",
        Kind::UnterminatedArray => "a list is not closed with `]`",
        Kind::ExpectedStringObjectProperty | Kind::SingleQuotedStringsNotAllowed => {
            "put keys and strings in double quotes"
        }
        Kind::MultipleRootJsonValues => "remove what follows the closing brace",
        Kind::UnexpectedWord | Kind::UnexpectedToken | Kind::UnexpectedTokenInObject => {
            "check quotes and commas here; FC_ENABLE=1 renders templates"
        }
        _ => "check quotes, commas and brackets here and on the line before",
    }
}

fn lower_case(message: &str) -> String {
    let mut characters = message.chars();
    characters
        .next()
        .map(|first| first.to_ascii_lowercase())
        .into_iter()
        .chain(characters)
        .collect()
}
