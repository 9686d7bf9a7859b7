//! The values templates work with: those of Go that settings, constants and
//! functions can make.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
};

/// Why a function has no result. Holds no values of settings: they may be
/// secrets.
#[derive(Debug)]
pub(super) struct Failure(pub(super) String);

/// Shorthand for a function that fails.
pub(super) fn fail<T>(message: impl Into<String>) -> Result<T, Failure> {
    Err(Failure(message.into()))
}

/// A value and its type in Go.
#[derive(Clone)]
pub(super) enum Value {
    /// No value at all, such as a key that a map does not have.
    Missing,
    /// An `interface {}` that holds nothing, such as `null`.
    Nil,
    Bool(bool),
    /// `int`
    Int(i64),
    /// `int64`, what sprig's arithmetic returns. Go does not take one where it
    /// wants an `int`.
    Int64(i64),
    /// `uint8`, a byte of a string.
    Byte(u8),
    Float(f64),
    Text(Rc<str>),
    List(List),
    Map(Map),
    Time(Rc<jiff::ZonedDateTime>),
}

/// What a list or a map holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Element {
    Any,
    Text,
    Int,
    /// Lists of anything.
    List,
}

/// A list; never changes. Made by [`Heap::list`].
#[derive(Clone)]
pub(super) struct List {
    pub(super) element: Element,
    items: Rc<[Value]>,
    /// How deep lists are nested in it, without maps.
    depth: u32,
}

/// A map with strings as keys. Copies are the same map, as in Go: `set` on one
/// shows in the other. Made by [`Heap::map`].
#[derive(Clone)]
pub(super) struct Map {
    pub(super) element: Element,
    entries: Rc<Entries>,
}

pub(super) type Entries = RefCell<BTreeMap<Rc<str>, Value>>;

/// Owner of all maps, and the meter of what a template uses.
///
/// Maps may hold each other in circles or a million deep. As they all end
/// together, here, neither leaks nor overflows the stack.
pub(super) struct Heap {
    maps: RefCell<Vec<Rc<Entries>>>,
    steps: Cell<u64>,
    bytes: Cell<u64>,
}

/// Evaluated commands, iterations and visited values. Real configurations need
/// thousands; this many take less than a second.
const MAX_STEPS: u64 = 2_000_000;
/// Bytes in all texts, lists and maps that functions make, freed or not.
const MAX_BYTES: u64 = 512 << 20;
/// About what the smallest part of a map takes: room for eleven entries.
const MAP_PART: usize = 640;
/// Bytes of one text; also of the rendered file.
pub(super) const MAX_TEXT: usize = 64 << 20;
/// How deep values may be nested to be printed, compared or copied.
pub(super) const MAX_DEPTH: u32 = 200;

impl Heap {
    pub(super) fn new() -> Self {
        Self {
            maps: RefCell::new(Vec::new()),
            steps: Cell::new(0),
            bytes: Cell::new(0),
        }
    }

    /// Accounts for work.
    pub(super) fn step(&self, count: u64) -> Result<(), Failure> {
        let steps = self.steps.get().saturating_add(count);
        self.steps.set(steps);
        if steps > MAX_STEPS {
            return fail(format!("the templates need more than {MAX_STEPS} steps"));
        }
        self.within_bytes()
    }

    /// Accounts for a text of `length` bytes that is about to be made.
    pub(super) fn room(&self, length: usize) -> Result<(), Failure> {
        if length > MAX_TEXT {
            return fail(format!("makes a text of more than {} MiB", MAX_TEXT >> 20));
        }
        self.take(length);
        self.within_bytes()
    }

    fn take(&self, bytes: usize) {
        let bytes = self.bytes.get().saturating_add(bytes as u64);
        self.bytes.set(bytes);
    }

    fn within_bytes(&self) -> Result<(), Failure> {
        if self.bytes.get() > MAX_BYTES {
            let limit = MAX_BYTES >> 20;
            return fail(format!("the templates need more than {limit} MiB"));
        }
        Ok(())
    }

    pub(super) fn text(&self, text: impl AsRef<str>) -> Result<Value, Failure> {
        let text = text.as_ref();
        self.room(text.len())?;
        Ok(Value::Text(text.into()))
    }

    pub(super) fn list(&self, element: Element, items: Vec<Value>) -> Result<Value, Failure> {
        self.room(items.len().saturating_mul(size_of::<Value>()))?;
        let depths = items.iter().map(|item| match item {
            Value::List(list) => list.depth + 1,
            _ => 0,
        });
        let depth = depths.max().unwrap_or(0);
        if depth > MAX_DEPTH {
            return fail(format!("lists are nested deeper than {MAX_DEPTH} levels"));
        }
        let items = items.into();
        Ok(Value::List(List {
            element,
            items,
            depth,
        }))
    }

    /// A `[]string`.
    pub(super) fn texts<T: AsRef<str>>(
        &self,
        texts: impl IntoIterator<Item = T>,
    ) -> Result<Value, Failure> {
        let texts = texts.into_iter().map(|text| self.text(text));
        self.list(Element::Text, texts.collect::<Result<_, _>>()?)
    }

