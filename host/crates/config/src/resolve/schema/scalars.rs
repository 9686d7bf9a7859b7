//! Values that several keys have in common.

use std::{borrow::Cow, marker::PhantomData};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::super::{composition, encoding, endpoint, tls};

/// Names of a table of the readers.
pub(super) trait Names {
    const NAME: &'static str;
    fn names() -> Vec<String>;
}

/// One of the [`Names`].
pub(super) struct OneOf<T>(PhantomData<T>);

impl<T: Names> JsonSchema for OneOf<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        T::NAME.into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "enum": T::names() })
    }
}

macro_rules! names {
    ($($type:ident: $names:expr),+ $(,)?) => {$(
        pub(super) struct $type;

        impl Names for $type {
            const NAME: &'static str = stringify!($type);
            fn names() -> Vec<String> {
                $names.map(|name| name.to_string()).collect()
            }
        }
    )+};
}

names! {
    EndpointMethod: endpoint::METHODS.iter(),
    Encoding: encoding::ENCODINGS.iter().map(|(name, _)| name),
    OutputEncoding: encoding::OUTPUT_ENCODINGS.iter().map(|(name, _)| name),
    StaticStrategy: composition::STRATEGIES.iter().map(|(name, _)| name),
    TlsVersion: tls::VERSIONS.iter(),
    LogLevel: ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"].iter(),
    LogFormat: ["default", "logstash", "json"].iter(),
    Strategy: ["sequential", "parallel"].iter(),
    Discovery: ["static", "dns", "dns-shared"].iter(),
    Scheme: ["http", "https"].iter(),
    Operation: ["move", "append", "del"].iter(),
    Isolation: ["instance", "request"].iter(),
    Sharing: ["order", "spread"].iter(),
}

/// Duration: numbers with units (`ns`, `us`, `ms`, `s`, `m`, `h`), such as "200ms", "2s" or "1h30m".
#[derive(JsonSchema)]
#[schemars(transparent)]
pub(super) struct Duration(
    #[schemars(regex(
        pattern = r"^[-+]?(0|(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+)$"
    ))]
    String,
);

/// Bytes as a number, or with a unit, such as "64MiB".
pub(super) struct Size;

impl JsonSchema for Size {
    fn schema_name() -> Cow<'static, str> {
        "Size".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Size in bytes, or with a unit, such as \"64MiB\".",
            "type": ["integer", "string"],
            "minimum": 0,
            "pattern": "^[0-9]+ ?(B|KiB|MiB|GiB)?$",
        })
    }
}

/// An object whose content is nobody's business.
pub(super) struct AnyObject;

impl JsonSchema for AnyObject {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "AnyObject".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "object" })
    }
}

/// One text, or a list of them.
pub(super) struct TextOrTexts;

impl JsonSchema for TextOrTexts {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "TextOrTexts".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "array"], "items": { "type": "string" }, "minItems": 1 })
    }
}
