//! `router` of the service.

use http::HeaderName;

/// `router` options that are in effect.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RouterOptions {
    /// `return_error_msg`: the client sees the text of an error.
    pub return_error_msg: bool,
    /// `disable_access_log`.
    pub disable_access_log: bool,
    /// `logger_skip_paths`.
    pub logger_skip_paths: Vec<String>,
    /// `disable_health`.
    pub disable_health: bool,
    /// `health_path`, `/__health` by default.
    pub health_path: String,
    /// `hide_version_header`.
    pub hide_version_header: bool,
    /// `auto_options`.
    pub auto_options: bool,
    /// `disable_redirect_trailing_slash`.
    pub disable_redirect_trailing_slash: bool,
    /// `disable_redirect_fixed_path`.
    pub disable_redirect_fixed_path: bool,
    /// `disable_handle_method_not_allowed`.
    pub disable_handle_method_not_allowed: bool,
    /// `disable_path_decoding`: parameters that are still encoded are let through.
    pub disable_path_decoding: bool,
    /// `remove_extra_slash`.
    pub remove_extra_slash: bool,
    /// `forwarded_by_client_ip`.
    pub forwarded_by_client_ip: bool,
    /// `remote_ip_headers`.
    pub remote_ip_headers: Vec<HeaderName>,
    /// `trusted_proxies`; empty trusts nobody (a departure from KrakenD, which
    /// trusts everybody).
    pub trusted_proxies: Vec<ipnet::IpNet>,
    /// `max_payload`: bytes a client's body may have; `None` is no limit.
    pub max_payload: Option<u64>,
    /// `error_body.404` as JSON text.
    pub error_body_404: Option<String>,
    /// `error_body.405` as JSON text.
    pub error_body_405: Option<String>,
}
