//! Whatever a client sends, the backend gets requests that can be read in one
//! way only, and none that a second, strict parser does not find in the bytes.
//!
//! The first byte of the input says where the client's bytes are cut in two.
#![no_main]

use cuttle_fuzz::{
    rig::Rig,
    strict::{self, Message, Sender},
};
use libfuzzer_sys::fuzz_target;

thread_local! {
    static RIG: Rig = Rig::start();
}

/// Fields of a client that the gateway answers for itself.
const OURS: [&str; 3] = ["x-call", "x-forwarded-", "x-cuttle"];

fuzz_target!(|data: &[u8]| {
    let Some((cut, bytes)) = data.split_first() else {
        return;
    };
    let cut = usize::from(*cut) % (bytes.len() + 1);
    let (first, second) = bytes.split_at(cut);
    let (arrived, host) = RIG.with(|rig| (rig.exchange(first, second), rig.backend()));
    let sent = strict::messages(bytes, Sender::Client);
    let mut rest = sent.iter();
    for message in &arrived {
        clean(message, &host);
        assert!(
            rest.any(|sent| same(sent, message)),
            "{} {} was not sent: {:?}",
            message.method.escape_ascii(),
            message.target.escape_ascii(),
            bytes.escape_ascii().to_string(),
        );
    }
});

/// What holds for every request to the backend.
fn clean(message: &Message, host: &str) {
    let values = |wanted: &str| {
        let fields = message.fields.iter();
        let named = fields.filter(|(name, _)| name == wanted);
        named.map(|(_, value)| value.as_slice()).collect::<Vec<_>>()
    };
    assert_eq!(values("host"), [host.as_bytes()]);
    for name in [
        "connection",
        "proxy-connection",
        "te",
        "upgrade",
        "keep-alive",
        "expect",
    ] {
        assert!(values(name).is_empty(), "{name}");
    }
    assert!(message.target.starts_with(b"/base/"));
    let path = message.target.split(|byte| *byte == b'?').next();
    let mut segments = path.unwrap_or_default().split(|byte| *byte == b'/');
    assert!(!segments.any(|segment| matches!(segment, b"." | b"..")));
}

/// Whether `arrived` is `sent`, as far as it came.
fn same(sent: &Message, arrived: &Message) -> bool {
    let body = match arrived.whole {
        true => sent.whole && sent.body == arrived.body,
        false => sent.body.starts_with(&arrived.body),
    };
    let mut fields = arrived.fields.iter().filter(|(name, _)| theirs(name));
    body && sent.method == arrived.method && fields.all(|field| sent.fields.contains(field))
}

fn theirs(name: &str) -> bool {
    name.starts_with("x-") && !OURS.iter().any(|ours| name.starts_with(ours))
}
