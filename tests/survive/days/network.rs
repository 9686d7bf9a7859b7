//! Networks that lose packets, and narrow ones. Each test runs itself again in a
//! namespace of its own, whose loopback interface is made so: no privileges are
//! needed where users may have namespaces.

use std::{net::SocketAddr, process::Stdio, time::Duration};

use cuttle_tests::{
    Answer, Authority, Exchange, FaultProxy, Gateway, Origin, Outgoing, Pattern, Reply, TestResult,
};
use serde_json::json;
use tokio::{process::Command, task::JoinSet, time::timeout};

use super::recovers;

/// Tells a test that it is in its network.
const INSIDE: &str = "CUTTLE_TEST_NETWORK";
/// Far above what one of these tests takes.
const PATIENCE: Duration = Duration::from_secs(240);
const CLIENTS: usize = 30;
const MIB: u64 = 1 << 20;
/// What a failure may take beyond its timeout, by the gateway's clock.
const GRACE: Duration = Duration::from_secs(2);
const WAYS: [&str; 2] = ["direct", "plugin"];

/// Runs the test of this name in a network of its own, and fails as it fails.
/// False: this is the run there.
async fn ran_in_a_network(name: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        return false;
    }
    let own = std::env::current_exe().expect("the path of the running test");
    let mut command = Command::new("/usr/bin/unshare");
    command
        .args(["--map-root-user", "--net", "--pid", "--fork"])
        .args(["--kill-child", "--mount-proc", "--"])
        .arg(own)
        .args([&format!("days::network::{name}"), "--exact", "--nocapture"])
        .env(INSIDE, "1")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = timeout(PATIENCE, command.output()).await;
    let output = output
        .expect("the test in its network comes to an end")
        .expect("no unshare: install the package util-linux");
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "if there is no network namespace, run as root or allow them to users \
         (kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns):\n{text}"
    );
    true
}

/// Commands in the network of the test.
async fn network(commands: &str) -> TestResult {
    let script = format!("set -e\n{commands}");
    let output = Command::new("/bin/sh")
        .args(["-c", &script])
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .output()
        .await?;
    anyhow::ensure!(
        output.status.success(),
        "needs the packages iproute2 and nftables: {output:?}"
    );
    Ok(())
}

/// Each packet has this chance, in percent, not to arrive.
async fn lose(percent: u32) -> TestResult {
    let rule = format!("numgen random mod 100 < {percent} drop");
    network(&format!(
        "ip link set lo mtu 1500 up
         nft add table inet loss
         nft 'add chain inet loss input {{ type filter hook input priority 0; }}'
         nft flush chain inet loss input
         nft 'add rule inet loss input meta l4proto tcp {rule}'"
    ))
    .await
}

async fn lose_nothing() -> TestResult {
    network("nft delete table inet loss").await
}

/// So many Mbit/s for all together, with a short queue: what does not fit in is
/// lost.
async fn narrow(mbit: u32) -> TestResult {
    network(&format!(
        "ip link set lo mtu 1500 up
         tc qdisc replace dev lo root tbf rate {mbit}mbit burst 16kb limit 60kb"
    ))
    .await
}

async fn wide() -> TestResult {
    network("tc qdisc del dev lo root").await
}

/// Segments that the network of this test has sent again.
fn sent_again() -> u64 {
    let text = std::fs::read_to_string("/proc/net/snmp").expect("figures of the kernel");
    let mut lines = text.lines().filter(|line| line.starts_with("Tcp:"));
    let (names, values) = (lines.next().expect("names"), lines.next().expect("values"));
    let mut pairs = names.split(' ').zip(values.split(' '));
    let (_, count) = pairs.find(|(name, _)| *name == "RetransSegs").expect("it");
    count.parse().expect("a number")
}

struct Scene {
    gateway: Gateway,
    origin: Origin,
    _proxy: FaultProxy,
    _authority: Authority,
}

