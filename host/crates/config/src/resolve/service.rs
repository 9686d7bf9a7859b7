//! The root object.

use std::time::Duration;

use crate::{
    ClientSettings, KeyPath, Listen, Options, Service, Sources,
    read::{Node, Place, Value},
};

use super::{
    At, Problems, Section, discovery, encoding, endpoint, hosts, logging,
    namespaces::{self, Level},
    not_yet, plugins, router,
    section::Override,
    size, tls,
};

/// Prefix of environment variables that replace keys of the root.
const PREFIX: &str = "KRAKEND_";

/// The service that `sources` describes. Worth something only if there were
/// no errors.
pub(crate) fn service(sources: &Sources, options: &Options, problems: &Problems<'_>) -> Service {
    let overrides = overrides(options);
    let mut service = Service::default();
    let Value::Object(root) = &sources.root().value else {
        return service;
    };
    let mut root = Section::new(root, KeyPath::root(), problems).with_overrides(&overrides);
    version(&mut root);
    if let Some(name) = root.text("name") {
        service.name = name;
    }
    service.max_shutdown_wait_time = root.timeout("max_shutdown_wait_time");
    service.debug_endpoint = root.flag("debug_endpoint").unwrap_or(false);
    service.echo_endpoint = root.flag("echo_endpoint").unwrap_or(false);
    service.listen = listen(&mut root, options);
    service.client = client(&mut root);
    service.plugin_folder = plugins::folder(&mut root);
    extra_config(&mut root, &mut service);
    service.timeout = root.duration("timeout").unwrap_or(endpoint::TIMEOUT);
    service.endpoints = endpoints(&mut root, service.timeout);
    root.not_yet(not_yet::SERVICE);
    root.finish();
    service
}

/// Values of the environment, as if they stood in the file as strings.
fn overrides(options: &Options) -> Vec<Override> {
    let place = Place { line: 1, column: 1 };
    let variables = options.environment.iter();
    variables
        .filter(|(_, value)| !value.is_empty())
        .filter_map(|(variable, value)| {
            Some(Override {
                key: variable.strip_prefix(PREFIX)?.to_ascii_lowercase(),
                variable: variable.clone(),
                node: Node {
                    place,
                    value: Value::Text(value.clone()),
                },
            })
        })
        .collect()
}

fn version(root: &mut Section<'_>) {
    let version = match root.item("version") {
        None => 0,
        Some(_) => match root.number::<i64>("version") {
            Some(version) => version,
            None => return,
        },
    };
    let help = match version {
        3 => return,
        0 => "put \"version\": 3 at the top of the file".to_owned(),
        ..=2 => format!(
            "this is a KrakenD 1.x file; rename its keys: {}",
            not_yet::renamed()
        ),
        _ => "this gateway reads files of version 3, those of KrakenD 2.x".to_owned(),
    };
    let at = At::Key(KeyPath::root().key("version"));
    let message = format!("unsupported version: {version} (want: 3)");
    root.problems().error(&at, message, help);
}

fn listen(root: &mut Section<'_>, options: &Options) -> Listen {
    let mut listen = Listen {
        read_timeout: root.timeout("read_timeout"),
        read_header_timeout: root.timeout("read_header_timeout"),
        write_timeout: root.timeout("write_timeout"),
        h2c: root.flag("use_h2c").unwrap_or(false),
        tls: tls::listener(root),
        ..Listen::default()
    };
    listen.idle_timeout = root.timeout("idle_timeout").or(listen.read_timeout);
    if let Some(port) = root.number("port").filter(|port| *port != 0) {
        listen.port = port;
    }
    if let Some(port) = options.port {
        listen.port = port;
    }
    if let Some(bytes) = root.number("max_header_bytes").filter(|bytes| *bytes != 0) {
        listen.max_header_bytes = bytes;
    }
    if let Some(item) = root.item("listen_ip")
        && let Some(ip) = item.text(root.problems()).filter(|ip| !ip.is_empty())
    {
        listen.ip = ip.parse().ok();
        if listen.ip.is_none() {
            let message = format!("invalid ip address {ip}");
            let help = "write an IP address; leave it out to listen on all";
            root.problems().error(&item.at, message, help);
        }
    }
    listen
}

