//! `plugin/http-client` and `cuttle/plugins`.

use std::{borrow::Cow, collections::BTreeMap};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::{
    proxies::Options,
    scalars::{Duration, Isolation, Names, OneOf, Size, TextOrTexts},
};

/// The plugin that sends a backend's requests.
pub(super) struct HttpClientPlugin;

impl JsonSchema for HttpClientPlugin {
    fn schema_name() -> Cow<'static, str> {
        "HttpClientPlugin".into()
    }

    /// Settings of plugins are their own; those of the bundled one are known.
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let http_proxy = generator.subschema_for::<HttpProxy>();
        json_schema!({
            "description": "The plugin that sends the backend's requests. Keys beside `name` are its settings.",
            "type": "object",
            "properties": {
                "name": names("Name of the plugin, or of several, the first of which sees a request first: that of its file without extension, or `http-proxy`, which is bundled."),
            },
            "required": ["name"],
            "if": { "properties": { "name": { "const": "http-proxy" } }, "required": ["name"] },
            "then": http_proxy,
        })
    }
}

/// Plugins in front of the gateway, or around an endpoint or a backend.
pub(super) struct ListedPlugins;

impl JsonSchema for ListedPlugins {
    fn schema_name() -> Cow<'static, str> {
        "ListedPlugins".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Plugins. Keys beside `name` are their settings.",
            "type": "object",
            "properties": {
                "name": names("Names of plugins: those of their files without extension."),
            },
            "required": ["name"],
        })
    }
}

/// One name, or several.
fn names(description: &str) -> Schema {
    let name = json_schema!({ "type": "string", "minLength": 1 });
    json_schema!({
        "description": description,
        "anyOf": [name, { "type": "array", "items": name, "minItems": 1 }],
    })
}

/// Settings of `http-proxy`: requests go through a forward proxy.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct HttpProxy {
    /// The bundled plugin, unless a file of that name is in the folder of plugins.
    name: String,
    /// Address of the proxy, such as "http://proxy.example:3128", or a list of them.
    proxy_address: TextOrTexts,
    #[schemars(flatten)]
    options: Options,
    /// Older name of `proxy_tunnel`.
    #[schemars(extend("deprecated" = true))]
    always_tunnel: Option<bool>,
}

/// What plugins may do.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Policy {
    /// What plugins may reach beside the hosts of their backend, by the plugin's name.
    grants: Option<BTreeMap<String, Grants>>,
    /// What plugins may use, by the plugin's name.
    limits: Option<BTreeMap<String, Limits>>,
    /// Whether an instance serves one request or many: for all plugins, or by the plugin's name
    /// (`*` for all others).
    isolation: Option<IsolationOf>,
    /// Folder that keeps compiled plugins between starts; only the gateway may write there.
    cache_dir: Option<String>,
    /// Instances of all plugins that may exist at a time; 1000 unless set.
    #[schemars(range(min = 1))]
    max_instances: Option<u32>,
}

/// Rights of one plugin.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Grants {
    /// Hosts, as `host` or `host:port`.
    outbound: Option<Vec<String>>,
    /// Addresses that granted names may have though they are not public, as `10.0.0.0/8`.
    addresses: Option<Vec<String>>,
    /// Addresses of forward proxies.
    proxies: Option<Vec<String>>,
}

/// Limits of one plugin.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Limits {
    /// Memory of an instance; 64MiB unless set, at most 256MiB.
    memory: Option<Size>,
    /// Elements of its tables; 10,000 unless set.
    table_elements: Option<u32>,
    /// Bytes that one call into the gateway may carry; 16MiB unless set.
    hostcall_fuel: Option<Size>,
    /// Handles of one instance; 1,024 unless set.
    resources: Option<u32>,
    /// Bytes of bodies that one call may read; 32MiB unless set.
    body_read: Option<Size>,
    /// Calls into the gateway that one call may make; 1,000,000 unless set.
    host_calls: Option<usize>,
    /// Lines of log a second; 100 unless set.
    log_lines_per_second: Option<u32>,
    /// Instances of one place of use; 256 unless set.
    #[schemars(range(min = 1))]
    instances: Option<u32>,
    /// Calls until an instance is replaced; 100,000 unless set, 0 for no limit.
    uses_per_instance: Option<u64>,
    /// Limit for one call; what is left of the endpoint's timeout unless set.
    timeout: Option<Duration>,
}

/// One word for all plugins, or one for each.
struct IsolationOf;

impl JsonSchema for IsolationOf {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "IsolationOf".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<OneOf<Isolation>>();
        json_schema!({
            "anyOf": [
                { "type": "string", "enum": Isolation::names() },
                { "type": "object", "additionalProperties": one },
            ],
        })
    }
}