/// `GET` and `POST` of both ways: to an origin with TLS, and to the same by the
/// plugin and a proxy's tunnel.
async fn scene(size: u64, limit: Duration) -> anyhow::Result<Scene> {
    // Nothing is to be lost before all is there.
    network("ip link set lo mtu 1500 up").await?;
    let authority = Authority::new();
    let origin = Origin::start_tls(&authority, move |head| match head.target() {
        "/down" => Reply::long(size),
        _ => Reply::text("ok"),
    })
    .await;
    let proxy = FaultProxy::working().await;
    let endpoint = |path: &str, method: &str, pattern: &str| {
        let mut backend = json!({
            "url_pattern": pattern, "host": [origin.url()], "encoding": "no-op",
        });
        if path.contains("plugin") {
            backend["extra_config"]["plugin/http-client"] =
                json!({ "name": "http-proxy", "proxy_address": proxy.url() });
        }
        json!({
            "endpoint": path, "method": method, "output_encoding": "no-op", "backend": [backend],
        })
    };
    let config = json!({
        "version": 3, "timeout": format!("{}ms", limit.as_millis()),
        "client_tls": { "ca_certs": [authority.file()] },
        "endpoints": [
            endpoint("/x", "GET", "/x"),
            endpoint("/direct/{id}", "GET", "/down"), endpoint("/plugin/{id}", "GET", "/down"),
            endpoint("/direct/{id}", "POST", "/up"), endpoint("/plugin/{id}", "POST", "/up"),
        ],
    });
    Ok(Scene {
        gateway: Gateway::start(config).await?,
        origin,
        _proxy: proxy,
        _authority: authority,
    })
}

type Outcome = (String, std::io::Result<Answer>);

async fn ask(address: SocketAddr, method: &'static str, path: String, size: u64) -> Outcome {
    let mut request = Outgoing::new(method, &path);
    if method == "POST" {
        request = request.body(Pattern::new(size));
    }
    let asking = timeout(PATIENCE / 2, Exchange::ask(address, request)).await;
    (path, asking.expect("an end"))
}

/// All clients at once, one request each.
fn clients(gateway: &Gateway, method: &'static str, size: u64) -> JoinSet<Outcome> {
    let one = |number: usize| {
        let path = format!("/{}/{method}{number}", WAYS[number % WAYS.len()]);
        ask(gateway.address(), method, path, size)
    };
    (0..CLIENTS).map(one).collect()
}

/// All of it has arrived as it was sent.
fn is_whole(answer: &Answer, method: &str, size: u64) -> bool {
    let expected = match method {
        "GET" => answer.digest == Pattern::new(size).digest(),
        _ => answer.body == "ok",
    };
    answer.status == 200 && answer.complete && expected
}

async fn all_are_whole(scene: &Scene, method: &'static str, size: u64) {
    for (path, answer) in clients(&scene.gateway, method, size).join_all().await {
        let answer = answer.unwrap_or_else(|error| panic!("{path}: {error}"));
        assert!(is_whole(&answer, method, size), "{path}: {answer:?}");
    }
}

fn bodies_have_arrived(scene: &Scene, size: u64) {
    let requests = scene.origin.journal().requests;
    let posts = requests.iter().filter(|one| one.head.target() == "/up");
    let expected = Pattern::new(size).digest();
    let whole = posts.filter(|one| one.body == expected).count();
    assert_eq!(whole, CLIENTS);
}

