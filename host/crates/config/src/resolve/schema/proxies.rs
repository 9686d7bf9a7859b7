//! The `proxy_…` keys, of `backend/http/client` and of the plugin `http-proxy`.

use std::{borrow::Cow, collections::BTreeMap};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::scalars::{Duration, OneOf, Sharing, TextOrTexts};

/// How requests go through a forward proxy.
#[derive(JsonSchema)]
pub(super) struct Options {
    /// Several addresses: in `order`, or `spread` over all; order unless set.
    proxy_sharing: Option<OneOf<Sharing>>,
    /// User's name for the proxy.
    proxy_username: Option<Reference>,
    /// Password for the proxy.
    proxy_password: Option<Reference>,
    /// Fields that are sent with CONNECT, and nowhere else.
    proxy_connect_headers: Option<BTreeMap<String, Reference>>,
    /// Targets that are reached without the proxy, as in `NO_PROXY`.
    no_proxy: Option<TextOrTexts>,
    /// A tunnel for `http://` targets, too.
    proxy_tunnel: Option<bool>,
    /// PEM file with the authorities of an `https://` proxy.
    proxy_ca: Option<Reference>,
    /// PEM file with certificate and key, shown to an `https://` proxy.
    proxy_client_certificate: Option<Reference>,
    /// HTTP/2 with the proxy.
    proxy_http2: Option<bool>,
    /// Limit for reaching a proxy, tunnel included.
    proxy_connect_timeout: Option<Duration>,
}

/// A value, or where it stands.
pub(super) struct Reference;

impl JsonSchema for Reference {
    fn schema_name() -> Cow<'static, str> {
        "Reference".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let elsewhere = generator.subschema_for::<Elsewhere>();
        json_schema!({
            "description": "A text, {\"env\": \"NAME\"} for a variable, or {\"file\": \"path\"} for a file.",
            "anyOf": [{ "type": "string", "minLength": 1 }, elsewhere],
        })
    }
}

/// A variable or a file.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, extend("minProperties" = 1, "maxProperties" = 1))]
struct Elsewhere {
    /// Name of an environment variable.
    env: Option<String>,
    /// Path of a file; a line break at its end does not count.
    file: Option<String>,
}
