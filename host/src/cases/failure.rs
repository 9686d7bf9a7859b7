//! Errors of the contract, in words.

use cuttle_plugin::{CallError, PluginFailure};

const PROXY_STATUS: &str = "proxy-status";

/// The error that `text` names, such as `connect` or `proxy-status 407`, with
/// an optional text of its own behind a colon.
pub(crate) fn failure(text: &str) -> Result<PluginFailure, String> {
    use PluginFailure as F;
    let (name, said) = match text.split_once(": ") {
        Some((name, said)) => (name, said.to_owned()),
        None => (text, "as the case says".to_owned()),
    };
    if let Some(status) = name.strip_prefix(PROXY_STATUS) {
        let status = status.trim().parse();
        return status
            .map(F::ProxyStatus)
            .map_err(|_| format!("`{name}` needs a status, as in `{PROXY_STATUS} 407`"));
    }
    Ok(match name {
        "invalid-argument" => F::InvalidArgument(said),
        "denied" => F::Denied(said),
        "dns" => F::Dns(said),
        "connect" => F::Connect(said),
        "connect-timeout" => F::ConnectTimeout,
        "tls" => F::Tls(said),
        "timeout" => F::Timeout,
        "protocol" => F::Protocol(said),
        "body" => F::Body(said),
        "cancelled" => F::Cancelled,
        "other" => F::Other(said),
        _ => {
            return Err(format!(
                "`{name}` is no error of the contract (wit/types.wit)"
            ));
        }
    })
}

/// The name of an error, as [`failure`] takes it.
pub(crate) fn kind(failure: &PluginFailure) -> String {
    use PluginFailure as F;
    let name = match failure {
        F::InvalidArgument(_) => "invalid-argument",
        F::Denied(_) => "denied",
        F::Dns(_) => "dns",
        F::Connect(_) => "connect",
        F::ConnectTimeout => "connect-timeout",
        F::ProxyStatus(status) => return format!("{PROXY_STATUS} {status}"),
        F::Tls(_) => "tls",
        F::Timeout => "timeout",
        F::Protocol(_) => "protocol",
        F::Body(_) => "body",
        F::Cancelled => "cancelled",
        _ => "other",
    };
    name.to_owned()
}

/// The name of what ended a call, as a case expects it.
pub(crate) fn call_kind(error: &CallError) -> String {
    let name = match error {
        CallError::Failed { error, .. } => return kind(error),
        CallError::Settings { .. } => "settings",
        CallError::Deadline { .. } => "deadline",
        CallError::Limit { .. } => "limit",
        CallError::Invalid { .. } => "invalid",
        _ => "trap",
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_has_a_name() {
        for name in [
            "invalid-argument",
            "denied",
            "dns",
            "connect",
            "connect-timeout",
            "proxy-status 407",
            "tls",
            "timeout",
            "protocol",
            "body",
            "cancelled",
            "other",
        ] {
            assert_eq!(kind(&failure(name).unwrap()), name);
        }
        assert!(failure("proxy-status").is_err());
        assert!(failure("nonsense").is_err());
        assert_eq!(
            failure("dns: no such host"),
            Ok(PluginFailure::Dns("no such host".into()))
        );
    }
}
