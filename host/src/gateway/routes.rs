//! Routes to endpoints and to pages of the gateway's own.

use cuttle_pipeline::{
    Pipeline,
    config::{Endpoint, KeyPath, PathPattern, Segment},
};
use http::Method;

use super::{EndpointRoute, Target};
use crate::router::Route;

/// `limit`: bytes that the service allows bodies, of which the endpoint may
/// allow fewer.
pub(super) fn endpoint_route(
    (endpoint, pipeline): (Endpoint, Pipeline),
    limit: Option<u64>,
) -> Route<Target> {
    let limits = [limit, endpoint.proxy.max_payload];
    let target = EndpointRoute {
        pattern: endpoint.path.text.clone(),
        place: endpoint.place.clone(),
        max_payload: limits.into_iter().flatten().min(),
        pipeline,
    };
    Route {
        method: endpoint.method,
        path: endpoint.path,
        place: endpoint.place,
        value: Target::Endpoint(Box::new(target)),
    }
}

/// `GET` of a page of ours, whose path stands at `place` in `extra_config`.
pub(super) fn own_route(path: &str, [section, key]: [&str; 2], value: Target) -> Route<Target> {
    let literal = |part: &str| Segment {
        prefix: part.to_owned(),
        param: None,
        suffix: String::new(),
    };
    let segments = path
        .trim_start_matches('/')
        .split('/')
        .map(literal)
        .collect();
    Route {
        method: Method::GET,
        path: PathPattern {
            text: path.to_owned(),
            segments,
            wildcard: false,
        },
        place: KeyPath::root().key("extra_config").key(section).key(key),
        value,
    }
}