/// Whole, or an error as it is documented, and each in time by the gateway's
/// clock: clients get what is under way later than that.
async fn all_end(scene: &Scene, outcomes: Vec<Outcome>, size: u64, limit: Duration) -> TestResult {
    let mut whole = 0;
    for (path, answer) in outcomes {
        let method = if path.contains("GET") { "GET" } else { "POST" };
        match answer {
            Ok(answer) if is_whole(&answer, method, size) => whole += 1,
            // A head, and a body that breaks off.
            Ok(answer) if answer.status == 200 && !answer.complete => {}
            Ok(answer) => assert_eq!((answer.status, &*answer.body), (500, ""), "{path}"),
            // A body that broke off before its head was out of the gateway.
            Err(_) => {}
        }
        let line = scene.gateway.access(&path).await?;
        let millis = line["span"]["duration_ms"].as_f64().unwrap_or(1e9);
        let took = Duration::from_secs_f64(millis / 1000.0);
        assert!(took < limit + GRACE, "{path} took {took:?}");
    }
    assert!(whole < CLIENTS, "the network was too good for this test");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_packets_lose_no_byte() -> TestResult {
    if ran_in_a_network("lost_packets_lose_no_byte").await {
        return Ok(());
    }
    let scene = scene(MIB, PATIENCE / 4).await?;
    lose(3).await?;
    let before = sent_again();
    all_are_whole(&scene, "GET", MIB).await;
    all_are_whole(&scene, "POST", MIB).await;
    bodies_have_arrived(&scene, MIB);
    let lost = sent_again() - before;
    println!("{lost} segments were sent again");
    assert!(lost > 50, "{lost}");
    lose_nothing().await?;
    recovers(&scene.gateway).await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn where_every_third_packet_is_lost_all_requests_end_in_time() -> TestResult {
    if ran_in_a_network("where_every_third_packet_is_lost_all_requests_end_in_time").await {
        return Ok(());
    }
    let limit = Duration::from_secs(3);
    let scene = scene(MIB, limit).await?;
    for method in ["GET", "POST"] {
        lose(35).await?;
        let clients = clients(&scene.gateway, method, MIB);
        tokio::time::sleep(limit).await;
        lose_nothing().await?;
        all_end(&scene, clients.join_all().await, MIB, limit).await?;
        recovers(&scene.gateway).await;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_narrow_network_is_slow_and_no_more() -> TestResult {
    if ran_in_a_network("a_narrow_network_is_slow_and_no_more").await {
        return Ok(());
    }
    let size = 16 << 10;
    let scene = scene(size, PATIENCE / 4).await?;
    narrow(4).await?;
    let before = sent_again();
    all_are_whole(&scene, "GET", size).await;
    all_are_whole(&scene, "POST", size).await;
    bodies_have_arrived(&scene, size);
    assert!(sent_again() > before, "its queue was long enough");
    wide().await?;
    recovers(&scene.gateway).await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_narrow_network_cannot_carry_ends_in_time() -> TestResult {
    if ran_in_a_network("what_a_narrow_network_cannot_carry_ends_in_time").await {
        return Ok(());
    }
    let limit = Duration::from_secs(3);
    let scene = scene(MIB, limit).await?;
    for method in ["GET", "POST"] {
        narrow(2).await?;
        let clients = clients(&scene.gateway, method, MIB);
        tokio::time::sleep(limit).await;
        wide().await?;
        all_end(&scene, clients.join_all().await, MIB, limit).await?;
        recovers(&scene.gateway).await;
    }
    Ok(())
}

/// What comes from this port of the test's does not arrive.
async fn cut_off(origin: &Origin) -> TestResult {
    let port = origin.port();
    network(&format!(
        "nft add table inet cut
         nft 'add chain inet cut input {{ type filter hook input priority 0; }}'
         nft 'add rule inet cut input tcp sport {port} drop'"
    ))
    .await
}

/// One of two hosts goes away without a word, with connections of the pool.
#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_cut_off_costs_its_own_requests_only() -> TestResult {
    if ran_in_a_network("a_host_that_is_cut_off_costs_its_own_requests_only").await {
        return Ok(());
    }
    network("ip link set lo up").await?;
    let (good, bad) = (Origin::replying("ok").await, Origin::replying("ok").await);
    let limit = Duration::from_millis(700);
    let config = json!({
        "version": 3, "timeout": "700ms",
        "endpoints": [{ "endpoint": "/x", "output_encoding": "no-op", "backend": [{
            "url_pattern": "/x", "host": [good.url(), bad.url()], "encoding": "no-op",
        }] }],
    });
    let gateway = Gateway::start(config).await?;
    for _ in 0..20 {
        assert_eq!(gateway.get("/x").await?.status, 200);
    }
    let served = bad.hits();
    assert!(served > 0, "it had its share");
    cut_off(&bad).await?;
    let mut well = 0;
    for _ in 0..20 {
        let start = tokio::time::Instant::now();
        match gateway.get("/x").await?.status {
            200 => well += 1,
            status => assert_eq!(status, 500),
        }
        assert!(start.elapsed() < limit + GRACE, "{:?}", start.elapsed());
    }
    assert!((8..20).contains(&well), "{well} of 20");
    network("nft delete table inet cut").await?;
    recovers(&gateway).await;
    for _ in 0..20 {
        assert_eq!(gateway.get("/x").await?.status, 200);
    }
    Ok(())
}
