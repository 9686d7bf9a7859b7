//! What a request to the endpoint would lead to.

use crate::{
    BodyUse, CallOrder, Explanation, Inbound,
    copies::Copies,
    deadline::share_of,
    explain::{Arrived, no_body},
    modify::Around,
};

use super::{Aggregate, WINDOW};

impl Aggregate {
    pub(crate) fn around(&self) -> Option<&Around> {
        self.around.as_deref()
    }

    /// Completes `explained`: the calls that [`serve`](Self::serve) would make.
    pub(crate) fn explain(
        &self,
        inbound: Inbound,
        arrived: Arrived<'_>,
        explained: Explanation,
    ) -> Explanation {
        let several = self.sources.len() > 1;
        let window = several.then(|| share_of(explained.timeout, WINDOW));
        let limit = window.unwrap_or(explained.timeout);
        let mut copies = Copies::sharing(Inbound {
            body: no_body(),
            ..inbound
        });
        let mut calls: Vec<_> = self
            .shadows
            .iter()
            .map(|shadow| shadow.explain(copies.next(), arrived))
            .collect();
        for (index, source) in self.sources.iter().enumerate() {
            let chain = self.chain.as_ref();
            let responses = chain.map_or_else(Vec::new, |chain| chain.stand_ins(index));
            calls.push(source.explain(copies.next(), arrived, &responses, limit));
        }
        calls.sort_by_key(|call| call.backend);
        Explanation {
            window,
            order: self.order(),
            body: self.body_use(),
            calls: Ok(calls),
            ..explained
        }
    }

    fn order(&self) -> CallOrder {
        match (self.sources.as_slice(), &self.chain) {
            ([_], _) => CallOrder::One,
            (_, Some(_)) => CallOrder::Sequential,
            (_, None) => CallOrder::Parallel,
        }
    }

    fn body_use(&self) -> BodyUse {
        let limit = self.settings.body_copy;
        match self.sources.as_slice() {
            _ if self.copies_body => BodyUse::Copied(limit),
            [only] if only.is_repeated() => BodyUse::Copied(limit),
            [_] => BodyUse::Streamed,
            _ => BodyUse::First,
        }
    }
}
