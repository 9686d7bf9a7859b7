//! The files of a flexible configuration, and what the variables `FC_…` say
//! about them.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    rc::Rc,
};

use jiff::{Timestamp, tz::TimeZone};

use super::{
    Rendering,
    eval::{self, Fault},
    functions::{Functions, World},
    json::number_value,
    node::Templates,
    out,
    parse::SyntaxError,
    rendering::place,
    value::{Element, Failure, Heap, Value},
};
use crate::{
    KeyPath, Loaded, Options, Problem, Report, Severity,
    read::{self, Node},
};

/// Characters of a construct that an error quotes.
const MAX_QUOTED: usize = 200;

/// What the environment says about templates.
pub(crate) struct Flexible {
    settings: Option<PathBuf>,
    partials: PathBuf,
    templates: Option<PathBuf>,
    out: Option<PathBuf>,
}

impl Flexible {
    /// Nothing, unless `FC_ENABLE` is set. Empty variables count as not set,
    /// and `0` enables like any other text, both as in KrakenD.
    pub(crate) fn from_environment(options: &Options) -> Option<Self> {
        let variable = |wanted: &str| {
            let mut variables = options.environment.iter();
            let found = variables.find(|(name, value)| name == wanted && !value.is_empty());
            found.map(|(_, value)| PathBuf::from(value))
        };
        variable("FC_ENABLE")?;
        Some(Self {
            settings: variable("FC_SETTINGS"),
            partials: variable("FC_PARTIALS").unwrap_or_default(),
            templates: variable("FC_TEMPLATES"),
            out: variable("FC_OUT"),
        })
    }
}

/// Renders `file` and reads the result as a configuration.
///
/// # Errors
///
/// All problems with the settings, or the first with a template, or all with
/// the result.
pub(crate) fn load(file: &Path, flexible: &Flexible, options: &Options) -> Result<Loaded, Report> {
    let mut warnings = Vec::new();
    let rendering = render(file, flexible, options, &mut warnings)?;
    if let Some(out) = &flexible.out {
        out::keep(out, &rendering).map_err(|(message, help)| problem(out, message, help))?;
    }
    match crate::parse(&rendering.text, &rendering.name, options) {
        Ok(mut loaded) => {
            warnings.extend(rendering.traced_all(loaded.warnings));
            loaded.warnings = warnings;
            loaded.sources.set_rendering(rendering);
            Ok(loaded)
        }
        Err(report) => {
            let mut problems = rendering.traced_all(report.problems);
            problems.extend(warnings);
            let mut sources = report.sources;
            if let Some(sources) = &mut sources {
                sources.set_rendering(rendering);
            }
            Err(Report { problems, sources })
        }
    }
}

fn render(
    file: &Path,
    flexible: &Flexible,
    options: &Options,
    warnings: &mut Vec<Problem>,
) -> Result<Rendering, Report> {
    let heap = Heap::new();
    let data = settings(flexible.settings.as_deref(), &heap, warnings)?;
    let functions = Functions::new();
    let mut texts = Texts {
        templates: Templates::new(),
        files: Vec::new(),
        functions: &functions,
    };
    let name = texts.add(file)?;
    if let Some(folder) = &flexible.templates {
        for template in entries(folder, "FC_TEMPLATES")? {
            if has_extension(&template, "tmpl") {
                texts.add(&template)?;
            }
        }
    }
    let world = world(flexible, options);
    let templates = &texts.templates;
    let rendered = eval::execute(templates, &name, data, &functions, &world, &heap);
    warnings.extend(world.missing_partials.take().into_iter().map(|partial| {
        let message = "is not there: `include` puts nothing in its place".to_owned();
        Problem {
            severity: Severity::Warning,
            ..problem(
                Path::new(&partial),
                message,
                "FC_PARTIALS names the folder of the partials",
            )
        }
    }));
    let rendered = match rendered {
        Ok(rendered) => rendered,
        Err(fault) => {
            let mut problems = vec![texts.fault(&fault)];
            problems.append(warnings);
            return Err(Report {
                problems,
                sources: None,
            });
        }
    };
    let sources = texts.templates.sources.into_iter();
    Ok(Rendering {
        text: rendered.text,
        origins: rendered.origins,
        templates: texts
            .files
            .into_iter()
            .zip(sources.map(|source| source.text))
            .collect(),
        name: flexible.out.clone().unwrap_or_else(|| file.to_owned()),
        kept: flexible.out.clone(),
    })
}

