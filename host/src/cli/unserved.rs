//! The end of `check`: namespaces that are known and not served.

use cuttle_pipeline::config::{Unserved, UnservedNamespace};
use serde_json::{Value, json};

/// The table for people, nothing when there are none.
pub(super) fn table(namespaces: &[UnservedNamespace]) -> Vec<String> {
    if namespaces.is_empty() {
        return Vec::new();
    }
    let title = "Namespaces that KrakenD knows and this gateway does not serve yet:".to_owned();
    let widest = |texts: Vec<usize>| texts.into_iter().max().unwrap_or_default();
    let name = widest(namespaces.iter().map(|one| one.name.len()).collect());
    let places = widest(
        namespaces
            .iter()
            .map(|one| shown(one.places).len())
            .collect(),
    );
    let rows = namespaces.iter().map(|one| {
        let count = shown(one.places);
        format!("  {:name$}  {count:>places$}  {}", one.name, one.unserved)
    });
    std::iter::once(title).chain(rows).collect()
}

/// The last letter is a blank in the singular, so that numbers stand in a column.
fn shown(places: usize) -> String {
    match places {
        1 => "1 place ".to_owned(),
        n => format!("{n} places"),
    }
}

/// The same for programs.
pub(super) fn json(namespaces: &[UnservedNamespace]) -> Value {
    let list = namespaces.iter().map(|one| {
        let (state, consequence) = match one.unserved {
            Unserved::NoEffect(consequence) => ("no-effect", Some(consequence)),
            _ => ("refused", None),
        };
        json!({
            "name": one.name,
            "places": one.places,
            "state": state,
            "consequence": consequence,
        })
    });
    list.collect()
}
