//! `router`.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::{RouterOptions, read::Value};

use super::{Section, endpoint::header_names, not_yet, size};

/// Reads the options. `use_h2c` is the caller's.
pub(super) fn options(section: &mut Section<'_>) -> RouterOptions {
    let mut flag = |key| section.flag(key);
    let default = RouterOptions::default();
    let mut options = RouterOptions {
        return_error_msg: flag("return_error_msg").unwrap_or(default.return_error_msg),
        disable_access_log: flag("disable_access_log").unwrap_or(default.disable_access_log),
        disable_health: flag("disable_health").unwrap_or(default.disable_health),
        hide_version_header: flag("hide_version_header").unwrap_or(default.hide_version_header),
        auto_options: flag("auto_options").unwrap_or(default.auto_options),
        disable_redirect_trailing_slash: flag("disable_redirect_trailing_slash")
            .unwrap_or(default.disable_redirect_trailing_slash),
        disable_redirect_fixed_path: flag("disable_redirect_fixed_path")
            .unwrap_or(default.disable_redirect_fixed_path),
        disable_handle_method_not_allowed: flag("disable_handle_method_not_allowed")
            .unwrap_or(default.disable_handle_method_not_allowed),
        disable_path_decoding: flag("disable_path_decoding")
            .unwrap_or(default.disable_path_decoding),
        remove_extra_slash: flag("remove_extra_slash").unwrap_or(default.remove_extra_slash),
        forwarded_by_client_ip: flag("forwarded_by_client_ip")
            .unwrap_or(default.forwarded_by_client_ip),
        ..default
    };
    let skip_paths = section.texts("logger_skip_paths").into_iter();
    options.logger_skip_paths = skip_paths.map(|(path, _)| path).collect();
    if let Some(path) = own_path(section, "health_path") {
        options.health_path = path;
    }
    if section.item("remote_ip_headers").is_some() {
        let names = section.texts("remote_ip_headers");
        options.remote_ip_headers = header_names(&names, section.problems());
    }
    options.trusted_proxies = trusted_proxies(section);
    options.max_payload = size::bytes(section, "max_payload").filter(|bytes| *bytes != 0);
    (options.error_body_404, options.error_body_405) = error_bodies(section);
    section.not_yet(not_yet::ROUTER);
    options
}

/// The path of a page of the gateway's own, under `key`.
pub(super) fn own_path(section: &mut Section<'_>, key: &'static str) -> Option<String> {
    let path = section.text(key).filter(|path| !path.is_empty())?;
    if !path.starts_with('/') {
        let at = section.at().key(key);
        let help = "write a path such as \"/__health\"";
        let problems = section.problems();
        problems.error(&at, "does not begin with a slash", help);
    }
    Some(path)
}

fn trusted_proxies(section: &mut Section<'_>) -> Vec<IpNet> {
    let texts = section.texts("trusted_proxies");
    texts
        .iter()
        .filter_map(|(text, at)| {
            let net = text
                .parse()
                .or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
            if net.is_err() {
                let message = format!("{text:?} is neither an address nor a network");
                let help = "write an IP address, or a network such as \"10.0.0.0/8\"";
                section.problems().error(at, message, help);
            }
            net.ok()
        })
        .collect()
}

fn error_bodies(section: &mut Section<'_>) -> (Option<String>, Option<String>) {
    let Some(mut bodies) = section.section("error_body") else {
        return (None, None);
    };
    let mut body = |key| {
        let item = bodies.item(key)?;
        if !matches!(item.node.value, Value::Object(_)) {
            let message = format!("is {}, not an object", item.node.value.kind());
            let help = "write the JSON object that clients are to see";
            bodies.problems().error(&item.at, message, help);
        }
        Some(item.node.to_json())
    };
    let bodies_of = (body("404"), body("405"));
    bodies.finish();
    bodies_of
}