    /// What it takes is refused with the next step.
    pub(super) fn map(&self, element: Element, entries: BTreeMap<Rc<str>, Value>) -> Value {
        self.take((entries.len() / 8 + 1).saturating_mul(MAP_PART));
        let entries = Rc::new(RefCell::new(entries));
        self.maps.borrow_mut().push(entries.clone());
        Value::Map(Map { element, entries })
    }
}

impl Drop for Heap {
    /// Empties all maps before the first goes, so that none ends inside another.
    fn drop(&mut self) {
        let maps = self.maps.take();
        let contents: Vec<_> = maps.iter().map(|map| map.take()).collect();
        drop(contents);
    }
}

impl List {
    pub(super) fn items(&self) -> &[Value] {
        &self.items
    }
}

impl Map {
    pub(super) fn get(&self, key: &str) -> Option<Value> {
        self.entries.borrow().get(key).cloned()
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.entries.borrow().contains_key(key)
    }

    pub(super) fn set(&self, key: &str, value: Value) {
        self.entries.borrow_mut().insert(key.into(), value);
    }

    pub(super) fn remove(&self, key: &str) {
        self.entries.borrow_mut().remove(key);
    }

    pub(super) fn len(&self) -> usize {
        self.entries.borrow().len()
    }

    /// Keys and values as they are now, sorted by key.
    pub(super) fn snapshot(&self) -> Vec<(Rc<str>, Value)> {
        let entries = self.entries.borrow();
        let entries = entries.iter();
        entries
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect()
    }

    pub(super) fn is(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.entries, &other.entries)
    }
}

impl Value {
    /// What it is called in Go.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Self::Missing | Self::Nil => "interface {}",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Int64(_) => "int64",
            Self::Byte(_) => "uint8",
            Self::Float(_) => "float64",
            Self::Text(_) => "string",
            Self::List(list) => match list.element {
                Element::Any => "[]interface {}",
                Element::Text => "[]string",
                Element::Int => "[]int",
                Element::List => "[][]interface {}",
            },
            Self::Map(map) if map.element == Element::Text => "map[string]string",
            Self::Map(_) => "map[string]interface {}",
            Self::Time(_) => "time.Time",
        }
    }

    /// Its kind in Go's `reflect`.
    pub(super) fn kind_name(&self) -> &'static str {
        match self {
            Self::Missing | Self::Nil => "invalid",
            Self::List(_) => "slice",
            Self::Map(_) => "map",
            Self::Time(_) => "struct",
            other => other.type_name(),
        }
    }

    /// Bytes of a text; 0 for anything else.
    pub(super) fn text_length(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            _ => 0,
        }
    }

    pub(super) fn is_nothing(&self) -> bool {
        matches!(self, Self::Missing | Self::Nil)
    }

    /// Whether `if` takes it for true. sprig's `empty` is the opposite.
    pub(super) fn is_true(&self) -> bool {
        match self {
            Self::Missing | Self::Nil => false,
            Self::Bool(value) => *value,
            Self::Int(value) | Self::Int64(value) => *value != 0,
            Self::Byte(value) => *value != 0,
            Self::Float(value) => *value != 0.0,
            Self::Text(text) => !text.is_empty(),
            Self::List(list) => !list.items.is_empty(),
            Self::Map(map) => map.len() > 0,
            Self::Time(_) => true,
        }
    }

    /// `reflect.DeepEqual`: the same in type and value.
    pub(super) fn equals(&self, other: &Self, heap: &Heap, depth: u32) -> Result<bool, Failure> {
        heap.step(1)?;
        if depth > MAX_DEPTH {
            return fail("values are nested too deep to compare");
        }
        Ok(match (self, other) {
            (Self::Missing | Self::Nil, Self::Missing | Self::Nil) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Int(a), Self::Int(b)) | (Self::Int64(a), Self::Int64(b)) => a == b,
            (Self::Byte(a), Self::Byte(b)) => a == b,
            #[expect(clippy::float_cmp, reason = "as Go compares")]
            (Self::Float(a), Self::Float(b)) => a == b,
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::Time(a), Self::Time(b)) => a == b,
            (Self::List(a), Self::List(b)) => {
                if a.element != b.element || a.items.len() != b.items.len() {
                    return Ok(false);
                }
                for (a, b) in a.items.iter().zip(b.items.iter()) {
                    if !a.equals(b, heap, depth + 1)? {
                        return Ok(false);
                    }
                }
                true
            }
            (Self::Map(a), Self::Map(b)) if a.is(b) => true,
            (Self::Map(a), Self::Map(b)) => {
                if a.element != b.element || a.len() != b.len() {
                    return Ok(false);
                }
                for ((a_key, a), (b_key, b)) in a.snapshot().iter().zip(&b.snapshot()) {
                    if a_key != b_key || !a.equals(b, heap, depth + 1)? {
                        return Ok(false);
                    }
                }
                true
            }
            _ => false,
        })
    }
}
