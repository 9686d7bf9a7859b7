//! Runs proxy auto-configuration (PAC) files: a JavaScript engine and the
//! functions that PAC files expect.
//!
//! The script has no way out but those of `wit/pac.wit`. Its time, memory and
//! lookups are limited by the gateway. Dates are in UTC: the component knows
//! no other time zone.

mod functions;

use std::cell::RefCell;

use boa_engine::{Context, JsError, JsObject, JsString, JsValue, Source};
use exports::cuttle::pac::script::Guest;

wit_bindgen::generate!({
    path: "wit",
    world: "pac",
});

/// The function a PAC file is about, or its form for IPv6 that some files have
/// in its place. An expression, because `const` makes no global property.
const ENTRY: &str = "typeof FindProxyForURL == 'function' ? FindProxyForURL
    : typeof FindProxyForURLEx == 'function' ? FindProxyForURLEx
    : undefined";

/// Callers that an error names.
const BACKTRACE: usize = 2;

/// The runner.
struct Pac;

export!(Pac);

/// A file that was run.
struct Script {
    context: Context,
    find_proxy: JsObject,
}

thread_local! {
    static SCRIPT: RefCell<Option<Script>> = const { RefCell::new(None) };
}

impl Guest for Pac {
    fn load(source: String) -> Result<(), String> {
        SCRIPT.set(Some(Script::load(&source)?));
        Ok(())
    }

    fn find_proxy(url: String, host: String) -> Result<String, String> {
        SCRIPT.with_borrow_mut(|script| match script {
            Some(script) => script.find_proxy(&url, &host),
            None => Err("`find-proxy` before `load`".to_owned()),
        })
    }
}

impl Script {
    fn load(source: &str) -> Result<Self, String> {
        let mut context = Context::default();
        context.runtime_limits_mut().set_backtrace_limit(BACKTRACE);
        functions::register(&mut context).map_err(|error| text(&error))?;
        context
            .eval(Source::from_bytes(source))
            .map_err(|error| text(&error))?;
        let find_proxy = entry(&mut context)?;
        Ok(Self {
            context,
            find_proxy,
        })
    }

    fn find_proxy(&mut self, url: &str, host: &str) -> Result<String, String> {
        let arguments = [JsString::from(url).into(), JsString::from(host).into()];
        let answer = self
            .find_proxy
            .call(&JsValue::undefined(), &arguments, &mut self.context)
            .map_err(|error| text(&error))?;
        match answer.as_string() {
            Some(answer) => Ok(answer.to_std_string_lossy()),
            None => Err(format!("returned {}, not a text", answer.type_of())),
        }
    }
}

fn entry(context: &mut Context) -> Result<JsObject, String> {
    context
        .eval(Source::from_bytes(ENTRY))
        .map_err(|error| text(&error))?
        .as_callable()
        .ok_or_else(|| "has no function `FindProxyForURL`".to_owned())
}

/// An error as one line.
fn text(error: &JsError) -> String {
    let text = error.to_string();
    text.lines().map(str::trim).collect::<Vec<_>>().join(" ")
}
