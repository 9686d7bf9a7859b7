//! `tls` of the listener and `client_tls` towards backends.

use crate::{ClientTls, KeyPair, ListenerTls, TlsVersion};

use super::{Section, nearest};

pub(super) const VERSIONS: [&str; 5] = ["SSL3.0", "TLS10", "TLS11", "TLS12", "TLS13"];

/// `tls`; nothing if it is not there or disabled.
pub(super) fn listener(root: &mut Section<'_>) -> Option<ListenerTls> {
    let mut section = root.section("tls")?;
    let disabled = section.flag("disabled").unwrap_or(false);
    let (min_version, max_version) = versions(&mut section);
    let tls = ListenerTls {
        place: section.path().clone(),
        keys: listener_keys(&mut section, disabled),
        min_version,
        max_version,
        enable_mtls: section.flag("enable_mtls").unwrap_or(false),
        ca_certs: paths(&mut section, "ca_certs"),
        disable_system_ca_pool: section.flag("disable_system_ca_pool").unwrap_or(false),
    };
    warn_fixed(&mut section);
    section.finish();
    (!disabled).then_some(tls)
}

/// `client_tls`, and the older `allow_insecure_connections` of the root.
pub(super) fn client(root: &mut Section<'_>) -> ClientTls {
    let insecure = root.flag("allow_insecure_connections").unwrap_or(false);
    let mut tls = match root.section("client_tls") {
        Some(section) => client_section(section),
        None => ClientTls::default(),
    };
    tls.allow_insecure_connections |= insecure;
    tls
}

/// One `client_tls` object.
pub(super) fn client_section(mut section: Section<'_>) -> ClientTls {
    let (min_version, max_version) = versions(&mut section);
    let tls = ClientTls {
        place: section.path().clone(),
        allow_insecure_connections: section.flag("allow_insecure_connections").unwrap_or(false),
        ca_certs: paths(&mut section, "ca_certs"),
        disable_system_ca_pool: section.flag("disable_system_ca_pool").unwrap_or(false),
        client_certs: pairs(&mut section, "client_certs", "certificate"),
        min_version,
        max_version,
    };
    warn_fixed(&mut section);
    section.finish();
    tls
}

/// `keys`, and the older single pair beside it.
fn listener_keys(section: &mut Section<'_>, disabled: bool) -> Vec<KeyPair> {
    let problems = section.problems();
    let before = problems.count();
    let mut keys = pairs(section, "keys", "public_key");
    keys.extend(pair(section, "public_key"));
    if keys.is_empty() && !disabled && problems.count() == before {
        let message = "public key not defined: TLS needs a certificate and its key";
        let help = "add \"keys\": [{\"public_key\": \"cert.pem\", \"private_key\": \"key.pem\"}]";
        problems.error(&section.at(), message, help);
    }
    keys
}

fn pairs(section: &mut Section<'_>, key: &'static str, public: &'static str) -> Vec<KeyPair> {
    let problems = section.problems();
    let items = section.items(key);
    items
        .iter()
        .filter_map(|item| {
            let mut section = Section::of(item, problems)?;
            let before = problems.count();
            let pair = pair(&mut section, public);
            if pair.is_none() && problems.count() == before {
                let message = format!("needs {public:?} and \"private_key\"");
                problems.error(&item.at, message, "name two PEM files");
            }
            section.finish();
            pair
        })
        .collect()
}

/// A pair if one of its halves is there; only one half is an error.
fn pair(section: &mut Section<'_>, public: &'static str) -> Option<KeyPair> {
    let certificate = section.text(public).filter(|path| !path.is_empty());
    let private_key = section.text("private_key").filter(|path| !path.is_empty());
    match (certificate, private_key) {
        (Some(certificate), Some(private_key)) => Some(KeyPair {
            certificate: certificate.into(),
            private_key: private_key.into(),
        }),
        (None, None) => None,
        (certificate, _) => {
            let missing = certificate.map_or(public, |_| "private_key");
            let at = section.at().key(missing);
            section
                .problems()
                .error(&at, "is missing", "name a PEM file");
            None
        }
    }
}

fn paths(section: &mut Section<'_>, key: &'static str) -> Vec<std::path::PathBuf> {
    let texts = section.texts(key).into_iter();
    texts.map(|(text, _)| text.into()).collect()
}

/// `min_version` and `max_version`. Both are 1.3 by default, as in KrakenD; a
/// lower maximum takes the minimum with it.
fn versions(section: &mut Section<'_>) -> (TlsVersion, TlsVersion) {
    let min = version(section, "min_version", Some(TlsVersion::Tls12));
    let max = version(section, "max_version", None).unwrap_or(TlsVersion::Tls13);
    if min.is_some_and(|min| min > max) {
        let at = section.at().key("min_version");
        let help = "raise \"max_version\" or remove it";
        section
            .problems()
            .error(&at, "is above \"max_version\"", help);
    }
    (min.unwrap_or(max), max)
}

/// One version. Older ones than TLS 1.2 are `oldest`, with a warning, or an
/// error if there is no such thing.
fn version(
    section: &mut Section<'_>,
    key: &'static str,
    oldest: Option<TlsVersion>,
) -> Option<TlsVersion> {
    let written = section.text(key).filter(|text| !text.is_empty())?;
    let at = section.at().key(key);
    match (written.as_str(), oldest) {
        ("TLS12", _) => return Some(TlsVersion::Tls12),
        ("TLS13", _) => return Some(TlsVersion::Tls13),
        ("SSL3.0" | "TLS10" | "TLS11", Some(oldest)) => {
            let message = format!("{written} is not supported any more: TLS12 is used");
            section.problems().warning(&at, message, "write \"TLS12\"");
            return Some(oldest);
        }
        ("SSL3.0" | "TLS10" | "TLS11", None) => {
            let message = format!("{written} is not supported any more");
            section
                .problems()
                .error(&at, message, "write \"TLS12\" or \"TLS13\"");
        }
        _ => {
            let help = match nearest(&written.to_uppercase(), VERSIONS) {
                Some(name) => format!("did you mean {name:?}?"),
                None => "write \"TLS12\" or \"TLS13\"".to_owned(),
            };
            let message = format!("unknown TLS version {written:?}");
            section.problems().error(&at, message, help);
        }
    }
    None
}

/// Lists of ciphers and curves are accepted and not followed.
fn warn_fixed(section: &mut Section<'_>) {
    for key in ["cipher_suites", "curve_preferences"] {
        if let Some(item) = section.item(key) {
            section.problems().warning(
                &item.at,
                "has no effect: a fixed set of safe ciphers and curves is used",
                "remove it",
            );
        }
    }
}
