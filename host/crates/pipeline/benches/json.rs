//! What the data of an answer costs: decoding, `allow`, merging with a second
//! backend's, encoding; as a ratio to a round trip through `serde_json::Value`.
//!
//! Both take turns in one process and the smallest of many times counts: what
//! else the machine does shows in both or in neither. That is also why this is
//! no `criterion` benchmark, which measures one after the other.
//!
//! The modules are compiled in by path. They are not public, and a feature that
//! makes them so would be there for this file alone.

#![allow(
    dead_code,
    unused_imports,
    reason = "modules written for more than what is measured here"
)]
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program for the command line, on data it made itself"
)]

#[path = "../src/data/mod.rs"]
mod data;
#[path = "../src/manipulate/mod.rs"]
mod manipulate;

use std::{
    fmt::Write,
    hint::black_box,
    time::{Duration, Instant},
};

use bytes::Bytes;
use cuttle_config::Manipulation;
use data::{MAX_DEPTH, decode_json};
use manipulate::Manipulator;

const SIZES: [(&str, usize); 3] = [("1 KiB", 1 << 10), ("64 KiB", 64 << 10), ("1 MiB", 1 << 20)];

/// Time for one sample: long beside the clock's resolution, short beside a
/// scheduler's time slice.
const SAMPLE: Duration = Duration::from_millis(4);

fn main() {
    // `cargo test --benches` runs this without `--bench`: once is enough then.
    let measured = std::env::args().any(|argument| argument == "--bench");
    let samples = if measured { 100 } else { 1 };
    println!("size      document   serde_json   ratio");
    for (name, size) in SIZES {
        let body = Bytes::from(orders(size));
        let (own, other) = race(samples, || pipeline(&body), || round_trip(&body));
        let ratio = own.as_secs_f64() / other.as_secs_f64();
        println!("{name:<8} {own:>10.1?} {other:>12.1?} {ratio:>7.2}");
    }
}

fn pipeline(body: &Bytes) -> usize {
    let mut first = decode_json(body, MAX_DEPTH).unwrap();
    manipulator().with(|manipulator| manipulator.apply(&mut first));
    let mut merged = decode_json(&Bytes::from_static(PROFILE), MAX_DEPTH).unwrap();
    let from = merged.absorb(first);
    merged.overlay(merged.root(), from);
    let mut out = Vec::new();
    merged.write_json(merged.root(), &mut out);
    out.len()
}

fn round_trip(body: &Bytes) -> usize {
    let value: serde_json::Value = serde_json::from_slice(body).unwrap();
    serde_json::to_vec(&value).unwrap().len()
}

/// Drops one field of a few: nearly all of the data has to be written.
fn manipulator() -> &'static std::thread::LocalKey<Manipulator> {
    thread_local! {
        static MANIPULATOR: Manipulator = {
            let mut settings = Manipulation::default();
            settings.allow = ["orders", "page.number", "page.size", "total"]
                .map(|path| path.split('.').map(ToOwned::to_owned).collect())
                .to_vec();
            Manipulator::compile(&settings)
        };
    }
    &MANIPULATOR
}

/// The smallest times of one call of each.
fn race(samples: u32, own: impl Fn() -> usize, other: impl Fn() -> usize) -> (Duration, Duration) {
    let mut best = (Duration::MAX, Duration::MAX);
    for _ in 0..samples {
        best.0 = best.0.min(time(&own));
        best.1 = best.1.min(time(&other));
    }
    best
}

fn time(call: impl Fn() -> usize) -> Duration {
    let start = Instant::now();
    let mut calls = 0;
    while calls == 0 || start.elapsed() < SAMPLE {
        for _ in 0..4 {
            black_box(call());
        }
        calls += 4;
    }
    start.elapsed() / calls
}

/// What a second backend says.
const PROFILE: &[u8] =
    br#"{"user":{"id":4711,"name":"Ada","groups":["staff","beta"]},"now":1764000000}"#;

/// A page of a shop's orders, about `size` bytes: keys in the order somebody
/// thought of, decimals, nesting, a little that is escaped or not ASCII.
fn orders(size: usize) -> String {
    let mut chance = 0x2545_f491_4f6c_dd1d_u64;
    let mut draw = move |below: u64| {
        chance ^= chance << 13;
        chance ^= chance >> 7;
        chance ^= chance << 17;
        chance % below
    };
    let mut text = String::from(
        r#"{"page":{"number":1,"size":50,"next":"https://shop.example/orders?page=2&size=50"},"total":4123,"debug":null,"orders":["#,
    );
    let mut number = 0;
    while text.len() < size {
        if number > 0 {
            text.push(',');
        }
        number += 1;
        let words = [
            "Café crème",
            "plain text",
            "said \\\"hi\\\"",
            "a < b & c",
            "größer",
        ];
        let word = words.get(usize::try_from(draw(5)).unwrap()).unwrap();
        write!(
            text,
            r#"{{"id":{},"created_at":"2026-11-{:02}T{:02}:15:42.{:03}Z","status":"{}","customer":{{"name":"Customer Number {}","email":"customer{}@mail.example","vip":{}}},"amount":{}.{:02},"currency":"EUR","note":"{word}","items":[{{"sku":"SKU-{:06}","title":"A thing that somebody ordered","quantity":{},"price":{}.50}},{{"sku":"SKU-{:06}","title":"Another thing","quantity":1,"price":1e2}}],"tags":["new","web"],"coupon":null}}"#,
            1_000_000 + number,
            1 + draw(28),
            draw(24),
            draw(1000),
            if draw(2) == 0 { "open" } else { "shipped" },
            draw(10_000),
            draw(10_000),
            draw(2) == 0,
            draw(1000),
            draw(100),
            draw(1_000_000),
            draw(9),
            draw(300),
            draw(1_000_000),
        )
        .unwrap();
    }
    text.push_str("]}");
    text
}
