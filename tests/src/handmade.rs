//! Components that no compiler makes: each misbehaves below what a language
//! offers, at the border between a component and its host.

use std::fmt::Write as _;

/// The names of all of them.
pub const HANDMADE: [&str; 24] = [
    "answers-with-the-request",
    "bad-discriminant",
    "bad-utf8",
    "calls-clock-forever",
    "deep-code",
    "drops-twice",
    "endless-text",
    "forged-handle",
    "grows-between-calls",
    "huge-memory",
    "large-memory",
    "many-exports",
    "many-handles",
    "many-instances",
    "many-memories",
    "many-tables",
    "places-outside",
    "random-flood",
    "returns-outside",
    "start-spins",
    "start-traps",
    "table-bomb",
    "unaligned",
    "uses-what-it-gave-away",
];

/// Fields of one core module, and what stands around it.
struct Parts {
    /// Of the core module, beside `handle`.
    fields: String,
    /// Instructions of `handle`, which has the handle of the request in local 0
    /// and returns the place of its result.
    handle: String,
    memory: &'static str,
    /// Where the gateway is to put texts.
    place: &'static str,
    /// Fields of the component.
    around: String,
}

/// The component `name`.
///
/// # Panics
///
/// If there is none of this name.
#[must_use]
pub fn handmade(name: &str) -> Vec<u8> {
    wat::parse_str(text(&parts(name))).expect("a component")
}

/// A component that imports this interface of the contract, too, and nothing of
/// it.
///
/// # Panics
///
/// If it is no name.
#[must_use]
pub fn importing(interface: &str) -> Vec<u8> {
    let around = format!("(import \"cuttle:plugin/{interface}@0.1.1\" (instance))");
    let parts = Parts { around, ..plain() };
    wat::parse_str(text(&parts)).expect("a component")
}

fn plain() -> Parts {
    Parts {
        fields: String::new(),
        handle: "(i32.const 0)".into(),
        memory: "1",
        place: "(i32.const 1024)",
        around: String::new(),
    }
}

fn parts(name: &str) -> Parts {
    let mut parts = plain();
    match name {
        // Index 1 of the table of handles is the request's.
        "answers-with-the-request" => parts.handle = ok("(local.get 0)"),
        "bad-discriminant" => {
            parts.handle = "(i32.store8 (i32.const 64) (i32.const 7)) (i32.const 64)".into()
        }
        "bad-utf8" => parts.handle = error("(i32.store8 (i32.const 512) (i32.const 255))", 512, 1),
        "calls-clock-forever" => parts.handle = forever("(drop (call $now))"),
        "deep-code" => parts.handle = deep(),
        "drops-twice" => {
            parts.handle =
                "(call $drop (local.get 0)) (call $drop (local.get 0)) (i32.const 0)".into()
        }
        "endless-text" => parts.handle = error("", 0, -1),
        "forged-handle" => parts.handle = ok("(i32.const 4242)"),
        // Beyond every limit, so that it is refused.
        "grows-between-calls" => {
            parts.handle = forever("(drop (call $now)) (drop (memory.grow (i32.const 2000)))")
        }
        "huge-memory" => parts.memory = "5000",
        "large-memory" => parts.memory = "2000",
        "many-handles" => {
            let next = "(local.tee 0 (i32.add (local.get 0) (i32.const 1)))";
            let more = format!("(br_if 0 (i32.lt_u {next} (i32.const 1000)))");
            parts.handle = format!("(loop (drop (call $new (i32.const 0))) {more}) (i32.const 0)");
        }
        "many-exports" => {
            parts.fields = (0..5_000).fold(String::new(), |mut text, number| {
                let _ = writeln!(text, "(func (export \"f{number}\"))");
                text
            })
        }
        "many-instances" => {
            parts.around =
                "(core module $e) ".to_owned() + &"(core instance (instantiate $e))".repeat(64)
        }
        "many-memories" => parts.fields = "(memory 1)".repeat(8),
        "many-tables" => parts.fields = "(table 1 funcref)".repeat(64),
        "places-outside" => parts.place = "(i32.const -16)",
        "random-flood" => {
            parts.handle =
                "(call $random (i64.const 1000000000) (i32.const 64)) (i32.const 0)".into()
        }
        "returns-outside" => parts.handle = "(i32.const 0x7ffffff0)".into(),
        "start-spins" => parts.fields = "(func $s (loop (br 0))) (start $s)".into(),
        "start-traps" => parts.fields = "(func $s unreachable) (start $s)".into(),
        "table-bomb" => {
            parts.fields = "(table $t 1 funcref)".into();
            let grow = "(br_if 1 (i32.eq (i32.const -1) (table.grow $t (ref.null func) (i32.const 1000))))";
            parts.handle = format!("(block (loop {grow} (br 0))) (unreachable)");
        }
        "unaligned" => parts.handle = "(i32.const 65)".into(),
        "uses-what-it-gave-away" => {
            parts.handle = format!(
                "(call $drop (local.get 0)) (call $method (local.get 0) (i32.const 64)) {}",
                ok("(i32.const 1)")
            )
        }
        other => panic!("no component {other}"),
    }
    parts
}

