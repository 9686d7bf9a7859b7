//! Components by the thousand that nobody wrote: made up by wasm-smith, changed
//! by wasm-mutate, damaged in bytes and in sections. The loader takes or refuses
//! each of them, in time.
//!
//! `CUTTLE_MUTATED` is their number (`make mutate`: 10,000). They depend on
//! their number alone, so that case 4711 is the same one everywhere.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use cuttle_tests::{HANDMADE, handmade};

use crate::support::{bytes, engine};

/// What an ordinary run offers.
const USUAL: usize = 1_000;
/// How long a load may take in a release build on an idle machine.
const SLOW: Duration = Duration::from_secs(1);
/// How long it may take here: dependencies are hardly optimised, and other
/// tests run at the same time.
const LIMIT: Duration = Duration::from_secs(10);
/// Beyond this the loader hangs.
const HANG: Duration = Duration::from_secs(120);
/// As many as there are ways to make a case.
const KINDS: usize = 4;

/// What became of a case.
struct Report {
    case: usize,
    took: Duration,
    /// Whether it was loaded, or what was thrown.
    fate: Result<bool, String>,
}

#[test]
fn the_loader_takes_or_refuses_whatever_it_is_offered() {
    let number = std::env::var("CUTTLE_MUTATED").map_or(USUAL, |text| text.parse().unwrap());
    let bases = Arc::new(bases());
    let next = Arc::new(AtomicUsize::new(0));
    let (reports, incoming) = mpsc::channel();
    for _ in 0..2 {
        let (bases, next, reports) = (Arc::clone(&bases), Arc::clone(&next), reports.clone());
        thread::spawn(move || {
            loop {
                let case = next.fetch_add(1, Ordering::Relaxed);
                if case >= number || reports.send(offer(case, &bases)).is_err() {
                    return;
                }
            }
        });
    }
    drop(reports);
    assess(number, &incoming);
}

fn assess(number: usize, incoming: &mpsc::Receiver<Report>) {
    let (mut loaded, mut slow, mut slowest) = ([0; KINDS], 0, Duration::ZERO);
    for done in 0..number {
        let report = incoming.recv_timeout(HANG);
        let report = report.unwrap_or_else(|error| panic!("{error} after {done} cases"));
        let Report { case, took, fate } = report;
        match fate {
            Ok(taken) => loaded[case % KINDS] += usize::from(taken),
            Err(message) => panic!("case {case} panicked: {message}"),
        }
        assert!(took < LIMIT, "case {case} took {took:?}");
        slow += usize::from(took > SLOW);
        slowest = slowest.max(took);
    }
    let taken: usize = loaded.iter().sum();
    let text = format!(
        "{number} offered, {taken} loaded {loaded:?}, {slow} took more than {SLOW:?}, the longest {slowest:?}"
    );
    tell(&text);
    // Else they are all damaged in the same way, and prove nothing.
    assert!(loaded[1] > 0 && loaded[2] > 0, "{text}");
    assert!(number - taken > number / 10, "{text}");
}

#[allow(clippy::print_stderr, reason = "figures for whoever runs it for them")]
fn tell(text: &str) {
    eprintln!("{text}");
}

/// Small ones that misbehave, and a few that a compiler made.
fn bases() -> Vec<Vec<u8>> {
    let made = HANDMADE.iter().map(|name| handmade(name));
    let compiled = ["bad-status", "spins", "http-proxy"].map(bytes);
    made.chain(compiled).collect()
}

fn offer(case: usize, bases: &[Vec<u8>]) -> Report {
    let mut chance = Chance(case as u64);
    let component = match case % KINDS {
        0 => made_up(&mut chance),
        1 => changed(&mut chance, bases),
        2 => damaged(&mut chance, bases),
        _ => rearranged(&mut chance, bases),
    };
    let begun = Instant::now();
    let fate = catch_unwind(AssertUnwindSafe(|| {
        engine().load("mutated", &component).is_ok()
    }));
    Report {
        case,
        took: begun.elapsed(),
        fate: fate.map_err(|thrown| text(&*thrown)),
    }
}

fn text(thrown: &(dyn std::any::Any + Send)) -> String {
    let text = thrown.downcast_ref::<String>().cloned();
    text.or_else(|| thrown.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap_or_default()
}

/// Numbers by chance, the same ones each time (splitmix64).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit.max(1) as u64).unwrap()
    }

    /// One of the small ones; each 25th time a large one.
    fn base<'b>(&mut self, bases: &'b [Vec<u8>]) -> &'b [u8] {
        let small = match self.below(25) {
            0 => bases.len(),
            _ => HANDMADE.len(),
        };
        &bases[self.below(small)]
    }
}

