//! Modifiers around all of an endpoint.
//!
//! They see a request as the endpoint lets it through: its filters are applied
//! in front of them, and the backends then have their own filters only. Without
//! a modifier that looks at requests nothing of this happens.

use std::{fmt::Write, net::IpAddr, sync::Arc};

use cuttle_config::{Endpoint, PathPattern};
use http::{Request, Uri};

use crate::{
    Failure, FailureKind, Inbound, Modifier, PassingRequest,
    deadline::Deadline,
    headers::HeaderFilter,
    query::QueryFilter,
    url::{REST, literal, push_segment},
};

use super::{Flow, Original, Stage};

/// The modifiers of an endpoint.
pub(crate) struct Around {
    pub(crate) stage: Stage,
    front: Option<Front>,
}

/// Makes a request out of what the client has sent, and back.
struct Front {
    headers: HeaderFilter,
    query: QueryFilter,
    path: PathPattern,
}

/// A client that names no host that a URI can have.
const NO_HOST: &str = "localhost";

impl Around {
    /// `None` if nobody wants a call.
    pub(crate) fn new(endpoint: &Endpoint, modifiers: Vec<Arc<dyn Modifier>>) -> Option<Box<Self>> {
        let stage = *Stage::new(modifiers)?;
        let front = stage.sees_requests().then(|| Front {
            headers: HeaderFilter::new(&endpoint.input_headers, None),
            query: QueryFilter::new(&endpoint.input_query_strings, None),
            path: endpoint.path.clone(),
        });
        Some(Box::new(Self { stage, front }))
    }

    /// Whether the endpoint's filters are applied here.
    pub(crate) fn filters(&self) -> bool {
        self.front.is_some()
    }

    /// As much of a client's request as modifiers would see, without showing it.
    pub(crate) fn let_through(&self, inbound: Inbound) -> Result<Inbound, Failure> {
        let Some(front) = &self.front else {
            return Ok(inbound);
        };
        let (client_ip, host) = (inbound.client_ip, inbound.host.clone());
        Ok(back(front.passing(inbound)?, client_ip, host))
    }

    /// Shows the client's request.
    pub(crate) async fn enter(
        &self,
        inbound: Inbound,
        deadline: Deadline,
    ) -> Result<Flow<(Inbound, Option<Original>)>, Failure> {
        let Some(front) = &self.front else {
            return Ok(Flow::Proceed((inbound, None)));
        };
        let (client_ip, host) = (inbound.client_ip, inbound.host.clone());
        let passing = front.passing(inbound)?;
        Ok(match self.stage.request(passing, deadline).await? {
            Flow::Proceed((passing, original)) => {
                Flow::Proceed((back(passing, client_ip, host), original))
            }
            Flow::Answer(response) => Flow::Answer(response),
        })
    }
}

impl Front {
    fn passing(&self, inbound: Inbound) -> Result<PassingRequest, Failure> {
        let refuse = |why| Failure::new(FailureKind::ClientRequest, why);
        let uri = self.uri(&inbound).map_err(|error| refuse(error.into()))?;
        let headers = self
            .headers
            .apply(inbound.headers, inbound.client_ip, &inbound.host)
            .map_err(|error| refuse(crate::BoxError::from(error)))?;
        let mut request = Request::new(inbound.body);
        *request.method_mut() = inbound.method;
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        Ok(PassingRequest {
            request,
            params: inbound.params,
        })
    }

    fn uri(&self, inbound: &Inbound) -> Result<Uri, http::Error> {
        let mut target = path(&self.path, &inbound.params);
        let query = self.query.apply(inbound.query.as_deref());
        if !query.is_empty() {
            // Writing to a text does not fail.
            let _ = write!(target, "?{query}");
        }
        let of = |host: &str| {
            let builder = Uri::builder().scheme("http").authority(host);
            builder.path_and_query(target.as_str()).build()
        };
        of(&inbound.host).or_else(|_| of(NO_HOST))
    }
}

fn back(passing: PassingRequest, client_ip: IpAddr, host: String) -> Inbound {
    let (head, body) = passing.request.into_parts();
    Inbound {
        method: head.method,
        params: passing.params,
        query: head.uri.query().map(str::to_owned),
        headers: head.headers,
        body,
        client_ip,
        host,
    }
}

/// The client's path, made anew of the values that it had.
fn path(pattern: &PathPattern, params: &[(Arc<str>, String)]) -> String {
    let value = |name: &str| {
        let found = params.iter().find(|(known, _)| **known == *name);
        found.map_or("", |(_, value)| value.as_str())
    };
    let mut path = String::new();
    for segment in &pattern.segments {
        path.push('/');
        path.push_str(&literal(&segment.prefix));
        if let Some(name) = &segment.param {
            push_segment(&mut path, value(name));
            path.push_str(&literal(&segment.suffix));
        }
    }
    if pattern.wildcard {
        for segment in value(REST).split('/') {
            path.push('/');
            push_segment(&mut path, segment);
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use cuttle_config::Segment;

    use super::*;

    fn segment(prefix: &str, param: Option<&str>, suffix: &str) -> Segment {
        Segment {
            prefix: prefix.to_owned(),
            param: param.map(str::to_owned),
            suffix: suffix.to_owned(),
        }
    }

    #[test]
    fn a_path_is_made_anew_of_its_values() {
        let mut pattern = PathPattern::root();
        assert_eq!(path(&pattern, &[]), "/");
        pattern.segments = vec![segment("a b", None, ""), segment("x", Some("id"), ".json")];
        let params = [
            ("id".into(), "1/2?é".to_owned()),
            (REST.into(), "c/d e".to_owned()),
        ];
        assert_eq!(path(&pattern, &params), "/a%20b/x1%2F2%3F%C3%A9.json");
        pattern.wildcard = true;
        let whole = path(&pattern, &params);
        assert_eq!(whole, "/a%20b/x1%2F2%3F%C3%A9.json/c/d%20e");
    }
}
