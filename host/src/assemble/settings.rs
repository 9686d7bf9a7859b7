//! Settings of a plugin as it gets them: a plugin can read neither files nor
//! the environment, so what stands there is put in their place.
//!
//! | key | value |
//! |---|---|
//! | `proxy_username`, `proxy_password` | a text, or a reference |
//! | members of `proxy_connect_headers` | a text, or a reference |
//! | `proxy_ca`, `proxy_client_certificate` | the path of a file, or a reference |
//!
//! The same holds inside of an object under the name of one of the plugins. A
//! reference is `{"env": "NAME"}` or `{"file": "path"}`. Everything else reaches
//! the plugin as it was written.

use std::path::PathBuf;

use cuttle_pipeline::config::{KeyPath, PluginUse, Reference};
use serde_json::{Map, Value};

use super::{
    Findings,
    references::{self, Environment},
};

const TEXTS: [&str; 2] = ["proxy_username", "proxy_password"];
const FILES: [&str; 2] = ["proxy_ca", "proxy_client_certificate"];
const FIELDS: &str = "proxy_connect_headers";
/// Certificates to trust are for everybody's eyes, wherever they stand.
const PUBLIC: &str = "proxy_ca";

/// Settings as a plugin gets them.
pub(super) struct Resolved {
    /// JSON text. May hold secrets, so there is no `Debug`.
    pub(super) text: String,
    /// Texts in it that stood outside of the configuration, and so are secrets.
    pub(super) secrets: Vec<String>,
}

/// The settings of `used`. Nothing, and at least one problem, if a reference
/// cannot be followed.
pub(super) fn resolve(
    used: &PluginUse,
    environment: Environment<'_>,
    findings: &mut Findings<'_>,
) -> Option<Resolved> {
    let mut settings = serde_json::from_str::<Map<String, Value>>(&used.settings).ok();
    let mut step = Step {
        environment,
        findings,
        replaced: false,
        secrets: Vec::new(),
        failed: false,
    };
    for (key, value) in settings.iter_mut().flatten() {
        let place = used.place.key(key);
        match value {
            Value::Object(own) if used.uses(key) => {
                let own = own.iter_mut();
                own.for_each(|(key, value)| step.key(key, value, &place.key(key)));
            }
            value => step.key(key, value, &place),
        }
    }
    let Step {
        replaced, secrets, ..
    } = step;
    let text = match settings.filter(|_| replaced) {
        Some(settings) => Value::Object(settings).to_string(),
        // Untouched down to the digits of its numbers.
        None => used.settings.clone(),
    };
    (!step.failed).then_some(Resolved { text, secrets })
}

/// The files that the settings of `used` name.
pub(super) fn files(used: &PluginUse) -> Vec<PathBuf> {
    let settings = serde_json::from_str::<Map<String, Value>>(&used.settings);
    let mut files = Vec::new();
    let mut note = |reference| {
        if let Some(Reference::File(path)) = reference {
            files.push(path);
        }
    };
    let settings = settings.unwrap_or_default();
    let own = settings.iter().filter(|(key, _)| used.uses(key));
    let own = own.filter_map(|(_, value)| value.as_object()).flatten();
    for (key, value) in settings.iter().chain(own) {
        let key = key.as_str();
        match value {
            Value::Object(fields) if key == FIELDS => {
                let members = fields.values().filter_map(Value::as_object);
                members.map(reference).for_each(&mut note);
            }
            Value::Object(members) if TEXTS.contains(&key) || FILES.contains(&key) => {
                note(reference(members));
            }
            Value::String(path) if FILES.contains(&key) => {
                note(Some(Reference::File(path.into())));
            }
            _ => {}
        }
    }
    files
}

/// What `members` refer to, if they are a reference.
fn reference(members: &Map<String, Value>) -> Option<Reference> {
    let text = |key: &str| members.get(key).and_then(Value::as_str);
    match (members.len(), text("env"), text("file")) {
        (1, Some(name), None) => Some(Reference::Variable(name.to_owned())),
        (1, None, Some(path)) => Some(Reference::File(path.into())),
        _ => None,
    }
}

