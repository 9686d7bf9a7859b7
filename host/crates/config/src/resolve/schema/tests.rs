use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
};

use regex::Regex;
use serde_json::{Map, Value, json};

use super::{
    super::{
        composition,
        namespaces::{self, Level},
        section,
    },
    recorder::{self, Keys},
    schema,
};
use crate::{KeyPath, Options, parse, read};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..")
}

#[test]
fn the_published_schema_is_what_the_types_say() {
    let generated = format!("{:#}\n", schema());
    let path = repository().join("docs/cuttle.schema.json");
    if env::var_os("CUTTLE_BLESS").is_some() {
        fs::write(&path, &generated).unwrap();
    }
    let published = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        published == generated,
        "{} is out of date: run with CUTTLE_BLESS=1",
        path.display()
    );
}

/// `schema` itself, or what its `$ref` names.
fn resolved<'a>(schema: &'a Value, root: &'a Value) -> &'a Value {
    match schema.get("$ref").and_then(Value::as_str) {
        Some(reference) => root.pointer(reference.trim_start_matches('#')).unwrap(),
        None => schema,
    }
}

/// The form of `schema` that is an object with keys or a list, if there is one.
fn structured<'a>(schema: &'a Value, root: &'a Value) -> Option<&'a Value> {
    let schema = resolved(schema, root);
    if schema.get("properties").is_some() || schema.get("items").is_some() {
        return Some(schema);
    }
    if schema
        .get("additionalProperties")
        .is_some_and(Value::is_object)
    {
        return Some(schema);
    }
    let forms = schema.get("anyOf")?.as_array()?.iter();
    forms.filter_map(|form| structured(form, root)).next()
}

/// A configuration in which everything is there that holds keys, and nothing
/// else; and the keys of each place in it.
fn filled(schema: &Value, root: &Value, path: &KeyPath, keys: &mut Keys) -> Option<Value> {
    let schema = structured(schema, root)?;
    if let Some(items) = schema.get("items") {
        let item = filled(items, root, &path.index(0), keys)?;
        return Some(json!([item]));
    }
    if let Some(of_any_name) = schema.get("additionalProperties").filter(|s| s.is_object()) {
        let item = filled(of_any_name, root, &path.key("any"), keys)?;
        return Some(json!({ "any": item }));
    }
    let properties = schema.get("properties")?.as_object()?;
    let names = properties.keys().filter(|name| !section::is_comment(name));
    keys.insert(path.to_string(), names.cloned().collect());
    let mut object = Map::new();
    for (name, property) in properties {
        if let Some(value) = filled(property, root, &path.key(name), keys) {
            object.insert(name.clone(), value);
        }
    }
    Some(Value::Object(object))
}

#[test]
fn the_schema_has_the_keys_that_are_read_and_no_others() {
    let root = schema();
    let mut described = Keys::new();
    let mut config = filled(&root, &root, &KeyPath::root(), &mut described).unwrap();
    config["version"] = json!(3);
    // Settings of plugins and namespaces have tests of their own.
    described.retain(|path, _| !path.ends_with("extra_config") && !path.contains("plugin/"));
    recorder::take();
    let _ = parse(
        &config.to_string(),
        Path::new("k.json"),
        &Options::default(),
    );
    let mut read = recorder::take();
    // Both levels have a `proxy`, which tells keys of the other one.
    for (path, others) in [
        (
            "endpoints[0].extra_config.proxy",
            &composition::OF_BACKENDS[..],
        ),
        (
            "endpoints[0].backend[0].extra_config.proxy",
            &composition::OF_ENDPOINTS[..],
        ),
    ] {
        let known = read.get_mut(path).unwrap();
        known.retain(|key| !others.contains(&key.as_str()));
    }
    assert!(read.len() > 20, "{read:?}");
    for path in read.keys().chain(described.keys()) {
        assert_eq!(
            described.get(path),
            read.get(path),
            "{path:?}: left in the schema, right by the readers; the types are in resolve/schema"
        );
    }
}

