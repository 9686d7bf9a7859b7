//! Header fields: which of the client's go to the backend, and what the gateway
//! adds.

use std::{collections::HashSet, net::IpAddr};

use cuttle_config::InputHeaders;
use foldhash::fast::RandomState;
use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{
        CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, HOST, InvalidHeaderValue, TE, TRAILER,
        TRANSFER_ENCODING, UPGRADE, USER_AGENT,
    },
};

use crate::ip_text;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_VIA: HeaderName = HeaderName::from_static("x-forwarded-via");

/// How the gateway names itself to backends. KrakenD sends
/// `KrakenD Version <version>`.
const GATEWAY: HeaderValue =
    HeaderValue::from_static(concat!("Cuttle Version ", env!("CARGO_PKG_VERSION")));

/// `input_headers` of an endpoint and of one of its backends, as one filter.
pub(crate) struct HeaderFilter {
    client: ClientFields,
    /// Whether the endpoint forwards the client's `User-Agent`.
    forwards_user_agent: bool,
    own: OwnFields,
}

/// Which fields of the client pass both levels.
enum ClientFields {
    /// Except for [aliases](is_alias).
    All,
    /// Whatever the endpoint has let pass.
    Passed,
    These(Names),
}

/// Names by a cheap hash: they are the configuration's, and a client's fields
/// are only looked up among them.
type Names = HashSet<HeaderName, RandomState>;

/// Which fields of the gateway the backend's filter lets pass.
struct OwnFields {
    forwarded_for: bool,
    forwarded_host: bool,
    forwarded_via: bool,
    user_agent: bool,
}

impl HeaderFilter {
    pub(crate) fn new(endpoint: &InputHeaders, backend: Option<&[HeaderName]>) -> Self {
        let kept = |name: &HeaderName| backend.is_none_or(|names| names.contains(name));
        let client = match (endpoint, backend) {
            (InputHeaders::None, _) => Some(std::slice::from_ref(&CONTENT_TYPE)),
            (InputHeaders::All, names) => names,
            (InputHeaders::List(names), _) => Some(names.as_slice()),
        };
        Self {
            client: client.map_or(ClientFields::All, |names| {
                ClientFields::These(forwardable(names.iter().filter(|name| kept(name))))
            }),
            forwards_user_agent: match endpoint {
                InputHeaders::None => false,
                InputHeaders::All => true,
                InputHeaders::List(names) => names.contains(&USER_AGENT),
            },
            own: OwnFields {
                forwarded_for: kept(&X_FORWARDED_FOR),
                forwarded_host: kept(&X_FORWARDED_HOST),
                forwarded_via: kept(&X_FORWARDED_VIA),
                user_agent: kept(&USER_AGENT),
            },
        }
    }

    /// The filter of a backend alone, for what has passed that of its endpoint
    /// and holds the gateway's fields already.
    pub(crate) fn second(backend: Option<&[HeaderName]>) -> Self {
        let client = backend.map_or(ClientFields::Passed, |names| {
            ClientFields::These(forwardable(names.iter()))
        });
        Self {
            client,
            forwards_user_agent: false,
            own: OwnFields {
                forwarded_for: false,
                forwarded_host: false,
                forwarded_via: false,
                user_agent: false,
            },
        }
    }

    /// The fields a backend gets. `host` is the client's; it fails when that is
    /// no field value.
    pub(crate) fn apply(
        &self,
        mut client: HeaderMap,
        client_ip: IpAddr,
        host: &str,
    ) -> Result<HeaderMap, InvalidHeaderValue> {
        remove_nominated(&mut client);
        let agent_forwarded = self.forwards_user_agent && client.contains_key(USER_AGENT);
        let mut headers = match &self.client {
            ClientFields::All => {
                remove(&mut client, |name| !is_forwardable(name) || is_alias(name));
                client
            }
            ClientFields::Passed => {
                remove(&mut client, |name| !is_forwardable(name));
                client
            }
            ClientFields::These(names) => pick(client, names),
        };
        self.own
            .set(&mut headers, agent_forwarded, client_ip, host)?;
        Ok(headers)
    }
}