/// Returns this handle as the response.
fn ok(handle: &str) -> String {
    format!(
        "(i32.store8 (i32.const 64) (i32.const 0)) (i32.store (i32.const 68) {handle}) (i32.const 64)"
    )
}

/// Returns the error `other` with the text at this place.
fn error(before: &str, place: i32, length: i32) -> String {
    format!(
        "{before} (i32.store8 (i32.const 64) (i32.const 1)) (i32.store8 (i32.const 68) (i32.const 11))
         (i32.store (i32.const 72) (i32.const {place})) (i32.store (i32.const 76) (i32.const {length}))
         (i32.const 64)"
    )
}

fn forever(body: &str) -> String {
    format!("(loop {body} (br 0)) (unreachable)")
}

/// A function whose blocks are as deep as no compiler's.
fn deep() -> String {
    const DEPTH: usize = 2_000;
    format!(
        "{}{} (i32.const 0)",
        "(block ".repeat(DEPTH),
        ")".repeat(DEPTH)
    )
}

/// All zero is `ok` for `configure`. As the result of `handle` it is the
/// response with handle 0, which nobody has.
fn text(parts: &Parts) -> String {
    let Parts {
        fields,
        handle,
        memory,
        place,
        around,
    } = parts;
    format!(
        r#"(component
  (import "cuttle:plugin/types@0.1.1" (instance $types
    (export "request" (type $r (sub resource)))
    (export "response" (type (sub resource)))
    (type $e (variant
      (case "invalid-argument" string) (case "denied" string) (case "dns" string)
      (case "connect" string) (case "connect-timeout") (case "proxy-status" u16)
      (case "tls" string) (case "timeout") (case "protocol" string)
      (case "body" string) (case "cancelled") (case "other" string)))
    (export "error" (type (eq $e)))
    (export "[method]request.method" (func (param "self" (borrow $r)) (result string)))))
  (import "wasi:clocks/monotonic-clock@0.2.6" (instance $clock
    (type $i u64) (export "instant" (type $instant (eq $i)))
    (export "now" (func (result $instant)))))
  (import "wasi:random/random@0.2.6" (instance $random
    (export "get-random-bytes" (func (param "len" u64) (result (list u8))))))
  (alias export $types "request" (type $request))
  (alias export $types "response" (type $response))
  (alias export $types "error" (type $error))
  (type $own (resource (rep i32)))
  (core func $new (canon resource.new $own))
  {around}
  (core module $space
    (memory (export "memory") {memory})
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) {place}))
  (core instance $space (instantiate $space))
  (core func $drop (canon resource.drop $request))
  (core func $method (canon lower (func $types "[method]request.method")
    (memory $space "memory") (realloc (func $space "realloc"))))
  (core func $now (canon lower (func $clock "now")))
  (core func $random (canon lower (func $random "get-random-bytes")
    (memory $space "memory") (realloc (func $space "realloc"))))
  (core module $m
    (import "host" "drop" (func $drop (param i32)))
    (import "host" "method" (func $method (param i32 i32)))
    (import "host" "now" (func $now (result i64)))
    (import "host" "random" (func $random (param i64 i32)))
    (import "host" "new" (func $new (param i32) (result i32)))
    (import "space" "memory" (memory {memory}))
    {fields}
    (func (export "configure") (param i32 i32) (result i32) (i32.const 0))
    (func (export "handle") (param i32) (result i32) {handle}))
  (core instance $m (instantiate $m
    (with "space" (instance $space))
    (with "host" (instance
      (export "drop" (func $drop)) (export "method" (func $method))
      (export "now" (func $now)) (export "random" (func $random))
      (export "new" (func $new))))))
  (func $configure (param "settings" string) (result (result (error string)))
    (canon lift (core func $m "configure")
      (memory $space "memory") (realloc (func $space "realloc"))))
  (func $handle (param "request" (own $request)) (result (result (own $response) (error $error)))
    (canon lift (core func $m "handle")
      (memory $space "memory") (realloc (func $space "realloc"))))
  (instance $plugin (export "configure" (func $configure)) (export "handle" (func $handle)))
  (export "cuttle:plugin/http-client@0.1.1" (instance $plugin)))"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_them_are_text_that_can_be_read() {
        for name in HANDMADE {
            assert!(handmade(name).starts_with(b"\0asm"), "{name}");
        }
    }
}