struct Step<'a, 'f> {
    environment: Environment<'a>,
    findings: &'a mut Findings<'f>,
    replaced: bool,
    secrets: Vec<String>,
    failed: bool,
}

impl Step<'_, '_> {
    fn key(&mut self, key: &str, value: &mut Value, place: &KeyPath) {
        let known = self.secrets.len();
        match value {
            Value::Object(fields) if key == FIELDS => {
                for (name, value) in fields {
                    self.reference(value, &place.key(name));
                }
            }
            Value::Object(_) if TEXTS.contains(&key) || FILES.contains(&key) => {
                self.reference(value, place);
            }
            Value::String(path) if FILES.contains(&key) => {
                let reference = Reference::File(path.as_str().into());
                self.replace(value, &reference, place);
            }
            _ => {}
        }
        if key == PUBLIC {
            self.secrets.truncate(known);
        }
    }

    /// Follows `value` if it is an object.
    fn reference(&mut self, value: &mut Value, place: &KeyPath) {
        let Value::Object(members) = &*value else {
            return;
        };
        let Some(reference) = reference(members) else {
            return self.fail(place, "is neither a string nor a reference");
        };
        self.replace(value, &reference, place);
    }

    fn replace(&mut self, value: &mut Value, reference: &Reference, place: &KeyPath) {
        match references::read(reference, self.environment) {
            Ok(text) => {
                self.secrets.push(text.clone());
                *value = Value::String(text);
                self.replaced = true;
            }
            Err(why) => self.fail(place, &why),
        }
    }

    fn fail(&mut self, place: &KeyPath, message: &str) {
        let help = "write a text, {\"env\": \"NAME\"} or {\"file\": \"path\"}".to_owned();
        self.findings.error(place, message, Some(help));
        self.failed = true;
    }
}

#[cfg(test)]
mod tests {
    use cuttle_pipeline::config::{self, Loaded};

    use super::*;

