//! What only a restart can change.

use std::net::IpAddr;

use cuttle_pipeline::config::{KeyPath, Loaded, Logging, Problem, Service, Severity};

/// As it was at the start, and is until the end.
pub(super) struct Fixed {
    ip: Option<IpAddr>,
    port: u16,
    logging: Logging,
}

impl Fixed {
    pub(super) fn of(service: &Service) -> Self {
        Self {
            ip: service.listen.ip,
            port: service.listen.port,
            logging: service.logging.clone(),
        }
    }

    /// A warning for each key that is written otherwise now.
    pub(super) fn differences(&self, loaded: &Loaded) -> Vec<Problem> {
        let now = &loaded.service;
        let root = KeyPath::root();
        let logging = root.key("extra_config").key("telemetry/logging");
        let keys = [
            (root.key("listen_ip"), self.ip == now.listen.ip),
            (root.key("port"), self.port == now.listen.port),
            (logging, self.logging == now.logging),
        ];
        let changed = keys.into_iter().filter(|(_, same)| !same);
        changed
            .map(|(key, _)| {
                let message = "has changed, which takes effect at the next start only";
                let help = "restart the gateway".to_owned();
                loaded
                    .sources
                    .problem(Severity::Warning, &key, message, Some(help))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use cuttle_pipeline::config::{Options, parse};
    use serde_json::{Value, json};

    use super::*;

    fn loaded(extra: &Value) -> Loaded {
        let mut file =
            json!({ "version": 3, "endpoints": [], "port": 1, "listen_ip": "127.0.0.1" });
        for (key, value) in extra.as_object().unwrap() {
            file[key] = value.clone();
        }
        parse(&file.to_string(), "k.json".as_ref(), &Options::default()).unwrap()
    }

    #[test]
    fn keys_that_need_a_restart_are_named_and_no_others() {
        let fixed = Fixed::of(&loaded(&json!({})).service);
        let logging = json!({ "telemetry/logging": { "level": "ERROR" } });
        for (extra, expected) in [
            (json!({}), &[][..]),
            (json!({ "timeout": "5s", "read_timeout": "7s" }), &[]),
            (json!({ "port": 2 }), &["port"]),
            (json!({ "listen_ip": "::1" }), &["listen_ip"]),
            (
                json!({ "port": 2, "extra_config": logging }),
                &["port", "telemetry/logging"],
            ),
        ] {
            let found = fixed.differences(&loaded(&extra));
            assert_eq!(found.len(), expected.len(), "{extra}: {found:?}");
            for (problem, key) in found.iter().zip(expected) {
                let text = problem.to_string();
                assert!(text.contains(key) && text.contains("restart"), "{text}");
                assert_eq!(problem.severity, Severity::Warning);
            }
        }
    }
}
