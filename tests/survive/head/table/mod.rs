//! The cases, by what they attack.

mod chunk;
mod field;
mod frame;
mod hop;
mod limit;
mod line;
mod pipe;
mod values;

use super::case::Case;

/// All of them.
pub(super) fn all() -> Vec<Case> {
    let families = [
        frame::cases(),
        field::cases(),
        line::cases(),
        chunk::cases(),
        pipe::cases(),
        hop::cases(),
        limit::cases(),
        values::cases(),
    ];
    families.into_iter().flatten().collect()
}
