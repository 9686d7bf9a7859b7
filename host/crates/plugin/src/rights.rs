//! Where a plugin may go.

use std::{collections::HashSet, net::IpAddr, sync::Arc};

use cuttle_egress::{Exceptions, Gate, Network, Reach};
use http::uri::{Authority, Scheme, Uri};

use crate::Binding;

/// Who may be reached from one place of use.
#[derive(Debug)]
pub(crate) struct Rights {
    /// Of the backend: the operator's word, whatever it resolves to.
    hosts: Vec<Authority>,
    granted: Vec<Authority>,
    /// For granted names: a name can be made to resolve to anything.
    public: Reach,
    /// For the granted name `localhost`, which means this machine.
    local: Reach,
    proxies: HashSet<String>,
    /// Whether redirects lead as far as without a plugin.
    free_redirects: bool,
    plugin: Arc<str>,
}

impl Rights {
    /// Settings that are not JSON name no proxies.
    pub(crate) fn new(plugin: &Arc<str>, binding: &Binding) -> Self {
        let mut proxies: HashSet<_> = binding.proxies.iter().cloned().collect();
        if let Ok(settings) = serde_json::from_str(&binding.settings) {
            collect_texts(&settings, &mut proxies);
        }
        let local = [binding.addresses.as_slice(), &Network::LOOPBACK].concat();
        Self {
            hosts: binding.hosts.clone(),
            granted: binding.granted.clone(),
            public: reach(plugin, binding.addresses.clone()),
            local: reach(plugin, local),
            proxies,
            free_redirects: binding.free_redirects,
            plugin: Arc::clone(plugin),
        }
    }

    /// Whether a request for `target` may be handed on to somebody who does not
    /// know of these rights, by a plugin that answers a request to `own` and whose
    /// backend has these further `hosts`. A granted name is no reason: nobody
    /// would check its addresses.
    pub(crate) fn may_hand_on(
        &self,
        target: &Uri,
        own: Option<&Origin>,
        hosts: &[Authority],
    ) -> bool {
        Origin::of(target).is_some_and(|target| {
            hosts.iter().any(|host| target.is_at(host))
                || self.reach(&target, own) == Some(Reach::Any)
        })
    }

    /// Which addresses of `target` may be reached while answering a request to
    /// `own`; `None` is no right at all.
    fn reach(&self, target: &Origin, own: Option<&Origin>) -> Option<Reach> {
        if own.is_some_and(|own| target.same(own))
            || self.hosts.iter().any(|host| target.is_at(host))
        {
            return Some(Reach::Any);
        }
        let mut granted = self.granted.iter();
        let host = granted.find(|host| target.is_at(host))?.host();
        Some(if is_address(host) {
            Reach::Any
        } else if host.eq_ignore_ascii_case("localhost") {
            self.local.clone()
        } else {
            self.public.clone()
        })
    }

    /// Whether a proxy may be opened: letter for letter, so that a plugin can
    /// neither invent credentials nor add a port.
    pub(crate) fn may_open(&self, address: &str) -> bool {
        self.proxies.contains(address)
    }

    /// The refusal, with the grant that would be needed.
    pub(crate) fn denied(&self, target: &Uri, in_front: bool, redirected: bool) -> String {
        let what = match redirected {
            false => "",
            true => "a redirect leads to ",
        };
        let why = match in_front {
            false => "which is not a host of this backend",
            true => "which is not granted, and the hosts of the request are reached by `next`",
        };
        let (target, plugin) = (
            target.authority().map_or("", Authority::as_str),
            &self.plugin,
        );
        format!("{what}`{target}`, {why}: `grants.{plugin}.outbound` adds it")
    }
}

fn reach(plugin: &str, networks: Vec<Network>) -> Reach {
    Reach::Public(Arc::new(Exceptions {
        networks,
        setting: format!("grants.{plugin}.addresses"),
    }))
}

fn is_address(host: &str) -> bool {
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    bare.unwrap_or(host).parse::<IpAddr>().is_ok()
}

/// Rights of one call.
#[derive(Debug)]
pub(crate) struct Passage {
    pub(crate) rights: Arc<Rights>,
    /// Where the request in hand goes, if that gives a right.
    pub(crate) own: Option<Origin>,
    /// Whether others stand between the plugin and the backend.
    pub(crate) in_front: bool,
}

impl Gate for Passage {
    fn admit(&self, target: &Uri, redirected: bool) -> Result<Reach, String> {
        let rights = &self.rights;
        let denied = || rights.denied(target, self.in_front, redirected);
        if redirected && rights.free_redirects {
            return Ok(Reach::Any);
        }
        let own = self.own.as_ref();
        let there = Origin::of(target).ok_or_else(denied)?;
        if redirected && own.is_some_and(|own| there.secures(own)) {
            return Ok(Reach::Any);
        }
        rights.reach(&there, own).ok_or_else(denied)
    }
}

fn collect_texts(value: &serde_json::Value, texts: &mut HashSet<String>) {
    match value {
        serde_json::Value::String(text) => {
            texts.insert(text.clone());
        }
        serde_json::Value::Array(items) => {
            items.iter().for_each(|item| collect_texts(item, texts));
        }
        serde_json::Value::Object(members) => {
            members
                .values()
                .for_each(|value| collect_texts(value, texts));
        }
        _ => {}
    }
}

/// Host and port of a target.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    authority: Authority,
    port: u16,
    default_port: u16,
}

impl Origin {
    /// `None` if the URI is not absolute, or neither `http` nor `https`.
    pub(crate) fn of(uri: &Uri) -> Option<Self> {
        let default_port = match uri.scheme()? {
            scheme if *scheme == Scheme::HTTP => 80,
            scheme if *scheme == Scheme::HTTPS => 443,
            _ => return None,
        };
        let authority = uri.authority()?.clone();
        let port = port(&authority, default_port)?;
        Some(Self {
            authority,
            port,
            default_port,
        })
    }

    fn same(&self, other: &Self) -> bool {
        self.port == other.port && self.has_host(&other.authority)
    }

    /// The same host, by `https` in place of `http`, on the usual ports: what
    /// most redirects are about.
    fn secures(&self, other: &Self) -> bool {
        (self.port, self.default_port) == (443, 443)
            && (other.port, other.default_port) == (80, 80)
            && self.has_host(&other.authority)
    }

    fn is_at(&self, granted: &Authority) -> bool {
        self.has_host(granted) && port(granted, self.default_port) == Some(self.port)
    }

    fn has_host(&self, other: &Authority) -> bool {
        // Most are the same text, which needs no taking apart.
        self.authority == *other || self.authority.host().eq_ignore_ascii_case(other.host())
    }
}

/// `None` if there is a port that is no number.
fn port(authority: &Authority, default: u16) -> Option<u16> {
    let host_and_port = authority
        .as_str()
        .rsplit_once('@')
        .map_or(authority.as_str(), |(_, rest)| rest);
    match host_and_port.strip_prefix(authority.host()) {
        Some("") => Some(default),
        _ => authority.port_u16(),
    }
}

#[cfg(test)]
#[path = "rights_tests.rs"]
mod tests;