/// A valid component of any shape. It has nothing to do with the contract.
fn made_up(chance: &mut Chance) -> Vec<u8> {
    let seed: Vec<u8> = (0..512).flat_map(|_| chance.next().to_le_bytes()).collect();
    let mut seed = arbitrary::Unstructured::new(&seed);
    let component = wasm_smith::Component::new(wasm_smith::Config::default(), &mut seed);
    component.map_or_else(|_| b"\0asm\x0d\0\x01\0".to_vec(), |made| made.to_bytes())
}

/// A plugin whose code is another one: valid, but not what it was.
fn changed(chance: &mut Chance, bases: &[Vec<u8>]) -> Vec<u8> {
    let base = chance.base(bases);
    let seed = chance.next();
    let mut sections = sections(base);
    let modules = sections.iter_mut().filter(|(id, _)| *id == CORE_MODULE);
    for (_, content) in modules {
        // Whatever becomes of the tool is its own affair.
        let mutated = catch_unwind(AssertUnwindSafe(|| mutated(content, seed)));
        if let Ok(Some(module)) = mutated {
            *content = module;
        }
    }
    component(&sections)
}

fn mutated(module: &[u8], seed: u64) -> Option<Vec<u8>> {
    let mut tool = wasm_mutate::WasmMutate::default();
    tool.seed(seed).fuel(1_000).preserve_semantics(false);
    tool.run(module).ok()?.next()?.ok()
}

/// Up to eight places have other bytes, more, or fewer.
fn damaged(chance: &mut Chance, bases: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = chance.base(bases).to_vec();
    for _ in 0..=chance.below(8) {
        let place = 8 + chance.below(bytes.len().saturating_sub(8));
        let length = chance.below(16).min(bytes.len().saturating_sub(place));
        match chance.below(5) {
            0 => bytes[place..place + length].fill(0xff),
            1 => drop(bytes.drain(place..place + length)),
            2 => drop(bytes.splice(place..place, chance.next().to_le_bytes())),
            3 => bytes.extend_from_within(place..place + length),
            _ => bytes.iter_mut().skip(place).take(1).for_each(|byte| {
                *byte ^= 1 << (place % 8);
            }),
        }
    }
    bytes
}

/// Sections are missing, doubled, exchanged or cut off.
fn rearranged(chance: &mut Chance, bases: &[Vec<u8>]) -> Vec<u8> {
    let mut sections = sections(chance.base(bases));
    for _ in 0..=chance.below(2) {
        let (one, other) = (chance.below(sections.len()), chance.below(sections.len()));
        match chance.below(5) {
            0 => drop(sections.remove(one)),
            1 => sections.insert(other, sections[one].clone()),
            2 => sections.swap(one, other),
            3 => sections[one].0 = sections[other].0,
            _ => {
                let length = sections[one].1.len();
                sections[one].1.truncate(chance.below(length));
            }
        }
    }
    component(&sections)
}

/// Number of the section that holds a core module.
const CORE_MODULE: u8 = 1;

/// The sections of a component: number and content.
fn sections(component: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut rest = &component[8..];
    let mut found = Vec::new();
    while let Some((id, after)) = rest.split_first() {
        let (length, content) = leb(after);
        found.push((*id, content[..length].to_vec()));
        rest = &content[length..];
    }
    found
}

fn component(sections: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = b"\0asm\x0d\0\x01\0".to_vec();
    for (id, content) in sections {
        bytes.push(*id);
        let mut left = content.len();
        while left >= 0x80 {
            bytes.push(left as u8 | 0x80);
            left >>= 7;
        }
        bytes.push(left as u8);
        bytes.extend_from_slice(content);
    }
    bytes
}

/// A length in LEB128, and what follows it.
fn leb(bytes: &[u8]) -> (usize, &[u8]) {
    let end = bytes.iter().position(|byte| byte & 0x80 == 0).unwrap();
    let digits = bytes[..=end].iter().rev();
    let length = digits.fold(0, |sum, byte| sum << 7 | usize::from(byte & 0x7f));
    (length, &bytes[end + 1..])
}

#[test]
fn taking_a_component_apart_and_putting_it_together_changes_nothing() {
    for name in HANDMADE {
        let whole = handmade(name);
        let again = component(&sections(&whole));
        assert_eq!(sections(&again), sections(&whole), "{name}");
    }
}