/// The templates, and the files they are from.
struct Texts<'a> {
    templates: Templates,
    /// In the order of [`Templates::sources`].
    files: Vec<PathBuf>,
    functions: &'a Functions,
}

impl Texts<'_> {
    /// Reads a template. It has the name of its file.
    fn add(&mut self, file: &Path) -> Result<String, Report> {
        let name = file_name(file);
        let text = read::text(file)?;
        let known = |name: &str| self.functions.find(name).is_some();
        match self.templates.add(&name, text, &known) {
            Ok(()) => {
                self.files.push(file.to_owned());
                Ok(name)
            }
            Err(error) => Err(self.syntax(file, &name, error).into()),
        }
    }

    fn syntax(&self, file: &Path, name: &str, error: SyntaxError) -> Problem {
        let message = format!("template: {name}:{}: {}", error.line, error.message);
        let help = match &error.unknown_function {
            Some(function) => self.functions.advice(function),
            None => "docs/templates.md tells what templates look like".to_owned(),
        };
        Problem {
            line: Some(error.line),
            ..problem(file, message, &help)
        }
    }

    /// A template that stopped, in the words of Go.
    fn fault(&self, fault: &Fault) -> Problem {
        let source = self.templates.sources.get(fault.source);
        let (name, text) = source.map_or(("", ""), |source| (&*source.name, &*source.text));
        let (line, column) = place(text, fault.offset);
        let before = text.get(..fault.offset).unwrap_or("");
        let bytes = before.len() - before.rfind('\n').map_or(0, |newline| newline + 1);
        let mut construct: String = fault.construct.chars().take(MAX_QUOTED).collect();
        if construct.len() < fault.construct.len() {
            construct.push_str("...");
        }
        let message = format!(
            "template: {name}:{line}:{bytes}: executing {:?} at <{construct}>: {}",
            &*fault.template, fault.message
        );
        let file = self.files.get(fault.source);
        Problem {
            line: Some(line),
            column: Some(column),
            rendered: None,
            ..problem(
                file.map_or(Path::new(name), |file| file),
                message,
                advice(fault),
            )
        }
    }
}

/// A way out of what goes wrong most often.
fn advice(fault: &Fault) -> &'static str {
    let message = fault.message.as_str();
    if message.starts_with("nil pointer evaluating") {
        "the value before the last dot is null: check the settings, or guard it with `with`"
    } else if message.starts_with("invalid value; expected") {
        "a setting or variable it is given is missing: check its name, or give it a `default`"
    } else if message.contains("expected int; got int64") {
        "sprig's arithmetic returns int64: put `int` around it"
    } else if message.contains("got float64") || message.contains("types for comparison") {
        "numbers of settings are float64: put `int`, `float64` or `toString` around them"
    } else if message.starts_with("template ") && message.ends_with("not defined") {
        "templates are `*.tmpl` files of FC_TEMPLATES, by their file names, and `define`s"
    } else {
        "docs/templates.md tells what templates can do"
    }
}

fn world(flexible: &Flexible, options: &Options) -> World {
    let environment = options.environment.iter().cloned().collect();
    World {
        environment,
        partials: flexible.partials.clone(),
        now: Timestamp::now(),
        zone: zone(options),
        missing_partials: RefCell::default(),
    }
}

/// `TZ`, or the system's zone; UTC if there is none of that name.
fn zone(options: &Options) -> TimeZone {
    let mut variables = options.environment.iter();
    let zone = match variables.find(|(name, _)| name == "TZ") {
        Some((_, name)) => TimeZone::get(name.trim_start_matches(':')),
        None => TimeZone::try_system(),
    };
    zone.unwrap_or(TimeZone::UTC)
}

