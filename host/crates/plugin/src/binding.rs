//! One place where a plugin is used, and what it may do there.

use cuttle_egress::{Client, Network, Redirects, Way};
use http::uri::Authority;

use crate::Limits;

/// One place of use of a plugin: settings, rights and limits.
pub struct Binding {
    /// JSON text for `configure`. May hold secrets.
    pub settings: String,
    /// What its requests are sent with.
    pub client: Client,
    /// The way of its `outbound` requests.
    pub way: Way,
    /// Whether redirects are followed for it.
    pub redirects: Redirects,
    /// Whether they lead as far as without a plugin, and not only where the
    /// plugin itself may go. For plugins that are part of the gateway.
    pub free_redirects: bool,
    /// The backend's authorities, at whatever addresses. One without a port
    /// means port 80 for `http` and 443 for `https`. The authority of the
    /// request it is answering counts in any case.
    pub hosts: Vec<Authority>,
    /// More authorities it may reach. An address is granted as it stands; a
    /// name is good for public addresses, and `localhost` for this machine.
    pub granted: Vec<Authority>,
    /// Addresses that names in `granted` may have though they are not public.
    pub addresses: Vec<Network>,
    /// Proxy addresses it may open beside those in its settings.
    pub proxies: Vec<String>,
    /// What it may use up.
    pub limits: Limits,
    /// Whether instances are used again.
    pub isolation: Isolation,
    /// For log lines, such as `GET /health`.
    pub endpoint: String,
}

impl Binding {
    /// The least: no settings, no right, the limits by default, and requests
    /// that go straight to their targets.
    #[must_use]
    pub fn least(client: Client) -> Self {
        Self {
            settings: "{}".into(),
            client,
            way: Way::Direct,
            redirects: Redirects::None,
            free_redirects: false,
            hosts: Vec::new(),
            granted: Vec::new(),
            addresses: Vec::new(),
            proxies: Vec::new(),
            limits: Limits::default(),
            isolation: Isolation::default(),
            endpoint: String::new(),
        }
    }
}

/// Whether an instance serves more than one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Isolation {
    /// Instances are pooled: about 2 µs a call.
    #[default]
    Instance,
    /// Each call gets a fresh instance: about 20 µs and a `configure` more.
    Request,
}
