//! Which gateway answers which case.
//!
//! Starting a gateway costs more than a case does. Cases with equal keys at the
//! root share one, in which each has a path of its own in front of its
//! endpoints. If the shared one does not start, each of its cases gets its own,
//! so that the one at fault is the one that fails.

use std::{fs, sync::Arc};

use cuttle_tests::{Configured, FaultProxy, Gateway, Origin};
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use tokio::sync::OnceCell;

use crate::{
    backend,
    case::{Case, Texts},
};

/// One for all, as each takes a port for good.
static REFUSED: OnceCell<String> = OnceCell::const_new();

/// A case with its backend.
pub(crate) struct Prepared {
    pub(crate) origin: Origin,
    pub(crate) words: Words,
    endpoints: Vec<Value>,
}

/// What placeholders of a case stand for.
#[derive(Debug, Clone)]
pub(crate) struct Words {
    pub(crate) origin: String,
    pub(crate) authority: String,
    pub(crate) refused: String,
    pub(crate) prefix: String,
}

/// Cases that share a gateway.
pub(crate) struct Group {
    cases: Vec<Case>,
    started: OnceCell<Started>,
}

struct Started {
    prepared: Vec<Arc<Prepared>>,
    /// Nothing if it did not start, and each case has to do it alone.
    gateway: Option<Arc<Gateway>>,
}

impl Group {
    pub(crate) fn of(cases: Vec<Case>) -> Self {
        Self {
            cases,
            started: OnceCell::new(),
        }
    }

    pub(crate) fn case(&self, index: usize) -> &Case {
        &self.cases[index]
    }

    /// Gateway and backend for the case at `index`.
    pub(crate) async fn place(
        &self,
        index: usize,
    ) -> anyhow::Result<(Arc<Gateway>, Arc<Prepared>)> {
        let started = self.started.get_or_init(|| self.start()).await;
        let (case, prepared) = (&self.cases[index], &started.prepared[index]);
        let gateway = match &started.gateway {
            Some(gateway) => gateway.clone(),
            None => Arc::new(gateway(case, &[prepared]).await?),
        };
        Ok((gateway, prepared.clone()))
    }

    async fn start(&self) -> Started {
        let mut prepared = Vec::new();
        for (index, case) in self.cases.iter().enumerate() {
            let prefix = match case.is_alone() {
                true => String::new(),
                false => format!("/{index}"),
            };
            prepared.push(Arc::new(Prepared::new(case, prefix).await));
        }
        let all: Vec<_> = prepared.iter().map(AsRef::as_ref).collect();
        let started = match self.cases.as_slice() {
            [_] => None,
            cases => gateway(&cases[0], &all).await.ok().map(Arc::new),
        };
        Started {
            prepared,
            gateway: started,
        }
    }
}

impl Prepared {
    async fn new(case: &Case, prefix: String) -> Self {
        let origin = backend::start(case).await;
        let words = Words {
            origin: origin.url(),
            authority: origin.authority(),
            refused: REFUSED.get_or_init(FaultProxy::refused).await.clone(),
            prefix,
        };
        let endpoints = case.endpoints().into_iter();
        Self {
            endpoints: endpoints
                .map(|endpoint| words.endpoint(endpoint, case))
                .collect(),
            origin,
            words,
        }
    }
}

impl Words {
    /// `text` with everything filled in.
    pub(crate) fn fill(&self, text: &str) -> String {
        text.replace("$origin", &self.origin)
            .replace("$authority", &self.authority)
            .replace("$refused", &self.refused)
            .replace("$prefix", &self.prefix)
    }

    /// The target of a request to the gateway. What it serves by itself stands
    /// at the root.
    pub(crate) fn target(&self, target: &str) -> String {
        match target.starts_with("/__") || !target.starts_with('/') {
            true => self.fill(target),
            false => format!("{}{}", self.prefix, self.fill(target)),
        }
    }

    fn endpoint(&self, mut endpoint: Map<String, Value>, case: &Case) -> Value {
        if let Some(Value::String(path)) = endpoint.get_mut("endpoint")
            && !self.prefix.is_empty()
        {
            let slash = if path.starts_with('/') { "" } else { "/" };
            *path = format!("{}{slash}{path}", self.prefix);
        }
        if !case.service.contains_key("host") {
            self.add_host(&mut endpoint);
        }
        self.filled(Value::Object(endpoint))
    }

    /// Backends without a host are the case's own.
    fn add_host(&self, endpoint: &mut Map<String, Value>) {
        let Some(Value::Array(backends)) = endpoint.get_mut("backend") else {
            return;
        };
        for backend in backends.iter_mut().filter_map(Value::as_object_mut) {
            backend
                .entry("host")
                .or_insert_with(|| json!([self.origin]));
        }
    }

    fn filled(&self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.fill(&text)),
            Value::Array(items) => items.into_iter().map(|item| self.filled(item)).collect(),
            Value::Object(entries) => entries
                .into_iter()
                .map(|(key, value)| (key, self.filled(value)))
                .collect(),
            other => other,
        }
    }
}

/// A gateway with the root of `case` and all these endpoints.
async fn gateway(case: &Case, prepared: &[&Prepared]) -> anyhow::Result<Gateway> {
    let words = &prepared[0].words;
    let folder = Arc::new(tempfile::tempdir()?);
    write(&folder, &case.files, words)?;
    let mut configured = match &case.file {
        Some(file) => Configured::text(&words.fill(&file.text))
            .file(&file.name)
            .env("KRAKEND_LISTEN_IP", "127.0.0.1"),
        None => Gateway::configured(config(case, prepared)),
    };
    for (name, value) in &case.environment {
        configured = configured.env(name, &words.fill(value));
    }
    configured.dir(&folder).start().await
}

fn config(case: &Case, prepared: &[&Prepared]) -> Value {
    let mut service = match prepared[0]
        .words
        .filled(Value::Object(case.service.clone()))
    {
        Value::Object(service) => service,
        _ => Map::new(),
    };
    service.entry("version").or_insert_with(|| json!(3));
    // Enough for a busy machine; cases about timeouts set their own.
    service.entry("timeout").or_insert_with(|| json!("30s"));
    let endpoints = prepared.iter().flat_map(|one| one.endpoints.clone());
    service
        .entry("endpoints")
        .or_insert_with(|| endpoints.collect());
    Value::Object(service)
}

fn write(folder: &TempDir, files: &Texts, words: &Words) -> anyhow::Result<()> {
    for (name, text) in files {
        let path = folder.path().join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(path, words.fill(text))?;
    }
    Ok(())
}