#[test]
fn each_namespace_is_described_where_it_belongs() {
    let root = schema();
    for (pointer, level) in [
        ("/$defs/ServiceExtra", Level::Service),
        ("/$defs/EndpointExtra", Level::Endpoint),
        ("/$defs/BackendExtra", Level::Backend),
    ] {
        let extra = root.pointer(pointer).unwrap();
        let described: BTreeSet<_> = extra["properties"].as_object().unwrap().keys().collect();
        let unserved = namespaces::all_unserved(level).map(|(name, _)| name);
        let known: BTreeSet<_> = namespaces::served(level).chain(unserved).collect();
        assert!(
            described.iter().eq(known.iter()),
            "{pointer}: {described:?} {known:?}"
        );
        for name in namespaces::served(level) {
            let described = resolved(&extra["properties"][name], &root);
            let keys = described.get("properties");
            assert!(
                keys.is_some(),
                "{name}: needs a type in resolve/schema/extra.rs"
            );
        }
    }
}

#[test]
fn the_bundled_plugin_has_the_settings_that_it_reads() {
    let source = repository().join("plugins/http-proxy/src/settings.rs");
    let text = fs::read_to_string(source).unwrap();
    let (_, rest) = text.split_once("const KNOWN").unwrap();
    let (table, _) = rest.split_once("];").unwrap();
    // Refused by it, with a text of its own.
    let known = Regex::new("\"([a-z0-9_]+)\"").unwrap();
    let known = known.captures_iter(table).map(|found| found[1].to_owned());
    let known: BTreeSet<_> = known.filter(|key| key != "proxy_pac").collect();
    let root = schema();
    let described = root.pointer("/$defs/HttpProxy/properties").unwrap();
    let described: BTreeSet<_> = described.as_object().unwrap().keys().cloned().collect();
    assert_eq!(described, known);
}

#[test]
fn comments_are_what_the_reader_takes_for_comments() {
    let pattern = Regex::new(section::COMMENTS).unwrap();
    for key in [
        "@a", "$schema", "_a", "#a", "//a", "/a", "a@", "a//", "", "port",
    ] {
        assert_eq!(pattern.is_match(key), section::is_comment(key), "{key}");
    }
}

/// What is wrong with `config` by the schema.
fn violations(config: &Value) -> Option<String> {
    let (mut schemas, mut compiler) = (boon::Schemas::new(), boon::Compiler::new());
    let name = "https://example.com/schema.json";
    compiler.add_resource(name, schema()).unwrap();
    let index = compiler.compile(name, &mut schemas).unwrap();
    let found = schemas.validate(config, index).err();
    found.map(|error| error.to_string())
}

#[test]
fn what_loads_without_a_warning_follows_the_schema() {
    let mut files = 0;
    for folder in ["host/crates/config/tests/cases", "examples"] {
        for file in files_below(&repository().join(folder)) {
            let text = fs::read_to_string(&file).unwrap();
            let Ok(loaded) = parse(&text, &file, &Options::default()) else {
                continue;
            };
            if !loaded.warnings.is_empty() {
                continue;
            }
            files += 1;
            let wrong = violations(&loaded.sources.to_json());
            assert_eq!(wrong, None, "{}", file.display());
        }
    }
    assert!(files >= 5, "only {files} files");
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let extension = path.extension().unwrap_or_default().to_owned();
        if path.is_dir() {
            files.extend(files_below(&path));
        } else if ["json", "yaml", "yml", "toml"]
            .iter()
            .any(|known| extension == *known)
        {
            files.push(path);
        }
    }
    files
}

/// A configuration with this in its only endpoint and backend.
fn with(endpoint: Value, backend: Value) -> Value {
    let mut config = json!({ "version": 3, "endpoints": [{ "endpoint": "/a", "backend": [{}] }] });
    let into = |target: &mut Value, keys: Value| {
        let keys = keys.as_object().cloned().unwrap();
        target.as_object_mut().unwrap().extend(keys);
    };
    into(&mut config["endpoints"][0], endpoint);
    into(&mut config["endpoints"][0]["backend"][0], backend);
    config
}

