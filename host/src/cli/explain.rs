//! `cuttle explain`: what would become of a request, without sending anything.

mod json;
mod report;
mod text;

use std::process::ExitCode;

use http::{
    HeaderName, HeaderValue, Method, Request,
    header::{CONTENT_LENGTH, HOST},
};

use super::{
    EXIT_UNUSABLE, ExplainArgs,
    check::verdict,
    output::{print, say},
};
use report::Report;

/// The host of a request that names none.
const ANY_HOST: HeaderValue = HeaderValue::from_static("localhost");

/// Says where the request leads, and what its endpoint would send.
pub(super) fn explain(args: &ExplainArgs) -> ExitCode {
    let request = match request(args) {
        Ok(request) => request,
        Err(why) => {
            say(&format!("ERROR {why}"));
            return ExitCode::from(EXIT_UNUSABLE);
        }
    };
    let checked = match verdict(&args.config) {
        Ok(checked) => checked,
        Err(refused) => {
            say("ERROR the gateway would not start with this configuration");
            refused.report(args.json);
            return ExitCode::from(EXIT_UNUSABLE);
        }
    };
    let report = Report::of(&checked, request, args.from);
    let report = checked.runtime.block_on(report);
    match args.json {
        true => print(&format!("{:#}", json::of(&report))),
        false => text::lines(&report).iter().for_each(|line| print(line)),
    }
    match report.is_served() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

/// The request as a client would send it: with a host, and the length of its
/// body. Says what is wrong with the arguments.
fn request(args: &ExplainArgs) -> Result<Request<()>, String> {
    let method = args.method.to_ascii_uppercase();
    let method = Method::from_bytes(method.as_bytes());
    let mut request = Request::new(());
    *request.method_mut() = method.map_err(|_| format!("{:?} is no method", args.method))?;
    *request.uri_mut() = args.target.parse().map_err(|_| {
        "the path is none: write it as a client sends it, such as /a%20b?c=d".to_owned()
    })?;
    let headers = request.headers_mut();
    for field in &args.headers {
        let (name, value) = field_of(field)?;
        headers.append(name, value);
    }
    headers.entry(HOST).or_insert(ANY_HOST);
    if let Some(body) = &args.data {
        let length = HeaderValue::from(body.len());
        headers.entry(CONTENT_LENGTH).or_insert(length);
    }
    Ok(request)
}

/// `Name: value`. Its text is not repeated: it may be a secret.
fn field_of(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = text
        .split_once(':')
        .ok_or("a header has no colon: write it as 'Name: value'")?;
    let field = HeaderName::from_bytes(name.trim().as_bytes());
    let field = field.map_err(|_| format!("{name:?} is not the name of a header"))?;
    let value = HeaderValue::from_str(value.trim());
    let value = value.map_err(|_| format!("the value of {name:?} cannot be sent"))?;
    Ok((field, value))
}
