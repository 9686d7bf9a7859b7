use std::sync::atomic::{AtomicUsize, Ordering};

use hickory_resolver::{
    proto::{
        op::{Message, MessageType, ResponseCode},
        rr::{Name, Record},
    },
    system_conf::parse_resolv_conf,
};
use tokio::net::UdpSocket;

use super::*;

fn srv(priority: u16, weight: u16, port: u16, target: &str) -> SRV {
    SRV::new(priority, weight, port, Name::from_ascii(target).unwrap())
}

fn listed(records: &[SRV]) -> Vec<String> {
    let hosts = hosts(records.iter());
    hosts.iter().map(ToString::to_string).collect()
}

#[test]
fn hosts_of_the_lowest_priority_come_as_often_as_their_weights_say() {
    #[rustfmt::skip]
    /// Priority, weight, target.
    type Record = (u16, u16, &'static str);
    let cases: [(&[Record], &[&str]); 9] = [
        (&[(1, 1, "a.")], ["a:80"].as_slice()),
        (
            &[(2, 9, "a."), (1, 1, "b."), (1, 1, "c.")],
            &["b:80", "c:80"],
        ),
        (&[(1, 20, "a."), (1, 10, "b.")], &["a:80", "b:80", "a:80"]),
        (&[(1, 2000, "a."), (1, 2000, "b.")], &["a:80", "b:80"]),
        (&[(1, 0, "a."), (1, 5, "b.")], &["b:80"]),
        (&[(1, 0, "b."), (1, 0, "a.")], &["a:80", "b:80"]),
        (&[(0, 1, "."), (1, 1, "b.")], &["b:80"]),
        (&[(0, 1, "*.test.")], &[]),
        (&[], &[]),
    ];
    for (records, expected) in cases {
        let records: Vec<_> = records
            .iter()
            .map(|(priority, weight, target)| srv(*priority, *weight, 80, target))
            .collect();
        assert_eq!(listed(&records), expected, "{records:?}");
    }
    // However small, a weight is a weight; however large, the list is short.
    let far = listed(&[srv(1, u16::MAX, 80, "a."), srv(1, 1, 80, "b.")]);
    assert!(
        far.len() <= 101 && far.contains(&"b:80".to_owned()),
        "{far:?}"
    );
}

/// The port is not the system's to say; the tests with name servers of their own
/// take another way in.
#[test]
fn the_systems_file_is_read_and_answers_are_kept_as_long_as_ours_says() {
    let text = "# by DHCP\nnameserver 192.0.2.1\nnameserver 2001:db8::1\n\
                search a.test b.test\noptions ndots:3 timeout:7 attempts:1 unheard-of\n";
    let (config, options) = parse_resolv_conf(text).unwrap();
    let servers = config
        .name_servers()
        .iter()
        .map(|server| server.ip.to_string());
    assert_eq!(servers.collect::<Vec<_>>(), ["192.0.2.1", "2001:db8::1"]);
    let search: Vec<_> = config.search().iter().map(Name::to_ascii).collect();
    assert_eq!(search, ["a.test", "b.test"]);
    let resolver = SrvResolver::of(config, options).unwrap();
    let options = resolver.all.options();
    let read = (options.ndots, options.timeout, options.attempts);
    assert_eq!(read, (3, Duration::from_secs(7), 1));
    assert_eq!(options.positive_max_ttl, Some(Duration::ZERO));
    assert!(
        parse_resolv_conf("search a.test\n").is_err(),
        "nobody to ask"
    );
}

#[tokio::test]
async fn another_name_server_is_asked_where_one_is_not_there() {
    let nobody = UdpSocket::bind(("127.0.0.1", 0)).await.unwrap();
    let nobody = nobody.local_addr().unwrap();
    let good = NameServer::start(Some(vec![srv(0, 1, 80, "a.")])).await;
    let servers = [nobody, good.address];
    let resolver = SrvResolver::asking(&servers).unwrap();
    let hosts = SrvHosts::new(resolver, "api.test.".to_owned(), Duration::from_secs(9));
    assert_eq!(next(&hosts).await.as_deref(), Some("a:80"));
}

/// SERVFAIL is one server's trouble and not the answer of all, wherever it stands.
#[tokio::test]
async fn another_name_server_is_asked_where_one_fails() {
    let good = NameServer::start(Some(vec![srv(0, 1, 80, "a.")])).await;
    let bad = NameServer::start(None).await;
    let worse = NameServer::start(None).await;
    for servers in [
        vec![bad.address, good.address],
        vec![bad.address, worse.address, good.address],
        vec![good.address, bad.address],
    ] {
        let resolver = SrvResolver::asking(&servers).unwrap();
        let hosts = SrvHosts::new(resolver, "api.test.".to_owned(), Duration::from_secs(9));
        assert_eq!(next(&hosts).await.as_deref(), Some("a:80"), "{servers:?}");
    }
    let resolver = SrvResolver::asking(&[bad.address, worse.address]).unwrap();
    let hosts = SrvHosts::new(resolver, "api.test.".to_owned(), Duration::from_secs(9));
    assert_eq!(next(&hosts).await, None);
}

/// A name server for one name, with a list that can be changed. Without one it
/// fails.
struct NameServer {
    address: SocketAddr,
    queries: Arc<AtomicUsize>,
    records: Arc<Mutex<Option<Vec<SRV>>>>,
    task: tokio::task::JoinHandle<()>,
}

impl NameServer {
    async fn start(records: Option<Vec<SRV>>) -> Self {
        let socket = UdpSocket::bind(("127.0.0.1", 0)).await.unwrap();
        let address = socket.local_addr().unwrap();
        let queries = Arc::new(AtomicUsize::new(0));
        let records = Arc::new(Mutex::new(records));
        let task = tokio::spawn(answer(socket, Arc::clone(&queries), Arc::clone(&records)));
        Self {
            address,
            queries,
            records,
            task,
        }
    }

    fn set(&self, records: Option<Vec<SRV>>) {
        *self.records.lock().unwrap() = records;
    }

    fn queries(&self) -> usize {
        self.queries.load(Ordering::SeqCst)
    }

    fn hosts(&self, ttl: Duration) -> SrvHosts {
        let resolver = SrvResolver::asking(&[self.address]).unwrap();
        SrvHosts::new(resolver, "api.test.".to_owned(), ttl)
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(
    socket: UdpSocket,
    queries: Arc<AtomicUsize>,
    records: Arc<Mutex<Option<Vec<SRV>>>>,
) {
    let mut buffer = [0; 4096];
    while let Ok((length, client)) = socket.recv_from(&mut buffer).await {
        let mut message = Message::from_vec(&buffer[..length]).unwrap();
        let name = message.queries[0].name().clone();
        message.metadata.message_type = MessageType::Response;
        match &*records.lock().unwrap() {
            Some(records) => {
                let records = records.iter().cloned();
                message.add_answers(
                    records.map(|srv| Record::from_rdata(name.clone(), 3600, RData::SRV(srv))),
                );
            }
            None => message.metadata.response_code = ResponseCode::ServFail,
        }
        queries.fetch_add(1, Ordering::SeqCst);
        socket
            .send_to(&message.to_vec().unwrap(), client)
            .await
            .unwrap();
    }
}

async fn next(hosts: &SrvHosts) -> Option<String> {
    hosts.next().await.map(|host| host.to_string())
}

/// Asks until `wanted` is what comes: what is found in the background is there
/// some time later.
async fn until(hosts: &SrvHosts, wanted: &str) {
    let found = async {
        while next(hosts).await.as_deref() != Some(wanted) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), found)
        .await
        .unwrap();
}

#[tokio::test]
async fn an_answer_is_asked_for_once_and_its_hosts_take_turns() {
    let two = vec![srv(1, 1, 81, "a.test."), srv(1, 1, 82, "b.test.")];
    let server = NameServer::start(Some(two)).await;
    let hosts = server.hosts(Duration::from_secs(3600));
    let first = tokio::join!(next(&hosts), next(&hosts), next(&hosts), next(&hosts));
    let mut first = [first.0, first.1, first.2, first.3].map(Option::unwrap);
    first.sort();
    assert_eq!(first, ["a.test:81", "a.test:81", "b.test:82", "b.test:82"]);
    assert_eq!(server.queries(), 1);
}

/// Requests do not pile up behind a name server that does not answer.
#[tokio::test]
async fn while_one_looks_a_name_up_nobody_else_does() {
    let silent = UdpSocket::bind(("127.0.0.1", 0)).await.unwrap();
    let resolver = SrvResolver::asking(&[silent.local_addr().unwrap()]).unwrap();
    let hosts = SrvHosts::new(resolver, "api.test.".to_owned(), Duration::ZERO);
    hosts.0.state().hosts = Arc::new([Authority::from_static("a:80")]);
    let metrics = tokio::runtime::Handle::current().metrics();
    let before = metrics.num_alive_tasks();
    for _ in 0..100 {
        assert_eq!(next(&hosts).await.as_deref(), Some("a:80"));
    }
    assert_eq!(metrics.num_alive_tasks(), before + 1);
}

#[tokio::test]
async fn a_change_is_seen_and_a_failure_takes_nothing_away() {
    let server = NameServer::start(Some(vec![srv(1, 1, 80, "old.test.")])).await;
    let hosts = server.hosts(Duration::from_millis(1));
    assert_eq!(next(&hosts).await.as_deref(), Some("old.test:80"));

    server.set(None);
    let before = server.queries();
    while server.queries() < before + 2 {
        assert_eq!(next(&hosts).await.as_deref(), Some("old.test:80"));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }

    server.set(Some(vec![srv(1, 1, 80, "new.test.")]));
    until(&hosts, "new.test:80").await;
}

#[tokio::test]
async fn a_name_that_is_not_there_has_no_hosts_until_it_is() {
    let server = NameServer::start(Some(Vec::new())).await;
    let hosts = server.hosts(Duration::from_millis(1));
    assert_eq!(next(&hosts).await, None);
    let asked = server.queries();
    assert_eq!(next(&hosts).await, None);
    assert_eq!(server.queries(), asked, "not every call asks");

    server.set(Some(vec![srv(1, 1, 80, "a.test.")]));
    until(&hosts, "a.test:80").await;
}
