//! `encoding` and `output_encoding`.

use crate::{Backend, Encoding, OutputEncoding};

use super::{Section, nearest};

/// How backends are read.
pub(super) const ENCODINGS: [(&str, Encoding); 8] = [
    ("json", Encoding::Json),
    ("fast-json", Encoding::Json),
    ("safejson", Encoding::SafeJson),
    ("xml", Encoding::Xml),
    ("rss", Encoding::Rss),
    ("yaml", Encoding::Yaml),
    ("string", Encoding::String),
    ("no-op", Encoding::NoOp),
];

/// How endpoints are written.
pub(super) const OUTPUT_ENCODINGS: [(&str, OutputEncoding); 8] = [
    ("json", OutputEncoding::Json),
    ("fast-json", OutputEncoding::Json),
    ("json-collection", OutputEncoding::JsonCollection),
    ("negotiate", OutputEncoding::Negotiate),
    ("xml", OutputEncoding::Xml),
    ("yaml", OutputEncoding::Yaml),
    ("string", OutputEncoding::String),
    ("no-op", OutputEncoding::NoOp),
];

/// What is written as `output_encoding`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Output {
    Known(OutputEncoding),
    /// A name nobody knows: the backend decides.
    Unknown,
}

impl Output {
    pub(super) fn is_no_op(self) -> bool {
        self == Self::Known(OutputEncoding::NoOp)
    }

    /// For an unknown name the encoding of the only backend counts, as in
    /// KrakenD, if endpoints have one of that name.
    pub(super) fn for_backends(self, backends: &[Backend]) -> OutputEncoding {
        match (self, backends) {
            (Self::Known(encoding), _) => encoding,
            (Self::Unknown, [only]) => {
                named(&OUTPUT_ENCODINGS, only.encoding.name()).unwrap_or_default()
            }
            (Self::Unknown, _) => OutputEncoding::default(),
        }
    }
}

/// `encoding` of a backend. Compared without case but for `no-op`, as in
/// KrakenD.
pub(super) fn encoding(section: &mut Section<'_>) -> Encoding {
    let Some(written) = written(section, "encoding") else {
        return Encoding::default();
    };
    let known = match named(&ENCODINGS, &written.to_lowercase()) {
        Some(Encoding::NoOp) if written != "no-op" => None,
        known => known,
    };
    known.unwrap_or_else(|| {
        let otherwise = "KrakenD takes unknown encodings for \"json\"";
        unknown(section, "encoding", &written, &ENCODINGS, otherwise);
        Encoding::default()
    })
}

/// `output_encoding`, compared with case, as in KrakenD; nothing if it is not
/// there.
pub(super) fn output_encoding(section: &mut Section<'_>) -> Option<Output> {
    let written = written(section, "output_encoding")?;
    let known = named(&OUTPUT_ENCODINGS, &written).map(Output::Known);
    Some(known.unwrap_or_else(|| {
        let otherwise = "KrakenD takes the \"encoding\" of the only backend for unknown ones, \
                         or \"json\"";
        let key = "output_encoding";
        unknown(section, key, &written, &OUTPUT_ENCODINGS, otherwise);
        Output::Unknown
    }))
}

fn written(section: &mut Section<'_>, key: &'static str) -> Option<String> {
    section.text(key).filter(|text| !text.is_empty())
}

fn named<T: Copy>(table: &[(&str, T)], name: &str) -> Option<T> {
    let mut entries = table.iter();
    let (_, encoding) = entries.find(|(known, _)| *known == name)?;
    Some(*encoding)
}

fn unknown<T>(
    section: &Section<'_>,
    key: &str,
    written: &str,
    table: &[(&'static str, T)],
    otherwise: &str,
) {
    let names = table.iter().map(|(name, _)| *name);
    let help = match nearest(&written.replace('_', "-"), names) {
        Some(name) => format!("did you mean {name:?}?"),
        None => otherwise.to_owned(),
    };
    let message = format!("unknown encoding {written:?}");
    section
        .problems()
        .warning(&section.at().key(key), message, help);
}
