//! What `fuzz/` reaches of the inside; compiled for nobody else.

use http::Uri;
use tokio::io::{AsyncRead, AsyncWrite};

use super::tunnel;
use crate::{
    error::Error,
    proxy::{Proxy, ProxyOptions},
    target::Target,
};

/// Asks the proxy at the other end of `io` for a tunnel. True if it opens one.
///
/// # Errors
/// Whatever a request would fail with.
pub async fn open_tunnel<S>(io: S) -> Result<bool, Error>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let address = "http://user:s3cret@proxy.test:3128";
    let Ok(proxy) = Proxy::new(address, ProxyOptions::default()) else {
        return Ok(false);
    };
    let target = Target::parse(&Uri::from_static("https://target.test/"))?;
    tunnel::open(Box::new(io), &proxy, &target).await?;
    Ok(true)
}
