//! `cuttle run --record`: calls of plugins, written as cases that `cuttle
//! plugin test` runs.
//!
//! Only what is complete and small enough is kept: everything here is bounded,
//! and what does not fit is not recorded, which harms no request. Secrets are
//! taken out before anything is written (`redact`).

mod draft;
mod redact;
mod tee;
mod write;

use std::{
    collections::BTreeMap,
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::SyncSender,
    },
};

use cuttle_egress::Body;
use cuttle_plugin::{CallError, observe};
use http::{HeaderMap, Request, Response};

use crate::cases::{Asked, Case, Fields, Grants, Values};
use draft::{Companion, Draft};
pub(crate) use redact::redacted;

/// Calls that are recorded at a time; others pass unrecorded.
const MAX_AT_A_TIME: usize = 64;
/// Cases that wait to be written.
const MAX_WAITING: usize = 64;

/// Writes what plugins do into a folder. One for the process.
pub struct Recorder {
    finished: SyncSender<Case>,
    at_work: Arc<AtomicUsize>,
}

/// One place of use that is recorded.
pub(crate) struct Recorded {
    recorder: Arc<Recorder>,
    plugin: String,
    settings: serde_json::Map<String, serde_json::Value>,
    /// Texts in them that are secrets, whatever their names.
    secrets: Vec<String>,
    grants: Grants,
}

/// Counts one call for as long as it is being recorded.
struct Place(Arc<AtomicUsize>);

impl Recorder {
    /// Makes `folder`, for the gateway's own user alone, if it is not there, and
    /// starts the thread that writes.
    ///
    /// # Errors
    /// A folder that cannot be made or written to.
    pub fn open(folder: &Path) -> io::Result<Arc<Self>> {
        let finished = write::start(folder)?;
        let at_work = Arc::default();
        Ok(Arc::new(Self { finished, at_work }))
    }

    fn place(&self) -> Option<Place> {
        let taken = self
            .at_work
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |taken| {
                (taken < MAX_AT_A_TIME).then_some(taken + 1)
            });
        taken.ok().map(|_| Place(Arc::clone(&self.at_work)))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Recorded {
    /// `secrets` are texts in `settings` that are secrets, whatever their names.
    /// `outbound` and `proxies` are what the plugin may reach and open.
    pub(crate) fn new(
        recorder: &Arc<Recorder>,
        plugin: &str,
        (settings, secrets): (serde_json::Map<String, serde_json::Value>, Vec<String>),
        (outbound, proxies): (Vec<String>, Vec<String>),
    ) -> Self {
        Self {
            recorder: Arc::clone(recorder),
            plugin: plugin.to_owned(),
            settings,
            secrets,
            grants: Grants { outbound, proxies },
        }
    }

    /// Begins to record the call that gets `request`, if there is room.
    pub(crate) fn begin(&self, request: Request<Body>) -> (Request<Body>, Option<Recording>) {
        let Some(place) = self.recorder.place() else {
            return (request, None);
        };
        let case = Case {
            name: format!("{} {}", request.method(), request.uri().path()),
            settings: self.settings.clone(),
            grants: self.grants.clone(),
            secrets: self.secrets.clone(),
            request: Asked {
                method: Some(request.method().to_string()),
                uri: request.uri().to_string(),
                headers: fields(request.headers()),
                body: None,
            },
            ..Case::default()
        };
        let draft = Draft::new(case, &self.plugin, self.recorder.finished.clone(), place);
        let (parts, body) = request.into_parts();
        let body = tee::given(body, &draft, |case, body| case.request.body = Some(body));
        let mut request = Request::from_parts(parts, body);
        observe(&mut request, Arc::new(Companion(Arc::clone(&draft))));
        (request, Some(Recording(draft)))
    }
}

/// A call that is being recorded.
pub(crate) struct Recording(Arc<Draft>);

impl Recording {
    /// Takes down what the plugin has made of it.
    pub(crate) fn end(
        self,
        answered: Result<Response<Body>, CallError>,
    ) -> Result<Response<Body>, CallError> {
        let draft = self.0;
        let response = match answered {
            Ok(response) => response,
            Err(error) => {
                draft.failed(&error);
                return Err(error);
            }
        };
        let (parts, body) = response.into_parts();
        draft.answered(parts.status.as_u16(), fields(&parts.headers));
        let body = tee::made(body, &draft, |case, body| case.expect.body = Some(body));
        Ok(Response::from_parts(parts, body))
    }
}

/// Fields as a case writes them. Bytes that are no text are lost, which is seen
/// when the case is run.
fn fields(headers: &HeaderMap) -> Fields {
    let mut lines = BTreeMap::<String, Vec<String>>::new();
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        lines
            .entry(name.as_str().to_owned())
            .or_default()
            .push(value);
    }
    let fields = lines
        .into_iter()
        .map(|(name, mut values)| match values.len() {
            1 => (name, Values::One(values.remove(0))),
            _ => (name, Values::Many(values)),
        });
    fields.collect()
}