#[test]
fn the_schema_takes_what_is_usual_and_nothing_else() {
    let client = |settings| json!({ "extra_config": { "backend/http/client": settings } });
    let plugin = |settings| json!({ "extra_config": { "plugin/http-client": settings } });
    let none = || json!({});
    for (endpoint, backend, fits) in [
        (none(), none(), true),
        (json!({ "timeout": "1h30m" }), none(), true),
        (json!({ "timeout": "-1.5µs" }), none(), true),
        (json!({ "timeout": "0" }), none(), true),
        (json!({ "timeout": "3" }), none(), false),
        (json!({ "timeout": "3 s" }), none(), false),
        (json!({ "timeout": 3 }), none(), false),
        (json!({ "timeuot": "3s" }), none(), false),
        (
            json!({ "@timeuot": "3s", "$a": 1, "_b": 2, "#c": 3, "//d": 4 }),
            none(),
            true,
        ),
        (json!({ "method": "TRACE" }), none(), false),
        (json!({ "concurrent_calls": 0 }), none(), false),
        (
            none(),
            json!({ "encoding": "safejson", "mapping": { "a": "b" } }),
            true,
        ),
        (none(), json!({ "encoding": "msgpack" }), false),
        (none(), json!({ "host": "http://a" }), false),
        (
            json!({ "extra_config": { "auth/validator": { "alg": "RS256" } } }),
            none(),
            true,
        ),
        (
            json!({ "extra_config": { "auth/validater": {} } }),
            none(),
            false,
        ),
        (
            none(),
            json!({ "extra_config": { "validation/cel": [] } }),
            true,
        ),
        (
            none(),
            json!({ "extra_config": { "auth/validator": {} } }),
            false,
        ),
        (none(), client(json!({ "proxy_address": "direct" })), true),
        (
            none(),
            client(json!({ "proxy_address": ["http://a:1"], "no_proxy": "a,b" })),
            true,
        ),
        (none(), client(json!({ "proxy_address": [] })), false),
        (
            none(),
            client(json!({ "proxy_password": { "env": "A" } })),
            true,
        ),
        (
            none(),
            client(json!({ "proxy_password": { "env": "A", "file": "b" } })),
            false,
        ),
        (
            none(),
            client(json!({ "proxy_connect_headers": { "A": { "file": "b" } } })),
            true,
        ),
        (
            none(),
            plugin(json!({ "name": "own", "anything": [1] })),
            true,
        ),
        (none(), plugin(json!({ "anything": [1] })), false),
        (
            none(),
            plugin(json!({ "name": "http-proxy", "proxy_address": "http://a:1" })),
            true,
        ),
        (none(), plugin(json!({ "name": "http-proxy" })), false),
        (
            none(),
            plugin(json!({ "name": "http-proxy", "proxy_address": "http://a:1", "poxy_ca": "" })),
            false,
        ),
    ] {
        let config = with(endpoint, backend);
        let wrong = violations(&config);
        assert_eq!(wrong.is_none(), fits, "{config}: {wrong:?}");
    }
}

#[test]
fn the_schema_of_krakend_and_old_names_of_namespaces_are_taken() {
    let mut config = with(json!({}), json!({}));
    config["$schema"] = json!("https://www.krakend.io/schema/v2.13/krakend.json");
    config["extra_config"] = json!({ "github_com/devopsfaith/krakend-cors": {} });
    assert_eq!(violations(&config), None);
}

/// [`read::Node::to_value`] beside [`read::Node::to_json`], which plugins get.
#[test]
fn a_tree_is_the_same_value_both_ways() {
    let text = r#"{"a": [1.50, -0, 1e999, "é\u0000", true, null, {}], "A": {"b": []}}"#;
    let (sources, _) = read::tree(text, Path::new("k.json")).unwrap_or_else(|_| panic!());
    let by_text: Value = serde_json::from_str(&sources.root().to_json()).unwrap();
    assert_eq!(sources.to_json(), by_text);
}
