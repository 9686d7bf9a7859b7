//! Where a request goes: the checked form of its absolute URI.

use std::fmt;

use http::{
    HeaderValue, Uri,
    uri::{Authority, PathAndQuery, Scheme},
};

use crate::{
    error::{Error, ErrorKind},
    reach::Reach,
};

/// An `http` or `https` URI without userinfo and default port.
#[derive(Clone)]
pub(crate) struct Target {
    secure: bool,
    authority: Authority,
    port: u16,
    path: PathAndQuery,
    reach: Reach,
}

impl Target {
    /// Fails with [`ErrorKind::InvalidRequest`] unless `uri` is an absolute
    /// `http` or `https` URI with a host and a usable port.
    pub(crate) fn parse(uri: &Uri) -> Result<Self, Error> {
        let secure = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(invalid("the target needs the scheme http or https")),
        };
        let authority = uri.authority();
        let (authority, host) = authority
            .map(|authority| (authority, authority.host()))
            .filter(|(_, host)| !host.is_empty())
            .ok_or_else(|| invalid("the target needs a host"))?;
        let default = if secure { 443 } else { 80 };
        let (authority, port) = bare(authority, host, default)?;
        Ok(Self {
            secure,
            authority,
            port,
            path: path(uri),
            reach: Reach::Any,
        })
    }

    /// The same, of whose addresses only these may be used.
    pub(crate) fn within(self, reach: Reach) -> Self {
        Self { reach, ..self }
    }

    /// Which of its addresses may be used.
    pub(crate) fn reach(&self) -> &Reach {
        &self.reach
    }

    /// Whether TLS is spoken with the target.
    pub(crate) fn is_secure(&self) -> bool {
        self.secure
    }

    /// Host and port, the default port left out.
    pub(crate) fn authority(&self) -> &Authority {
        &self.authority
    }

    /// The host, an IPv6 address without its brackets.
    pub(crate) fn host(&self) -> &str {
        unbracketed(self.authority.host())
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// `/path?query` (RFC 9112, section 3.2.1).
    pub(crate) fn origin_form(&self) -> Uri {
        Uri::from(self.path.clone())
    }

    /// `http://host:port/path?query` (RFC 9112, section 3.2.2).
    pub(crate) fn absolute_form(&self) -> Result<Uri, Error> {
        Uri::builder()
            .scheme(if self.secure {
                Scheme::HTTPS
            } else {
                Scheme::HTTP
            })
            .authority(self.authority.clone())
            .path_and_query(self.path.clone())
            .build()
            .map_err(|error| invalid("the target has no absolute form").caused_by(error))
    }

    /// `host:port` with the port always there (RFC 9112, section 3.2.3).
    pub(crate) fn authority_form(&self) -> String {
        format!("{}:{}", self.authority.host(), self.port)
    }

    /// The value of `Host` (RFC 9110, section 7.2).
    pub(crate) fn host_field(&self) -> Result<HeaderValue, Error> {
        HeaderValue::from_str(self.authority.as_str())
            .map_err(|error| invalid("the target's host is no field value").caused_by(error))
    }
}

/// Without path and query, which may hold secrets.
impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({self})")
    }
}

impl fmt::Display for Target {
    /// Scheme and authority: paths and queries may hold what no log should.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.secure { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.authority)
    }
}

/// `host` without the brackets of an IPv6 address.
pub(crate) fn unbracketed(host: &str) -> &str {
    host.strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(host)
}

fn invalid(text: &'static str) -> Error {
    Error::new(ErrorKind::InvalidRequest, text)
}

/// Takes userinfo and default port off, without copying where there are none.
fn bare(authority: &Authority, host: &str, default: u16) -> Result<(Authority, u16), Error> {
    let text = authority.as_str();
    let after_user = text.rsplit_once('@').map_or(text, |(_, rest)| rest);
    let port = match after_user
        .strip_prefix(host)
        .map(|rest| rest.strip_prefix(':'))
    {
        Some(None) => default,
        Some(Some("")) => default,
        Some(Some(digits)) => digits
            .parse()
            .ok()
            .filter(|port| *port != 0)
            .ok_or_else(|| invalid("the target's port is not between 1 and 65535"))?,
        None => return Err(invalid("the target's authority cannot be read")),
    };
    let bare = if port != default {
        after_user.to_owned()
    } else if text.len() == host.len() {
        return Ok((authority.clone(), port));
    } else {
        host.to_owned()
    };
    if bare.len() == text.len() {
        return Ok((authority.clone(), port));
    }
    let bare = Authority::try_from(bare)
        .map_err(|error| invalid("the target's authority cannot be read").caused_by(error))?;
    Ok((bare, port))
}

fn path(uri: &Uri) -> PathAndQuery {
    match uri.path_and_query() {
        Some(path) if path.as_str().starts_with('/') => path.clone(),
        // `http://host?query` has an empty path, which is written as `/`.
        Some(path) => path
            .to_string()
            .parse()
            .unwrap_or_else(|_| PathAndQuery::from_static("/")),
        None => PathAndQuery::from_static("/"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(uri: &str) -> Target {
        Target::parse(&uri.parse().unwrap()).unwrap()
    }

    #[test]
    fn userinfo_and_default_port_never_reach_the_wire() {
        for (uri, authority, absolute, tunnel) in [
            ("http://a", "a", "http://a/", "a:80"),
            ("http://a:80/x?y", "a", "http://a/x?y", "a:80"),
            ("http://a:", "a", "http://a/", "a:80"),
            ("https://a:443/", "a", "https://a/", "a:443"),
            ("https://a:80/", "a:80", "https://a:80/", "a:80"),
            ("http://u:p@a:8080/", "a:8080", "http://a:8080/", "a:8080"),
            ("http://u:p@a/", "a", "http://a/", "a:80"),
            ("http://a?q=1", "a", "http://a/?q=1", "a:80"),
            (
                "https://[::1]:8443/",
                "[::1]:8443",
                "https://[::1]:8443/",
                "[::1]:8443",
            ),
            ("https://[::1]/", "[::1]", "https://[::1]/", "[::1]:443"),
        ] {
            let target = target(uri);
            assert_eq!(target.authority().as_str(), authority, "{uri}");
            assert_eq!(
                target.absolute_form().unwrap().to_string(),
                absolute,
                "{uri}"
            );
            assert_eq!(target.authority_form(), tunnel, "{uri}");
        }
    }

    #[test]
    fn what_names_no_target_is_refused() {
        for uri in ["/path", "ftp://a/", "http://a:99999/", "http://a:0/"] {
            let error = Target::parse(&uri.parse().unwrap()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{uri}");
        }
    }
}
