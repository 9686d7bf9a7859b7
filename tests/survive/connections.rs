//! Floods of connections: caps, and descriptors that run out.

use std::net::SocketAddr;

use cuttle_tests::{Exchange, Gateway, Origin, Outgoing, TestResult, soon};
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpSocket,
};

use crate::healthy::{gateway, until};

/// A client that has been served once and stays.
async fn served(gateway: &Gateway) -> anyhow::Result<Exchange> {
    let mut client = gateway.connect().await?;
    client.send(Outgoing::new("GET", "/x")).await?;
    assert_eq!(client.answer().await?.status, 200);
    Ok(client)
}

async fn listener_by(client: &mut Exchange) -> anyhow::Result<Value> {
    client.send(Outgoing::new("GET", "/__status")).await?;
    let page: Value = serde_json::from_str(&client.answer().await?.body)?;
    Ok(page["listener"].clone())
}

/// Asks until there is room again.
async fn served_again(gateway: &Gateway) {
    let again = async { while served(gateway).await.is_err() {} };
    soon("room for a connection", again).await;
}

#[tokio::test]
async fn no_more_connections_than_allowed_are_served() -> TestResult {
    let origin = Origin::replying("ok").await;
    let gateway = gateway(&origin, json!({}), json!({ "max_connections": 5 })).await?;
    let mut clients = Vec::new();
    for _ in 0..5 {
        clients.push(served(&gateway).await?);
    }
    for _ in 0..20 {
        assert!(gateway.connect().await?.closed().await, "the sixth");
    }
    let listener = listener_by(&mut clients[0]).await?;
    assert_eq!(listener["open"], 5, "{listener}");
    assert_eq!(listener["refused"]["listener"], 20, "{listener}");
    clients.pop();
    served_again(&gateway).await;
    Ok(())
}

async fn status_from(source: &str, gateway: SocketAddr) -> anyhow::Result<String> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::new(source.parse()?, 0))?;
    let mut stream = socket.connect(gateway).await?;
    stream
        .write_all(b"GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .await?;
    let mut answer = String::new();
    soon("an answer", stream.read_to_string(&mut answer)).await?;
    Ok(answer.chars().skip(9).take(3).collect())
}

#[tokio::test]
async fn one_address_does_not_take_what_others_need() -> TestResult {
    let origin = Origin::replying("ok").await;
    let gateway = gateway(
        &origin,
        json!({}),
        json!({ "max_connections_per_address": 3 }),
    )
    .await?;
    let mut clients = Vec::new();
    for _ in 0..3 {
        clients.push(served(&gateway).await?);
    }
    for _ in 0..20 {
        assert!(gateway.connect().await?.closed().await, "the fourth");
    }
    assert_eq!(status_from("127.0.0.2", gateway.address()).await?, "200");
    let listener = listener_by(&mut clients[0]).await?;
    assert_eq!(listener["refused"]["address"], 20, "{listener}");
    clients.pop();
    served_again(&gateway).await;
    Ok(())
}

fn limit_descriptors(gateway: &Gateway, to: usize) -> anyhow::Result<()> {
    let pid = Pid::from_raw(i32::try_from(gateway.pid())?);
    let limit = Rlimit {
        current: Some(to as u64),
        maximum: Some(to as u64),
    };
    prlimit(pid, Resource::Nofile, limit)?;
    Ok(())
}

/// Accepting fails, what is under way goes on, and all is well afterwards.
#[tokio::test]
async fn running_out_of_descriptors_passes() -> TestResult {
    let origin = Origin::replying("ok").await;
    let gateway = gateway(&origin, json!({}), json!({})).await?;
    let mut early = served(&gateway).await?;
    let before = gateway.usage()?;
    limit_descriptors(&gateway, before.descriptors + 10)?;
    let mut flood = Vec::new();
    for _ in 0..200 {
        flood.push(gateway.connect().await?);
    }
    let failing = gateway.log().find("the failure to accept", |event| {
        event["fields"]["message"] == "cannot accept connections"
    });
    assert!(failing.await.is_some());
    for _ in 0..50 {
        early.send(Outgoing::new("GET", "/x")).await?;
        assert_eq!(early.answer().await?.status, 200, "under way");
    }
    drop(flood);
    served_again(&gateway).await;
    until(&gateway, "counted", |listener| {
        listener["accept_failures"].as_u64() > Some(0) && listener["open"].as_u64() < Some(20)
    })
    .await;
    let lines = gateway.log().text();
    let told = lines.matches("cannot accept connections").count();
    assert!(told < 20, "told {told} times");
    Ok(())
}
