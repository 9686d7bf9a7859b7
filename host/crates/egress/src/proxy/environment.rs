//! The proxies of the environment: Go's `httpproxy` rules.
//!
//! Three differences, all on purpose:
//!
//! * `HTTP_PROXY` covers `https` targets, too, while `HTTPS_PROXY` is not set.
//!   `HTTPS_PROXY=direct` restores Go's behaviour.
//! * A value that cannot be used is an error. Go goes direct without a word.
//! * `ALL_PROXY` is not read, as in Go.

use std::{fmt, sync::Arc};

use http::Uri;

use super::{
    Proxy, ProxyOptions,
    address::ProxyAddress,
    no_proxy::{NoProxy, is_loopback},
    way::{Choice, Rule},
};
use crate::{
    error::{Error, ErrorKind, ProxyAddressError},
    target::Target,
};

/// `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`, read once.
pub struct EnvironmentProxies {
    http: Option<Named>,
    https: Https,
    no_proxy: NoProxy,
    /// In a CGI program `HTTP_PROXY` may be the `Proxy` field of a request
    /// (CVE-2016-5385, "httpoxy").
    cgi: bool,
}

/// A proxy and the variable that it stands in.
struct Named {
    variable: &'static str,
    proxy: Arc<Proxy>,
}

/// What `HTTPS_PROXY` says.
enum Https {
    /// Nothing: `HTTP_PROXY` governs.
    Unset,
    /// `direct`, in this variable.
    Direct(&'static str),
    Proxy(Named),
}

impl EnvironmentProxies {
    /// Reads the variables, upper case before lower case, an empty one as unset.
    /// `var` reads one environment variable.
    ///
    /// # Errors
    ///
    /// A value that cannot be used; the message names the variable.
    pub fn from_vars(var: impl Fn(&str) -> Option<String>) -> Result<Self, ProxyAddressError> {
        let set = |name: &str| var(name).filter(|value| !value.is_empty());
        let first = |upper: &'static str, lower: &'static str| {
            set(upper)
                .map(|value| (upper, value))
                .or_else(|| set(lower).map(|value| (lower, value)))
        };
        let no_proxy = first("NO_PROXY", "no_proxy").map(|(_, list)| NoProxy::from_list(&list));
        Ok(Self {
            http: http(first("HTTP_PROXY", "http_proxy"))?,
            https: https(first("HTTPS_PROXY", "https_proxy"))?,
            no_proxy: no_proxy.unwrap_or_default(),
            cgi: set("REQUEST_METHOD").is_some(),
        })
    }

    /// The proxy for `target`; `None` is direct, as are loopback targets and
    /// those in `NO_PROXY`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Denied`] if `HTTP_PROXY` governs `target` and cannot be
    /// trusted because `REQUEST_METHOD` is set; a target whose authority
    /// cannot be read.
    pub fn proxy_for(&self, target: &Uri) -> Result<Option<Arc<Proxy>>, Error> {
        if !matches!(target.scheme_str(), Some("http" | "https")) {
            return Ok(None);
        }
        let choice = self.choice(&Target::parse(target)?)?;
        Ok(choice.candidates.into_iter().next().flatten())
    }

    /// Each proxy once.
    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<Proxy>> {
        let https = match &self.https {
            Https::Proxy(named) => Some(&named.proxy),
            Https::Unset | Https::Direct(_) => None,
        };
        self.http.iter().map(|named| &named.proxy).chain(https)
    }

    /// The one way to `target`.
    pub(super) fn choice(&self, target: &Target) -> Result<Choice, Error> {
        let named = match (target.is_secure(), &self.https) {
            (true, Https::Direct(name)) => {
                return Ok(Choice::direct(Rule::VariableDirect(name)));
            }
            (true, Https::Proxy(named)) => Some(named),
            (true, Https::Unset) | (false, _) => self.trusted_http()?,
        };
        let Some(named) = named else {
            return Ok(Choice::direct(Rule::NoVariable));
        };
        if is_loopback(target.host()) {
            return Ok(Choice::direct(Rule::Loopback));
        }
        Ok(
            match self.no_proxy.entry_for(target.host(), target.port()) {
                Some(entry) => Choice::direct(Rule::NoProxyVariable(Arc::clone(entry))),
                None => Choice::through(&named.proxy, Rule::Variable(named.variable)),
            },
        )
    }

    fn trusted_http(&self) -> Result<Option<&Named>, Error> {
        if self.cgi && self.http.is_some() {
            return Err(Error::new(
                ErrorKind::Denied,
                "HTTP_PROXY is not used because REQUEST_METHOD is set, as in a CGI program",
            ));
        }
        Ok(self.http.as_ref())
    }
}

impl fmt::Debug for EnvironmentProxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let https = match &self.https {
            Https::Unset => "as http",
            Https::Direct(_) => "direct",
            Https::Proxy(named) => named.proxy.label(),
        };
        f.debug_struct("EnvironmentProxies")
            .field("http", &self.http.as_ref().map(|named| named.proxy.label()))
            .field("https", &https)
            .field("no_proxy", &self.no_proxy)
            .field("cgi", &self.cgi)
            .finish()
    }
}

type Variable = Option<(&'static str, String)>;

fn http(variable: Variable) -> Result<Option<Named>, ProxyAddressError> {
    match variable {
        Some((name, value)) if is_direct(&value) => Err(ProxyAddressError::new(format!(
            "{name}: `direct` has a meaning in HTTPS_PROXY only; unset {name} instead"
        ))),
        Some((name, value)) => proxy(name, &value).map(Some),
        None => Ok(None),
    }
}

fn https(variable: Variable) -> Result<Https, ProxyAddressError> {
    match variable {
        Some((name, value)) if is_direct(&value) => Ok(Https::Direct(name)),
        Some((name, value)) => proxy(name, &value).map(Https::Proxy),
        None => Ok(Https::Unset),
    }
}

fn is_direct(value: &str) -> bool {
    value.trim().eq_ignore_ascii_case("direct")
}

fn proxy(name: &'static str, value: &str) -> Result<Named, ProxyAddressError> {
    ProxyAddress::lenient(value.trim())
        .and_then(|address| Proxy::from_address(address, ProxyOptions::default()))
        .map(|proxy| Named {
            variable: name,
            proxy: Arc::new(proxy),
        })
        .map_err(|error| ProxyAddressError::new(format!("{name}: {}", error.message)))
}

#[cfg(test)]
#[path = "environment_tests.rs"]
mod tests;
