//! A gateway is built: its routes are collected, and exclude each other or not.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, AtomicU64},
};

use cuttle_pipeline::{
    Pipeline,
    config::{Endpoint, KeyPath, Service},
};

use super::{
    Gateway, Target, builtin,
    routes::{endpoint_route, own_route},
};
use crate::{
    head::client_ip::Trust,
    respond::Responder,
    router::{Conflict, Router},
    telemetry::AccessLog,
};

/// A route that cannot stand beside an earlier one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteConflict {
    /// Where the later route stands.
    pub place: KeyPath,
    /// What is wrong; names the place of the earlier one.
    pub message: String,
    /// What to do about it.
    pub help: String,
}

impl Gateway {
    /// A gateway for `endpoints` with the options of `service`.
    ///
    /// # Errors
    /// All pairs of routes that exclude each other, with their places.
    pub fn new(
        service: &Service,
        endpoints: Vec<(Endpoint, Pipeline)>,
    ) -> Result<Self, Vec<RouteConflict>> {
        let options = &service.router;
        let endpoints = endpoints.into_iter();
        let mut routes: Vec<_> = endpoints
            .map(|endpoint| endpoint_route(endpoint, options.max_payload))
            .collect();
        if !options.disable_health {
            let place = ["router", "health_path"];
            routes.push(own_route(&options.health_path, place, Target::Health));
        }
        if let Some(path) = &service.http.status_path {
            routes.push(own_route(
                path,
                ["cuttle/http", "status_path"],
                Target::Status,
            ));
        }
        if let Some(path) = &service.http.metrics_path {
            let place = ["cuttle/http", "metrics_path"];
            routes.push(own_route(path, place, Target::Metrics));
        }
        routes.extend(builtin::routes(service));
        Ok(Self {
            generation: 1,
            retired: AtomicBool::new(false),
            router: Router::build(routes, options.into()).map_err(conflicts)?,
            responder: Responder::new(service),
            trust: Trust::new(options),
            access: AccessLog::new(options),
            max_payload: options.max_payload,
            panics: AtomicU64::new(0),
            status: None,
            census: OnceLock::new(),
            traffic: service.http.metrics_path.as_ref().map(|_| Arc::default()),
            in_front: None,
        })
    }
}

fn conflicts(found: Vec<Conflict>) -> Vec<RouteConflict> {
    let told = |conflict: Conflict| RouteConflict {
        message: conflict.to_string(),
        help: conflict.help(),
        place: conflict.place,
    };
    found.into_iter().map(told).collect()
}
