//! Where a document's strings, numbers and keys lie.

use bytes::Bytes;

/// A piece of text: a range of one source. Always whole UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Text {
    start: u32,
    len: u32,
    source: u16,
    /// Known to need no escape in JSON. `false` says nothing.
    plain: bool,
}

impl Text {
    pub(super) const EMPTY: Self = Self {
        start: 0,
        len: 0,
        source: OWN,
        plain: true,
    };

    /// A range of a source; `None` where it ends too far (4 GiB) for one.
    pub(super) fn new(start: usize, len: usize, source: u16, plain: bool) -> Option<Self> {
        u32::try_from(start.checked_add(len)?).ok()?;
        Some(Self {
            start: u32::try_from(start).ok()?,
            len: u32::try_from(len).ok()?,
            source,
            plain,
        })
    }

    pub(super) fn is_plain(self) -> bool {
        self.plain
    }
}

/// Number of the source that is written to; all others are finished.
const OWN: u16 = 0;

/// The bytes that the [`Text`]s of one document point into.
#[derive(Debug, Clone, Default)]
pub(super) struct Texts {
    /// Text that is not in a source as it is: unescaped, or put in by hand.
    own: Vec<u8>,
    /// Numbered from 1 on.
    finished: Vec<Bytes>,
}

impl Texts {
    /// Adds a finished source and returns its number.
    pub(super) fn add(&mut self, source: Bytes) -> u16 {
        self.finished.push(source);
        u16::try_from(self.finished.len()).unwrap_or(u16::MAX)
    }

    /// Copies `text` in.
    ///
    /// Bodies are capped far below what a range can say; a text beyond that
    /// (4 GiB) is left out rather than cut.
    pub(super) fn keep(&mut self, text: &str) -> Text {
        let start = self.own.len();
        self.own.extend_from_slice(text.as_bytes());
        self.own_since(start)
    }

    /// To append text that is not there in one piece.
    pub(super) fn own(&mut self) -> &mut Vec<u8> {
        &mut self.own
    }

    /// What was appended to [`own`](Self::own) since it was `start` long.
    pub(super) fn own_since(&self, start: usize) -> Text {
        let len = self.own.len().saturating_sub(start);
        Text::new(start, len, OWN, false).unwrap_or(Text::EMPTY)
    }

    /// Bytes in all sources, those included that no text points to.
    pub(super) fn len(&self) -> usize {
        let finished = self.finished.iter().map(Bytes::len);
        finished.fold(self.own.len(), usize::saturating_add)
    }

    pub(super) fn bytes(&self, text: Text) -> &[u8] {
        let source = match text.source.checked_sub(1) {
            None => Some(self.own.as_slice()),
            Some(finished) => self.finished.get(usize::from(finished)).map(AsRef::as_ref),
        };
        let start = text.start as usize;
        let range = start..start + text.len as usize;
        source
            .and_then(|source| source.get(range))
            .unwrap_or_default()
    }

    pub(super) fn str(&self, text: Text) -> &str {
        // Was checked when the text was made; only `unsafe` could skip it here.
        std::str::from_utf8(self.bytes(text)).unwrap_or_default()
    }

    /// Whether there are numbers left for [`absorb`](Self::absorb).
    pub(super) fn has_room_for(&self, other: &Self) -> bool {
        self.finished.len() + other.finished.len() < usize::from(u16::MAX)
    }

    /// Takes over all sources of `other` without copying one. The function it
    /// returns makes a text of `other` one of `self`.
    pub(super) fn absorb(&mut self, other: Self) -> impl Fn(Text) -> Text + use<> {
        let before = u16::try_from(self.finished.len()).unwrap_or(u16::MAX);
        self.finished.extend(other.finished);
        let own = self.add(Bytes::from(other.own));
        move |text| Text {
            source: match text.source {
                OWN => own,
                finished => finished.saturating_add(before),
            },
            ..text
        }
    }
}

/// How many bytes at the start of `bytes` may stand in a JSON string as they
/// are, both in one that is read and in one that is written: none of `"`, `\`,
/// `<`, `>`, `&`, control characters, or 0xe2, which U+2028 and U+2029 begin
/// with.
pub(super) fn plain_run(bytes: &[u8]) -> usize {
    let mut words = bytes.chunks_exact(8);
    let mut run = 0;
    for word in &mut words {
        let word = <[u8; 8]>::try_from(word).map_or(0, u64::from_le_bytes);
        let special = specials(word);
        if special != 0 {
            return run + (special.trailing_zeros() / 8) as usize;
        }
        run += 8;
    }
    let rest = words.remainder();
    let end = rest.iter().position(|byte| is_special(*byte));
    run + end.unwrap_or(rest.len())
}

fn is_special(byte: u8) -> bool {
    matches!(byte, ..0x20 | b'"' | b'\\' | b'<' | b'>' | b'&' | 0xe2)
}

/// The highest bit of each byte that [`is_special`], eight bytes at a time. Bits
/// above the lowest that is set may be set in error: borrows carry upwards.
fn specials(word: u64) -> u64 {
    const ONES: u64 = u64::MAX / 0xff;
    let zero = |bytes: u64| bytes.wrapping_sub(ONES) & !bytes;
    let is = |bytes: u64, byte: u8| zero(bytes ^ (ONES * u64::from(byte)));
    let control = word.wrapping_sub(ONES * 0x20) & !word;
    // `"` and `&` differ in one bit, `<` and `>` as well.
    let quote_or_and = is(word | (ONES * 0x04), b'&');
    let less_or_greater = is(word | (ONES * 0x02), b'>');
    let found = control | quote_or_and | less_or_greater | is(word, b'\\') | is(word, 0xe2);
    found & (ONES * 0x80)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_ends_at_every_special_byte_wherever_it_is() {
        for byte in 0..=u8::MAX {
            for length in 1..20 {
                for position in 0..length {
                    let mut bytes = vec![b'x'; length];
                    bytes[position] = byte;
                    let end = if is_special(byte) { position } else { length };
                    assert_eq!(
                        plain_run(&bytes),
                        end,
                        "{byte:#x} at {position} of {length}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_first_of_several_special_bytes_ends_a_run() {
        for first in 0..=u8::MAX {
            for second in 0..=u8::MAX {
                let bytes = [b'x', 0xff, first, second, b'x', b'"', b'x', 0, b'\\'];
                let end = bytes.iter().position(|byte| is_special(*byte));
                assert_eq!(Some(plain_run(&bytes)), end, "{first:#x} {second:#x}");
            }
        }
    }
}