/// The `*.json` files of a folder, each under its name.
fn settings(
    folder: Option<&Path>,
    heap: &Heap,
    warnings: &mut Vec<Problem>,
) -> Result<Value, Report> {
    let mut data = BTreeMap::new();
    let mut problems = Vec::new();
    let files = match folder {
        Some(folder) => entries(folder, "FC_SETTINGS")?,
        None => Vec::new(),
    };
    for file in files {
        if !has_extension(&file, "json") {
            warnings.extend(unread(&file));
            continue;
        }
        let name = file_name(&file);
        let name = name.strip_suffix(".json").unwrap_or(&name);
        match setting(&file, heap) {
            Ok(value) => drop(data.insert(Rc::from(name), value)),
            Err(report) => problems.extend(report.problems),
        }
    }
    if problems.is_empty() {
        return Ok(heap.map(Element::Any, data));
    }
    Err(Report {
        problems,
        sources: None,
    })
}

/// Data that somebody may think is read.
fn unread(file: &Path) -> Option<Problem> {
    let formats = ["yaml", "yml", "toml", "env", "ini"];
    let format = formats.iter().any(|format| has_extension(file, format));
    let message = "is not read: settings are `*.json` files".to_owned();
    format.then(|| Problem {
        severity: Severity::Warning,
        ..problem(file, message, "write it as JSON")
    })
}

fn setting(file: &Path, heap: &Heap) -> Result<Value, Report> {
    let text = read::text(file)?;
    let root = read::json_tree(&text, file)?;
    match &root.value {
        read::Value::Object(_) => {}
        read::Value::Null => return Ok(heap.map(Element::Any, BTreeMap::new())),
        other => {
            let message = format!("the file holds {}, not an object", other.kind());
            return Err(problem(file, message, "name the value: {\"name\": …}").into());
        }
    }
    value(&root, heap)
        .map_err(|failure| problem(file, failure.0, "write large numbers as strings").into())
}

/// A setting as Go's JSON reader has it.
fn value(node: &Node, heap: &Heap) -> Result<Value, Failure> {
    Ok(match &node.value {
        read::Value::Null => Value::Nil,
        read::Value::Bool(value) => Value::Bool(*value),
        read::Value::Number(digits) => Value::Float(number_value(digits)?),
        read::Value::Text(text) => heap.text(text)?,
        read::Value::List(items) => {
            let items = items.iter().map(|item| value(item, heap));
            heap.list(Element::Any, items.collect::<Result<_, _>>()?)?
        }
        read::Value::Object(object) => {
            let entries = object.entries().iter();
            let entries =
                entries.map(|entry| Ok((Rc::from(&*entry.key), value(&entry.node, heap)?)));
            heap.map(
                Element::Any,
                entries.collect::<Result<BTreeMap<_, _>, Failure>>()?,
            )
        }
    })
}

/// What a folder holds, sorted by name.
fn entries(folder: &Path, variable: &str) -> Result<Vec<PathBuf>, Report> {
    let read = || -> io::Result<Vec<PathBuf>> {
        fs::read_dir(folder)?
            .map(|entry| Ok(entry?.path()))
            .collect()
    };
    let mut files = read().map_err(|error| {
        let message = format!("the folder of {variable} cannot be read: {error}");
        problem(
            folder,
            message,
            "check the path; it is relative to the working directory",
        )
    })?;
    files.sort();
    Ok(files)
}

fn has_extension(file: &Path, extension: &str) -> bool {
    file.extension().is_some_and(|found| found == extension)
}

fn file_name(file: &Path) -> String {
    let name = file.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

fn problem(file: &Path, message: String, help: &str) -> Problem {
    Problem {
        severity: Severity::Error,
        file: Some(file.to_owned()),
        path: KeyPath::root(),
        line: None,
        column: None,
        rendered: None,
        message,
        help: Some(help.to_owned()),
    }
}