fn client(root: &mut Section<'_>) -> ClientSettings {
    let mut client = ClientSettings {
        max_idle_connections: root.number("max_idle_connections").filter(|n| *n != 0),
        idle_connection_timeout: root.timeout("idle_connection_timeout"),
        response_header_timeout: root.timeout("response_header_timeout"),
        expect_continue_timeout: root.timeout("expect_continue_timeout"),
        dialer_timeout: root.timeout("dialer_timeout"),
        disable_keep_alives: root.flag("disable_keep_alives").unwrap_or(false),
        disable_compression: root.flag("disable_compression").unwrap_or(false),
        tls: tls::client(root),
        ..ClientSettings::default()
    };
    let per_host = root.number("max_idle_connections_per_host");
    if let Some(connections) = per_host.filter(|n| *n != 0) {
        client.max_idle_connections_per_host = connections;
    }
    if set(root, "dialer_fallback_delay") {
        client.dialer_fallback_delay = root.timeout("dialer_fallback_delay");
    }
    if set(root, "dialer_keep_alive") {
        client.dialer_keep_alive = root.timeout("dialer_keep_alive");
    }
    client
}

/// Whether a duration stands there that is not zero; zero is the default, less
/// than zero switches off. Problems are reported by whoever reads it.
fn set(root: &mut Section<'_>, key: &'static str) -> bool {
    root.item(key).is_some_and(|item| match &item.node.value {
        Value::Text(text) => super::duration::parse(text).is_ok_and(|n| n != 0),
        Value::Number(digits) => digits.parse::<i64>().is_ok_and(|n| n != 0),
        _ => true,
    })
}

fn extra_config(root: &mut Section<'_>, service: &mut Service) {
    let Some(mut extra) = root.section("extra_config") else {
        return;
    };
    namespaces::check(&extra, Level::Service);
    if let Some(mut section) = extra.section("router") {
        service.router = router::options(&mut section);
        service.listen.h2c |= section.flag("use_h2c").unwrap_or(false);
        section.finish();
    }
    if let Some(section) = extra.section("telemetry/logging") {
        service.logging = logging::resolve(section);
    }
    if let Some(mut section) = extra.section("cuttle/http") {
        service.http.gateway_errors = section.flag("gateway_errors").unwrap_or(false);
        service.http.http2_backends = section.flag("http2_backends").unwrap_or(false);
        let bytes = size::bytes(&mut section, "max_decoded_body");
        if let Some(bytes) = bytes.filter(|bytes| *bytes != 0) {
            service.http.max_decoded_body = bytes;
        }
        service.http.status_path = router::own_path(&mut section, "status_path");
        service.http.dns_servers = discovery::name_servers(&mut section);
        service.http.metrics_path = router::own_path(&mut section, "metrics_path");
        listener_limits(&mut section, &mut service.listen);
        section.finish();
    }
    if let Some(section) = extra.section("cuttle/plugins") {
        service.plugins = plugins::policy(section);
    }
    service.server_plugins = extra
        .item("plugin/http-server")
        .and_then(|item| plugins::used(&item, extra.problems()));
}

/// What protects the listener; zero is the default, as everywhere.
fn listener_limits(section: &mut Section<'_>, listen: &mut Listen) {
    let mut count = |key, limit: &mut usize| {
        if let Some(number) = section.number::<usize>(key).filter(|n| *n != 0) {
            *limit = number;
        }
    };
    count("max_connections", &mut listen.max_connections);
    count(
        "max_connections_per_address",
        &mut listen.max_connections_per_address,
    );
    listen.first_byte_timeout = section.timeout("first_byte_timeout");
    let mut time = |key, limit: &mut Duration| {
        if let Some(time) = section.timeout(key) {
            *limit = time;
        }
    };
    time("tls_handshake_timeout", &mut listen.tls_handshake_timeout);
    time("stall_timeout", &mut listen.stall_timeout);
    time("flush_timeout", &mut listen.flush_timeout);
}

fn endpoints(root: &mut Section<'_>, timeout: Duration) -> Vec<crate::Endpoint> {
    let hosts = root.texts("host");
    let defaults = endpoint::Defaults {
        hosts: hosts::resolve(&hosts, true, root.problems()),
        timeout,
        cache_ttl: root.duration("cache_ttl").unwrap_or_default(),
        output_encoding: encoding::output_encoding(root),
        dns_cache_ttl: discovery::cache_ttl(root),
        relaxed: root.flag("disable_rest").unwrap_or(false),
    };
    let problems = root.problems();
    let items = root.items("endpoints");
    items
        .iter()
        .filter_map(|item| endpoint::resolve(Section::of(item, problems)?, &defaults))
        .collect()
}
