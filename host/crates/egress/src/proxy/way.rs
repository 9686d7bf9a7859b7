//! Choosing the way to a target, and saying why.

use std::{fmt, sync::Arc};

use http::Uri;

use super::{EnvironmentProxies, PacProxies, Proxy, ProxyHealth, group::ProxyGroup};
use crate::{error::Error, target::Target};

/// How the way to a target is chosen.
#[derive(Debug, Clone)]
pub enum Way {
    /// Straight to the target.
    Direct,
    /// Through this proxy, except for its own `no_proxy` list.
    Proxy(Arc<Proxy>),
    /// Through one of these proxies, except for their `no_proxy` lists.
    Group(Arc<ProxyGroup>),
    /// By the environment's rules.
    Environment(Arc<EnvironmentProxies>),
    /// As a PAC file says.
    Pac(Arc<PacProxies>),
}

/// Where requests for a target go, and by which rule.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Decision {
    /// Labels of the proxies in the order of trying, health aside. `None` is
    /// direct.
    pub via: Vec<Option<Arc<str>>>,
    /// The rule that decided, in the words of [`Rule`].
    pub rule: String,
}

/// Why a request goes the way it goes. Shown by `Display`; holds no secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rule {
    /// No proxy is asked for.
    Direct,
    /// The setting `proxy_address`.
    ProxyAddress,
    /// This entry of the setting `no_proxy`.
    NoProxy(Arc<str>),
    /// This variable of the environment, as it is spelled there.
    Variable(&'static str),
    /// This variable says `direct`.
    VariableDirect(&'static str),
    /// The environment names no proxy for the target.
    NoVariable,
    /// The target is this machine, which the environment's proxies are not for.
    Loopback,
    /// This entry of the variable `NO_PROXY`.
    NoProxyVariable(Arc<str>),
    /// The PAC file.
    Pac,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Direct => f.write_str("direct"),
            Self::ProxyAddress => f.write_str("proxy_address"),
            Self::NoProxy(entry) => write!(f, "no_proxy entry {entry}"),
            Self::Variable(name) => f.write_str(name),
            Self::VariableDirect(name) => write!(f, "{name}=direct"),
            Self::NoVariable => f.write_str("no proxy in the environment"),
            Self::Loopback => f.write_str("loopback address"),
            Self::NoProxyVariable(entry) => write!(f, "NO_PROXY entry {entry}"),
            Self::Pac => f.write_str("PAC file"),
        }
    }
}

/// The ways to one target.
pub(crate) struct Choice {
    /// In the order of trying; `None` is direct. The next one counts only if
    /// the one before could not be reached.
    pub(crate) candidates: Vec<Option<Arc<Proxy>>>,
    pub(crate) rule: Rule,
}

/// What [`Way::at_once`] knows.
pub(crate) enum Found<'a> {
    /// All there is to know.
    Choice(Choice),
    /// The PAC file has to be evaluated.
    Pac(&'a PacProxies),
}

impl Choice {
    /// As the PAC file says.
    pub(crate) async fn by_pac(proxies: &PacProxies, target: &Target) -> Result<Self, Error> {
        Ok(Self {
            candidates: proxies.candidates(target).await?,
            rule: Rule::Pac,
        })
    }

    pub(crate) fn direct(rule: Rule) -> Self {
        Self {
            candidates: vec![None],
            rule,
        }
    }

    pub(crate) fn through(proxy: &Arc<Proxy>, rule: Rule) -> Self {
        Self {
            candidates: vec![Some(Arc::clone(proxy))],
            rule,
        }
    }
}

impl Way {
    /// Where a request for `target` would go, and why. Nothing is sent; a PAC
    /// file is evaluated.
    ///
    /// # Errors
    ///
    /// A target that cannot be sent to, or a rule that forbids every way.
    pub async fn explain(&self, target: &Uri) -> Result<Decision, Error> {
        let choice = self.candidates(&Target::parse(target)?).await?;
        let label = |proxy: Arc<Proxy>| Arc::clone(proxy.shared_label());
        Ok(Decision {
            via: choice
                .candidates
                .into_iter()
                .map(|candidate| candidate.map(label))
                .collect(),
            rule: choice.rule.to_string(),
        })
    }

    /// What is known of each proxy that can be named without a target: a PAC
    /// file may come to name any.
    #[must_use]
    pub fn health(&self) -> Vec<ProxyHealth> {
        match self {
            Self::Direct | Self::Pac(_) => Vec::new(),
            Self::Proxy(proxy) => vec![proxy.known()],
            Self::Group(group) => group.health(),
            Self::Environment(proxies) => proxies.all().map(|proxy| proxy.known()).collect(),
        }
    }

    /// The ways to `target`, at least one.
    pub(crate) async fn candidates(&self, target: &Target) -> Result<Choice, Error> {
        match self.at_once(target)? {
            Found::Choice(choice) => Ok(choice),
            Found::Pac(proxies) => Choice::by_pac(proxies, target).await,
        }
    }

    /// The ways to `target`, or who has to be asked for them.
    pub(crate) fn at_once(&self, target: &Target) -> Result<Found<'_>, Error> {
        Ok(Found::Choice(match self {
            Self::Direct => Choice::direct(Rule::Direct),
            Self::Proxy(proxy) => match proxy.exception(target) {
                Some(entry) => Choice::direct(Rule::NoProxy(Arc::clone(entry))),
                None => Choice::through(proxy, Rule::ProxyAddress),
            },
            Self::Group(group) => match group.exception(target) {
                Some(entry) => Choice::direct(Rule::NoProxy(Arc::clone(entry))),
                None => Choice {
                    candidates: group.in_turn(target),
                    rule: Rule::ProxyAddress,
                },
            },
            Self::Environment(proxies) => proxies.choice(target)?,
            Self::Pac(proxies) => match proxies.exception(target) {
                Some(entry) => Choice::direct(Rule::NoProxy(Arc::clone(entry))),
                None => return Ok(Found::Pac(proxies)),
            },
        }))
    }
}