    fn loaded(members: &str) -> Loaded {
        let text = format!(
            r#"{{"version": 3, "host": ["http://a.test"], "endpoints": [
                {{"endpoint": "/a", "output_encoding": "no-op", "backend": [{{"extra_config": {{
                    "plugin/http-client": {{"name": "p", {members}}}}}}}]}}]}}"#
        );
        config::parse(&text, "k.json".as_ref(), &config::Options::default()).unwrap()
    }

    /// The settings as the plugin gets them, or what was said instead.
    fn resolved(members: &str) -> Result<Value, Vec<String>> {
        let loaded = loaded(members);
        let used = loaded.service.endpoints[0].backends[0].plugin.as_ref();
        let mut findings = Findings::new(&loaded);
        let variable = |name: &str| (name == "SECRET").then(|| "hunter2".to_owned());
        match resolve(used.unwrap(), &variable, &mut findings) {
            Some(settings) => Ok(serde_json::from_str(&settings.text).unwrap()),
            None => Err(findings.problems.iter().map(ToString::to_string).collect()),
        }
    }

    #[test]
    fn references_are_followed_and_the_rest_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("value");
        std::fs::write(&file, "text\n").unwrap();
        let settings = resolved(&format!(
            r#""proxy_username": "al", "proxy_password": {{"env": "SECRET"}},
               "proxy_connect_headers": {{"a": "b", "c": {{"file": {file:?}}}}},
               "proxy_ca": {file:?}, "proxy_client_certificate": {{"env": "SECRET"}},
               "other": {{"env": "SECRET"}}, "proxy_address": {file:?}"#
        ));
        assert_eq!(
            settings.unwrap(),
            serde_json::json!({
                "name": "p", "proxy_username": "al", "proxy_password": "hunter2",
                "proxy_connect_headers": {"a": "b", "c": "text"}, "proxy_ca": "text",
                "proxy_client_certificate": "hunter2", "other": {"env": "SECRET"},
                "proxy_address": file,
            })
        );
    }

    /// By custom a plugin's own settings stand under its name.
    #[test]
    fn references_under_the_name_of_a_plugin_are_followed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("value");
        std::fs::write(&file, "text\n").unwrap();
        let members = format!(
            r#""p": {{"proxy_password": {{"env": "SECRET"}}, "proxy_ca": {file:?},
                      "proxy_connect_headers": {{"a": {{"file": {file:?}}}}}}},
               "q": {{"proxy_password": {{"env": "GONE"}}}}"#
        );
        assert_eq!(
            resolved(&members).unwrap(),
            serde_json::json!({
                "name": "p", "q": {"proxy_password": {"env": "GONE"}},
                "p": {
                    "proxy_password": "hunter2", "proxy_ca": "text",
                    "proxy_connect_headers": {"a": "text"},
                },
            })
        );
        let loaded = loaded(&members);
        let used = loaded.service.endpoints[0].backends[0].plugin.as_ref();
        assert_eq!(files(used.unwrap()), [&*file, &file]);
        let said = resolved(r#""p": {"proxy_password": {"env": "GONE"}}"#).unwrap_err();
        assert!(said[0].contains(".p.proxy_password: "), "{said:?}");
    }

    #[test]
    fn what_comes_from_outside_is_known_as_a_secret() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("value");
        std::fs::write(&file, "text\n").unwrap();
        let loaded = loaded(&format!(
            r#""proxy_username": "al", "proxy_password": {{"env": "SECRET"}},
               "proxy_ca": {{"env": "SECRET"}}, "proxy_client_certificate": {file:?}"#
        ));
        let used = loaded.service.endpoints[0].backends[0].plugin.as_ref();
        let mut findings = Findings::new(&loaded);
        let variable = |_: &str| Some("hunter2".to_owned());
        let settings = resolve(used.unwrap(), &variable, &mut findings).unwrap();
        let mut secrets = settings.secrets;
        secrets.sort();
        assert_eq!(secrets, ["hunter2", "text"]);
    }

    #[test]
    fn the_files_it_names_are_found_without_being_read() {
        let loaded = loaded(
            r#""proxy_password": {"file": "/a"}, "proxy_username": {"env": "X"},
               "proxy_connect_headers": {"h": {"file": "/b"}, "i": "j"},
               "proxy_ca": "/c", "proxy_client_certificate": {"file": "/d"}, "other": {"file": "/e"}"#,
        );
        let used = loaded.service.endpoints[0].backends[0].plugin.as_ref();
        let mut found = files(used.unwrap());
        found.sort();
        assert_eq!(found, ["/a", "/b", "/c", "/d"].map(PathBuf::from));
    }

    #[test]
    fn settings_without_references_keep_every_digit() {
        let loaded = loaded(r#""number": 1.10000000000000000001"#);
        let used = loaded.service.endpoints[0].backends[0].plugin.as_ref();
        let mut findings = Findings::new(&loaded);
        let settings = resolve(used.unwrap(), &|_| None, &mut findings).unwrap();
        let settings = settings.text;
        assert!(settings.contains("1.10000000000000000001"), "{settings}");
    }

    #[test]
    fn a_reference_to_nothing_is_told_at_its_place() {
        for (members, place) in [
            (r#""proxy_password": {"env": "GONE"}"#, ".proxy_password: "),
            (
                r#""proxy_password": {"env": "SECRET", "file": "x"}"#,
                ".proxy_password: ",
            ),
            (r#""proxy_username": {}"#, ".proxy_username: "),
            (r#""proxy_ca": "/nonexistent""#, ".proxy_ca: "),
            (
                r#""proxy_connect_headers": {"a": {"vault": "SECRET"}}"#,
                ".proxy_connect_headers.a: ",
            ),
        ] {
            let said = resolved(members).unwrap_err();
            assert_eq!(said.len(), 1, "{said:?}");
            assert!(said[0].contains(place), "{said:?}");
            assert!(!said[0].contains("hunter2"), "{said:?}");
        }
    }
}
