//! What a configuration means once it is checked: every default filled in,
//! every value in range. Names follow KrakenD's keys.

mod backend;
mod endpoint;
mod logging;
mod manipulation;
mod path;
mod plugin;
mod proxy;
mod router;
mod service;
mod tls;

pub use self::{
    backend::*, endpoint::*, logging::*, manipulation::*, path::*, plugin::*, proxy::*, router::*,
    service::*, tls::*,
};