impl OwnFields {
    /// Replaces whatever the client sent under these names.
    fn set(
        &self,
        headers: &mut HeaderMap,
        agent_forwarded: bool,
        client_ip: IpAddr,
        host: &str,
    ) -> Result<(), InvalidHeaderValue> {
        if self.forwarded_for {
            // A listener on `::` shows IPv4 clients as `::ffff:a.b.c.d`.
            let ip = ip_text(client_ip);
            headers.insert(X_FORWARDED_FOR, HeaderValue::try_from(ip)?);
        }
        if self.forwarded_host {
            headers.insert(X_FORWARDED_HOST, HeaderValue::from_str(host)?);
        }
        if agent_forwarded && self.forwarded_via {
            headers.insert(X_FORWARDED_VIA, GATEWAY);
        }
        if !agent_forwarded && self.user_agent {
            headers.insert(USER_AGENT, GATEWAY);
        }
        Ok(())
    }
}

/// Fields about the client's connection or its framing, or made anew for the
/// backend. `Expect` is among them because the gateway's listener has met the
/// expectation; `Proxy` because CGI programs take it for `HTTP_PROXY`.
const UNFORWARDABLE: [HeaderName; 11] = [
    CONNECTION,
    CONTENT_LENGTH,
    EXPECT,
    HOST,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
    HeaderName::from_static("http2-settings"),
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy"),
];

/// `Proxy-Authorization`, `Proxy-Connection` and the like are for the next hop.
const UNFORWARDABLE_PREFIX: &str = "proxy-";

pub(crate) fn is_forwardable(name: &HeaderName) -> bool {
    !UNFORWARDABLE.contains(name) && !name.as_str().starts_with(UNFORWARDABLE_PREFIX)
}

/// Those of `names` that may pass.
fn forwardable<'n>(names: impl Iterator<Item = &'n HeaderName>) -> Names {
    names.filter(|name| is_forwardable(name)).cloned().collect()
}

/// Whether a server that does not tell `_` from `-`, as CGI and its heirs, takes
/// it for a field that is not the client's to send: `X_Forwarded_For` would
/// stand beside the gateway's own word.
fn is_alias(name: &HeaderName) -> bool {
    if !name.as_str().contains('_') {
        return false;
    }
    let meant = HeaderName::try_from(name.as_str().replace('_', "-"));
    meant.is_ok_and(|meant| !is_forwardable(&meant) || is_ours(&meant))
}

/// Fields that say what the gateway knows of the client.
fn is_ours(name: &HeaderName) -> bool {
    is_always_replaced(name) || *name == X_FORWARDED_VIA
}

fn remove(headers: &mut HeaderMap, unwanted: impl Fn(&HeaderName) -> bool) {
    let gone: Vec<HeaderName> = headers
        .keys()
        .filter(|name| unwanted(name))
        .cloned()
        .collect();
    for name in gone {
        headers.remove(name);
    }
}

/// Fields of the gateway's under names that no client's field is sent under.
pub(crate) fn is_always_replaced(name: &HeaderName) -> bool {
    *name == X_FORWARDED_FOR || *name == X_FORWARDED_HOST
}

/// Removes the fields that `Connection` names.
fn remove_nominated(headers: &mut HeaderMap) {
    if !headers.contains_key(CONNECTION) {
        return;
    }
    for name in nominated(headers) {
        headers.remove(name);
    }
}

/// The fields that `Connection` names (RFC 9110 section 7.6.1).
pub(crate) fn nominated(headers: &HeaderMap) -> Vec<HeaderName> {
    let options = headers.get_all(CONNECTION).iter();
    options
        .flat_map(|value| value.as_bytes().split(|&b| b == b','))
        .filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok())
        .collect()
}

/// The fields of these names, repeated ones in their order: moved, for most
/// requests have few fields, and lists may be long.
fn pick(client: HeaderMap, names: &Names) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(client.len().min(names.len()) + OWN_FIELDS);
    let mut passing = None;
    for (name, value) in client {
        // A field without a name is one more of those before it.
        if let Some(name) = name {
            passing = names.contains(&name).then_some(name);
        }
        if let Some(name) = &passing {
            headers.append(name, value);
        }
    }
    headers
}

/// Fields of the gateway's own, plus `Authorization` from a host's user
/// information.
const OWN_FIELDS: usize = 4;

#[cfg(test)]
mod tests;
