//! `plugin/req-resp-modifier` of an endpoint or a backend.

use crate::{
    PluginName, PluginUse,
    read::{Node, Value},
};

use super::{Item, Problems, Section, section::misfit};

/// The plugins of the list, in its order.
pub(super) fn resolve(extra: &mut Section<'_>) -> Vec<PluginUse> {
    let problems = extra.problems();
    let Some(item) = extra.item("plugin/req-resp-modifier") else {
        return Vec::new();
    };
    let names = names(&item, problems);
    let one = |name: &PluginName| PluginUse {
        place: item.at.path(),
        names: vec![name.clone()],
        settings: settings(item.node, &name.name, &names),
    };
    names.iter().map(one).collect()
}

fn names(item: &Item<'_>, problems: &Problems<'_>) -> Vec<PluginName> {
    let Value::Object(object) = &item.node.value else {
        misfit(problems, item, "an object");
        return Vec::new();
    };
    let at = item.at.key("name");
    let help = "write the names of plugins, such as \"name\": [\"my-plugin\"]";
    match object.find("name").map(|entry| &entry.node.value) {
        Some(Value::List(names)) => {
            if names.is_empty() {
                problems.warning(&at, "is empty: nothing is modified", help);
            }
            let texts = names
                .iter()
                .enumerate()
                .map(|(index, name)| match &name.value {
                    Value::Text(name) if !name.is_empty() => Some(PluginName {
                        place: at.path().index(index),
                        name: name.clone(),
                    }),
                    _ => None,
                });
            let texts: Option<Vec<_>> = texts.collect();
            texts.unwrap_or_else(|| {
                problems.error(&at, "holds something that is no name", help);
                Vec::new()
            })
        }
        Some(Value::Text(name)) if !name.is_empty() => {
            let message = "is read as a list of one; KrakenD takes lists only and would modify \
                           nothing";
            problems.warning(&at, message, format!("write [{name:?}]"));
            vec![PluginName {
                place: at.path(),
                name: name.clone(),
            }]
        }
        _ => {
            problems.error(&at, "names no plugin", help);
            Vec::new()
        }
    }
}

/// The object as JSON text, without what is another plugin's by its key: that
/// may be a secret.
fn settings(node: &Node, name: &str, names: &[PluginName]) -> String {
    let mut node = node.clone();
    if let Value::Object(object) = &mut node.value {
        let others = |key: &str| key != name && names.iter().any(|other| other.name == key);
        object.entries_mut().retain(|entry| !others(&entry.key));
    }
    node.to_json()
}
