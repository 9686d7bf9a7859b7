//! The answers of several backends as one.

use crate::{
    Failure,
    data::{Document, Kind},
};

use super::source::Part;
use crate::modify::Head;

/// What the backends of an endpoint have given together.
pub(super) struct Gathered {
    /// `None`: nobody has answered. A null is an answer without data.
    pub(super) data: Option<Document>,
    /// Whether every backend has given all it should.
    pub(super) complete: bool,
    /// What went wrong, in the order of its coming.
    pub(super) failures: Vec<Failure>,
    /// What modifiers have set.
    pub(super) head: Option<Box<Head>>,
}

impl Gathered {
    /// No answer but a failure.
    pub(super) fn failed(failure: Failure) -> Self {
        Self {
            data: None,
            complete: false,
            failures: vec![failure],
            head: None,
        }
    }

    /// What a single backend has given.
    pub(super) fn single(outcome: Result<Part, Failure>) -> Self {
        match outcome {
            Ok(part) => Self {
                data: Some(part.data),
                complete: part.complete,
                failures: Vec::new(),
                head: part.head,
            },
            Err(failure) => Self::failed(failure),
        }
    }

    /// `parts` in the order of the list, of a list of `expected` backends.
    ///
    /// First-level fields of a later backend replace those of an earlier one,
    /// whichever came first; KrakenD lets the slower one win. Nothing is merged
    /// below the first level.
    pub(super) fn merged(
        parts: impl IntoIterator<Item = Part>,
        expected: usize,
        failures: Vec<Failure>,
    ) -> Self {
        let mut count = 0;
        let mut complete = failures.is_empty();
        let mut data: Option<Document> = None;
        let mut empty = 0;
        let mut head = None;
        for part in parts {
            count += 1;
            complete &= part.complete;
            empty += usize::from(is_null(&part.data));
            // Merged answers have none: which would it be?
            head = part.head.filter(|_| count == 1);
            data = Some(match data {
                Some(earlier) => united(earlier, part.data),
                None => part.data,
            });
        }
        // Of several answers without data, KrakenD makes an empty object.
        if count > 1 && data.as_ref().is_some_and(is_null) {
            data = Some(Document::object());
        }
        Self {
            data,
            complete: complete && count == expected && empty == 0,
            failures,
            head,
        }
    }

    /// Whether it counts as complete to a client: KrakenD says so of answers
    /// with data in them only.
    pub(super) fn is_whole(&self) -> bool {
        let has_data =
            |data: &Document| data.kind(data.root()) == Kind::Object && !data.is_empty(data.root());
        self.complete && self.data.as_ref().is_some_and(has_data)
    }
}

/// `earlier` with the fields of `later`. A null has none.
pub(super) fn united(mut earlier: Document, later: Document) -> Document {
    if is_null(&later) {
        return earlier;
    }
    if is_null(&earlier) {
        return later;
    }
    let from = earlier.absorb(later);
    let onto = earlier.root();
    earlier.overlay(onto, from);
    earlier
}

pub(super) fn is_null(data: &Document) -> bool {
    data.kind(data.root()) == Kind::Null
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use bytes::Bytes;
    use proptest::{collection::btree_map, option, prelude::*};

    use super::*;
    use crate::{
        FailureKind,
        data::{MAX_DEPTH, decode_json},
    };

    /// An answer's fields, or nothing.
    type Fields = Option<BTreeMap<String, u8>>;

    fn fields() -> impl Strategy<Value = Fields> {
        option::weighted(0.9, btree_map("[a-f]", any::<u8>(), 0..5))
    }

    /// What a backend came to: fields and completeness, or a failure.
    fn outcomes() -> impl Strategy<Value = Vec<Option<(Fields, bool)>>> {
        prop::collection::vec(option::weighted(0.8, (fields(), any::<bool>())), 1..6)
    }

    fn text(fields: &Fields) -> String {
        match fields {
            None => "null".to_owned(),
            Some(fields) => {
                let members = fields
                    .iter()
                    .map(|(key, value)| format!("\"{key}\":{value}"));
                format!("{{{}}}", members.collect::<Vec<_>>().join(","))
            }
        }
    }

    fn document(fields: &Fields) -> Document {
        let decoded = decode_json(&Bytes::from(text(fields)), MAX_DEPTH);
        decoded.unwrap_or_else(|error| panic!("{error}"))
    }

    fn json(data: &Document) -> String {
        let mut out = Vec::new();
        data.write_json(data.root(), &mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    fn part(fields: &Fields, complete: bool) -> Part {
        Part {
            data: document(fields),
            complete,
            body: None,
            head: None,
        }
    }

    /// The merge of what has succeeded.
    fn merged(outcomes: &[Option<(Fields, bool)>]) -> Gathered {
        let parts: Vec<_> = outcomes.iter().flatten().collect();
        let failed = outcomes.len() - parts.len();
        let failures = (0..failed).map(|_| Failure::new(FailureKind::Status, "failed"));
        let parts = parts
            .into_iter()
            .map(|(fields, complete)| part(fields, *complete));
        Gathered::merged(
            parts.collect::<Vec<_>>(),
            outcomes.len(),
            failures.collect(),
        )
    }

    proptest! {
        #[test]
        fn how_answers_are_grouped_does_not_matter(a in fields(), b in fields(), c in fields()) {
            let of = document;
            let left = united(united(of(&a), of(&b)), of(&c));
            let right = united(of(&a), united(of(&b), of(&c)));
            prop_assert_eq!(json(&left), json(&right));
        }

        #[test]
        fn an_answer_without_data_changes_nothing(a in fields()) {
            prop_assert_eq!(json(&united(document(&a), document(&None))), text(&a));
            prop_assert_eq!(json(&united(document(&None), document(&a))), text(&a));
            prop_assert_eq!(json(&united(document(&a), document(&a))), text(&a));
        }

        #[test]
        fn each_field_is_that_of_the_last_answer_that_has_it(outcomes in outcomes()) {
            let parts: Vec<_> = outcomes.iter().flatten().collect();
            let mut expected = Fields::None;
            for (fields, _) in &parts {
                if let Some(fields) = fields {
                    expected.get_or_insert_default().extend(fields.clone());
                }
            }
            if parts.len() > 1 {
                expected.get_or_insert_default();
            }
            let data = merged(&outcomes).data.map(|data| json(&data));
            prop_assert_eq!(data, (!parts.is_empty()).then(|| text(&expected)));
        }

        #[test]
        fn the_whole_is_complete_if_every_answer_is(outcomes in outcomes()) {
            let all = outcomes.iter().all(|one| matches!(one, Some((Some(_), true))));
            prop_assert_eq!(merged(&outcomes).complete, all);
        }

        #[test]
        fn a_failure_takes_no_field_of_another_answer(outcomes in outcomes(), at in any::<prop::sample::Index>()) {
            let mut failing = outcomes.clone();
            failing.insert(at.index(outcomes.len() + 1), None);
            let (without, with) = (merged(&outcomes), merged(&failing));
            prop_assert_eq!(with.data.map(|data| json(&data)), without.data.map(|data| json(&data)));
            prop_assert!(!with.complete);
        }
    }
}
