//! Which place of which template each place of the rendered text is from.

/// Pieces of the rendered text in order, each from one place.
#[derive(Debug, Clone, Default)]
pub(super) struct Origins {
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, Copy)]
struct Piece {
    /// Where it begins in the rendered text.
    start: usize,
    /// Index of the template's text, and offset in it.
    source: usize,
    offset: usize,
    /// It is a copy, so that each of its bytes has its own place.
    copied: bool,
}

impl Origins {
    /// From `start` on, the rendered text is a copy of `source` at `offset`.
    pub(super) fn copied(&mut self, start: usize, source: usize, offset: usize) {
        self.add(start, source, offset, true);
    }

    /// From `start` on, the rendered text is made by the action at `offset`.
    pub(super) fn made(&mut self, start: usize, source: usize, offset: usize) {
        self.add(start, source, offset, false);
    }

    fn add(&mut self, start: usize, source: usize, offset: usize, copied: bool) {
        // One that wrote nothing has no place in the text.
        if self.pieces.last().is_some_and(|last| last.start == start) {
            self.pieces.pop();
        }
        self.pieces.push(Piece {
            start,
            source,
            offset,
            copied,
        });
    }

    /// Index of the template's text, and offset in it, for an offset in the
    /// rendered text.
    pub(super) fn find(&self, offset: usize) -> Option<(usize, usize)> {
        let behind = self.pieces.partition_point(|piece| piece.start <= offset);
        let piece = self.pieces.get(behind.checked_sub(1)?)?;
        let inside = if piece.copied {
            offset - piece.start
        } else {
            0
        };
        Some((piece.source, piece.offset + inside))
    }
}
