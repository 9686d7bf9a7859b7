//! A name server that does what a test wants.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use tokio::{net::UdpSocket, task::JoinHandle};

/// Kind of SRV records (RFC 2782) in questions and answers.
const SRV: [u8; 2] = [0, 33];

/// What a name server does with a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// Answers it.
    Answers,
    /// Says that it failed (RFC 1035: SERVFAIL).
    Fails,
    /// Says nothing.
    Silent,
    /// Sends bytes that are no answer.
    Babbles,
}

/// Answers for one name: a host on loopback for each of the ports. Without any
/// the name is unknown.
#[derive(Debug)]
pub struct NameServer {
    address: SocketAddr,
    ports: Arc<Mutex<Vec<u16>>>,
    mood: Arc<Mutex<Mood>>,
    asked: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl NameServer {
    /// On a free port of loopback, answering.
    ///
    /// # Errors
    ///
    /// The socket's.
    pub async fn start(ports: Vec<u16>) -> anyhow::Result<Self> {
        let socket = UdpSocket::bind(("127.0.0.1", 0)).await?;
        let address = socket.local_addr()?;
        let ports = Arc::new(Mutex::new(ports));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let mood = Arc::new(Mutex::new(Mood::Answers));
        let told = (ports.clone(), mood.clone(), asked.clone());
        let task = tokio::spawn(serve(socket, told));
        Ok(Self {
            address,
            ports,
            mood,
            asked,
            task,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it does from now on.
    pub fn turn(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    /// The ports from now on.
    pub fn set(&self, ports: Vec<u16>) {
        *self.ports.lock().unwrap() = ports;
    }

    /// Names that were asked for so far.
    #[must_use]
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

type Told = (
    Arc<Mutex<Vec<u16>>>,
    Arc<Mutex<Mood>>,
    Arc<Mutex<Vec<String>>>,
);

async fn serve(socket: UdpSocket, (ports, mood, asked): Told) {
    let mut buffer = [0; 512];
    while let Ok((length, client)) = socket.recv_from(&mut buffer).await {
        let (name, mut answer) = answer(&buffer[..length], &ports.lock().unwrap().clone());
        asked.lock().unwrap().push(name);
        let mood = *mood.lock().unwrap();
        match mood {
            Mood::Answers => {}
            Mood::Silent => continue,
            Mood::Babbles => answer = vec![0xff; 40],
            Mood::Fails => {
                // Without records, and with code 2.
                answer.truncate(length);
                answer[3] = 0x82;
                answer[6..12].fill(0);
            }
        }
        socket.send_to(&answer, client).await.expect("a socket");
    }
}

/// The name that is asked for, and what to say (RFC 1035 section 4.1).
fn answer(query: &[u8], ports: &[u16]) -> (String, Vec<u8>) {
    let (mut labels, mut at) = (Vec::new(), 12);
    while query[at] != 0 {
        let end = at + 1 + usize::from(query[at]);
        labels.push(String::from_utf8_lossy(&query[at + 1..end]).into_owned());
        at = end;
    }
    let kind = &query[at + 1..at + 3];
    let records = if kind == SRV { ports } else { &[] };
    // The question again, without what may follow it.
    let mut answer = query[..at + 5].to_vec();
    let known: u8 = if records.is_empty() { 0x83 } else { 0x80 };
    let count = u8::try_from(records.len()).expect("few records");
    answer[2..12].copy_from_slice(&[0x81, known, 0, 1, 0, count, 0, 0, 0, 0]);
    for port in records {
        let target = b"\x03127\x010\x010\x011\x00";
        // Name (the question's), kind, class, time to live, length.
        answer.extend([0xc0, 12, 0, 33, 0, 1, 0, 0, 14, 16]);
        answer.extend([0, 6 + u8::try_from(target.len()).expect("a short name")]);
        // Priority, weight, port, target.
        answer.extend([0, 1, 0, 1]);
        answer.extend(port.to_be_bytes());
        answer.extend(target);
    }
    (labels.join("."), answer)
}
