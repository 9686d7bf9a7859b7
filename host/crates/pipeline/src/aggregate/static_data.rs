//! `static`: fields that are added to an answer, or stand in for it.

use bytes::Bytes;
use cuttle_config::StaticStrategy;

use crate::data::{Document, JsonError, MAX_DEPTH, decode_json};

use super::merge::{Gathered, is_null, united};

/// Data and when it is added.
pub(super) struct StaticData {
    strategy: StaticStrategy,
    data: Document,
}

impl StaticData {
    pub(super) fn new(config: &cuttle_config::StaticData) -> Result<Self, JsonError> {
        let data = decode_json(&Bytes::from(config.data.clone()), MAX_DEPTH)?;
        Ok(Self {
            strategy: config.strategy,
            data,
        })
    }

    /// Adds the data where the strategy says so. Then there is an answer,
    /// whatever has failed.
    pub(super) fn apply(&self, gathered: &mut Gathered) {
        if !self.is_due(gathered) {
            return;
        }
        let data = gathered.data.take().filter(|data| !is_null(data));
        gathered.data = Some(match data {
            Some(data) => united(data, self.data.clone()),
            None => self.data.clone(),
        });
    }

    fn is_due(&self, gathered: &Gathered) -> bool {
        let errored = !gathered.failures.is_empty();
        match self.strategy {
            StaticStrategy::Always => true,
            StaticStrategy::Success => !errored,
            StaticStrategy::Errored => errored,
            StaticStrategy::Complete => !errored && gathered.complete,
            StaticStrategy::Incomplete => !gathered.complete,
        }
    }
}
