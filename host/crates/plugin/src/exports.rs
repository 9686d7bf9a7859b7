//! What a component exports, told before it is compiled: which engine compiles
//! it depends on that.

use wasmparser::{Parser, Payload};

/// Names of what the component in `bytes` exports. What is damaged has none:
/// the compiler finds better words for it.
pub(crate) fn names(bytes: &[u8]) -> Vec<String> {
    let mut names = Vec::new();
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload {
            Ok(Payload::ModuleSection { .. } | Payload::ComponentSection { .. }) => depth += 1,
            Ok(Payload::End(_)) => depth = depth.saturating_sub(1),
            Ok(Payload::ComponentExportSection(exports)) if depth == 0 => {
                let exports = exports.into_iter().flatten();
                names.extend(exports.map(|export| export.name.name.to_owned()));
            }
            Ok(_) => {}
            Err(_) => return Vec::new(),
        }
    }
    names
}
