use super::*;
use crate::server::Server;

#[tokio::test]
async fn a_taken_port_is_named_with_a_way_out() {
    let first = Running::start(&json!({}), &Backend::echo());
    let service = crate::testing::service(&json!({}));
    let mut listen = service.listen.clone();
    listen.port = first.address.port();
    let gateway = Arc::new(crate::testing::gateway(&service, &Backend::echo()));
    let error = Server::bind(&listen, gateway, None)
        .err()
        .unwrap()
        .to_string();
    let expected = format!("listen tcp {}: bind: address already in use", first.address);
    assert!(error.starts_with(&expected), "{error}");
    assert!(error.contains("`port`"), "{error}");
}

#[tokio::test]
async fn every_interface_means_both_families() {
    let service = crate::testing::service(&json!({}));
    let mut listen = service.listen.clone();
    listen.ip = None;
    let gateway = Arc::new(crate::testing::gateway(&service, &Backend::echo()));
    let server = Server::bind(&listen, gateway, None).unwrap();
    let port = server.local_addr().port();
    assert!(TcpStream::connect(("127.0.0.1", port)).await.is_ok());
}
