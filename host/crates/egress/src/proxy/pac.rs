//! Proxy auto-configuration (PAC): a script names the proxies for each target.
//!
//! The script itself runs elsewhere, behind [`PacEvaluator`]. Here its answers
//! are read, kept for a while and turned into proxies.
//!
//! # Failing closed
//!
//! Browsers skip what they do not understand in an answer, and go direct when
//! nothing is left. Here an entry that cannot be understood, an answer without
//! an entry and a script that fails are errors of the request: traffic that is
//! meant for a proxy never takes another way. Only `DIRECT` is direct.

mod answer;
mod cache;

use std::{
    collections::HashMap,
    error::Error as StdError,
    fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
};

use self::{
    answer::Entry,
    cache::{Cache, Key},
};
use super::{Proxy, ProxyOptions, no_proxy::NoProxy};
use crate::{
    error::{BoxError, Error, ErrorKind, ProxyAddressError},
    target::Target,
};

/// Proxies that are kept for the next answer that names them. A script that
/// names more gets new ones every time, with the same connections.
const KEPT_PROXIES: usize = 256;

/// The answer of a script, or why there is none.
pub type PacAnswer<'a> = Pin<Box<dyn Future<Output = Result<String, BoxError>> + Send + 'a>>;

/// Runs `FindProxyForURL` of a PAC file.
pub trait PacEvaluator: Send + Sync {
    /// What the script returns for `url` on `host`, word for word, such as
    /// `PROXY a.example:3128; DIRECT`.
    ///
    /// `url` is scheme and authority of the target with the path `/`; `host`
    /// has no brackets around an IPv6 address. The future must end by itself:
    /// nobody else limits the time of a script.
    ///
    /// # Errors
    /// Whatever kept the script from answering. The request fails.
    fn find_proxy<'a>(&'a self, url: &'a str, host: &'a str) -> PacAnswer<'a>;
}

/// The proxies that a PAC file names.
///
/// Answers are kept for each scheme, host and port, 5 minutes and at most
/// 1,000 of them; failures for 5 seconds, so that a script in an endless loop
/// is not run for each request.
pub struct PacProxies {
    evaluator: Arc<dyn PacEvaluator>,
    options: ProxyOptions,
    no_proxy: NoProxy,
    cache: Cache,
    /// By address: equal addresses are one proxy, with one set of connections.
    proxies: Mutex<HashMap<String, Arc<Proxy>>>,
}

/// What there is to try for a target, in order; `None` is direct.
type Candidates = Arc<[Option<Arc<Proxy>>]>;

/// Why the file names no way to a target. No text of it holds credentials.
#[derive(Debug)]
enum PacError {
    /// The script did not answer.
    Evaluation(BoxError),
    /// The answer is not what a PAC file may return.
    Answer(String),
    /// An address that cannot be used.
    Address(String, ProxyAddressError),
}

impl PacProxies {
    /// Asks `evaluator` for every target that is not in `options.no_proxy`.
    /// `options` go for every proxy the script names, credentials included:
    /// an answer itself cannot hold any.
    #[must_use]
    pub fn new(evaluator: Arc<dyn PacEvaluator>, options: ProxyOptions) -> Self {
        Self {
            no_proxy: NoProxy::new(options.no_proxy.iter().map(String::as_str)),
            evaluator,
            options,
            cache: Cache::default(),
            proxies: Mutex::default(),
        }
    }

    /// The entry of `no_proxy` by which `target` is reached directly, without
    /// the script being asked.
    pub(super) fn exception(&self, target: &Target) -> Option<&Arc<str>> {
        self.no_proxy.exception(target)
    }

    /// What to try for `target`, in order; `None` is direct. Never empty. Does
    /// not look at the exceptions.
    ///
    /// # Errors
    /// [`ErrorKind::Denied`] if the file names no way that can be used.
    pub(crate) async fn candidates(
        &self,
        target: &Target,
    ) -> Result<Vec<Option<Arc<Proxy>>>, Error> {
        let decided = self
            .cache
            .get(Key::of(target), || self.decide(target))
            .await;
        decided
            .map(|candidates| candidates.to_vec())
            .map_err(|error| {
                let text = format!("the PAC file names no usable way to {target}");
                Error::new(ErrorKind::Denied, text).caused_by(Shared(error))
            })
    }

    async fn decide(&self, target: &Target) -> Result<Candidates, PacError> {
        let url = format!("{target}/");
        let answer = self
            .evaluator
            .find_proxy(&url, target.host())
            .await
            .map_err(PacError::Evaluation)?;
        let candidates: Candidates = answer::parse(&answer)?
            .into_iter()
            .map(|entry| self.candidate(entry))
            .collect::<Result<_, _>>()?;
        tracing::debug!(%target, ?candidates, "asked the PAC file");
        Ok(candidates)
    }

    fn candidate(&self, entry: Entry) -> Result<Option<Arc<Proxy>>, PacError> {
        match entry {
            Entry::Direct => Ok(None),
            Entry::Proxy(address) => self.proxy(address).map(Some),
        }
    }

    fn proxy(&self, address: String) -> Result<Arc<Proxy>, PacError> {
        let mut proxies = self.proxies.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = proxies.get(&address) {
            return Ok(Arc::clone(known));
        }
        let proxy = match Proxy::new(&address, self.options.clone()) {
            Ok(proxy) => Arc::new(proxy),
            Err(error) => return Err(PacError::Address(address, error)),
        };
        if proxies.len() < KEPT_PROXIES {
            proxies.insert(address, Arc::clone(&proxy));
        }
        Ok(proxy)
    }
}

impl fmt::Debug for PacProxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PacProxies")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for PacError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Evaluation(_) => f.write_str("its script failed"),
            Self::Answer(message) => write!(f, "its script answered {message}"),
            Self::Address(address, _) => write!(f, "its script named the proxy `{address}`"),
        }
    }
}

impl StdError for PacError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Evaluation(source) => Some(source.as_ref()),
            Self::Answer(_) => None,
            Self::Address(_, source) => Some(source),
        }
    }
}

/// An error that more than one request gets.
#[derive(Debug)]
struct Shared(Arc<PacError>);

impl fmt::Display for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl StdError for Shared {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source()
    }
}

#[cfg(test)]
mod tests;
