use super::*;
use crate::server::Server;

#[tokio::test]
async fn a_taken_port_is_named_with_a_way_out() {
    let first = Running::start(&json!({}), &Backend::echo());
    let service = crate::testing::service(&json!({}));
    let mut listen = service.listen.clone();
    listen.port = first.address.port();
    let gateway = crate::testing::gateway(&service, &Backend::echo());
    let error = Server::bind(&listen, gateway, None)
        .err()
        .unwrap()
        .to_string();
    let expected = format!("listen tcp {}: bind: address already in use", first.address);
    assert!(error.starts_with(&expected), "{error}");
    assert!(error.contains("`port`"), "{error}");
}

/// As many as no spread over a few sockets leaves one of them out.
const MANY: usize = 64;

#[tokio::test]
async fn threads_share_the_port_with_each_other_and_nobody_else() {
    let mut server = Running::on_threads(4, &json!({}), &Backend::echo()).unwrap();
    for _ in 0..MANY {
        let answer = server.exchange(LAST).await;
        assert_eq!(status(&answer), "200");
    }
    let service = crate::testing::service(&json!({}));
    let mut listen = service.listen.clone();
    listen.port = server.address.port();
    let gateway = crate::testing::gateway(&service, &Backend::echo());
    let taken = Server::bind(&listen, gateway, None).err();
    assert!(taken.unwrap().to_string().contains("already in use"));

    server.stop();
    let address = server.address;
    assert_eq!(server.verdict().await, Verdict::Drained);
    for _ in 0..MANY {
        assert!(TcpStream::connect(address).await.is_err(), "nobody listens");
    }
}

#[tokio::test]
async fn threads_that_share_a_socket_serve_as_well() {
    let service = crate::testing::service(&json!({}));
    let gateway = crate::testing::gateway(&service, &Backend::echo());
    let mut server = Server::bind(&service.listen, gateway, None).unwrap();
    server.further = vec![crate::server::listen::same(&server.listener).unwrap()];
    let address = server.local_addr();
    let task = tokio::spawn(server.run(std::future::pending(), std::future::pending()));
    for _ in 0..MANY {
        let mut client = crate::testing::Client(TcpStream::connect(address).await.unwrap());
        client.send(LAST).await;
        assert_eq!(status(&client.rest().await), "200");
    }
    task.abort();
}

#[tokio::test]
async fn every_interface_means_both_families() {
    let service = crate::testing::service(&json!({}));
    let mut listen = service.listen.clone();
    listen.ip = None;
    let gateway = crate::testing::gateway(&service, &Backend::echo());
    let server = Server::bind(&listen, gateway, None).unwrap();
    let port = server.local_addr().port();
    assert!(TcpStream::connect(("127.0.0.1", port)).await.is_ok());
}
