//! Between the contract's types and those of this crate.

use std::sync::Arc;

use cuttle_egress::{Body, remove_hop_by_hop};
use http::{HeaderMap, HeaderValue, Response, StatusCode, Uri, header::CONTENT_LENGTH};

use super::{
    Content, Hooks, Level, Params, PassingRequest, PassingResponse, Place, Refusal, Verdict,
    bindings::exports::cuttle::plugin::req_resp_modifier as contract,
};
use crate::{
    CallError,
    bindings::cuttle::plugin::types::Error,
    host::{RequestHandle, ResponseHandle, appended, plugin_failure},
    instance::finish,
    rights::Origin,
    state::{Site, State},
};

/// What goes wrong inside of the gateway, or else with what the plugin returned.
type Taken<T> = wasmtime::Result<Result<T, CallError>>;

pub(crate) fn place_to(place: Place, name: &str) -> contract::Place {
    contract::Place {
        name: name.to_owned(),
        level: match place.level {
            Level::Endpoint => contract::Level::Endpoint,
            Level::Backend => contract::Level::Backend,
        },
        content: match place.content {
            Content::Data => contract::Content::Data,
            Content::Message => contract::Content::Message,
        },
    }
}

impl From<contract::Hooks> for Hooks {
    fn from(hooks: contract::Hooks) -> Self {
        Self {
            request: hooks.contains(contract::Hooks::REQUEST),
            response: hooks.contains(contract::Hooks::RESPONSE),
            partial: hooks.contains(contract::Hooks::PARTIAL),
            original_request: hooks.contains(contract::Hooks::ORIGINAL_REQUEST),
        }
    }
}

pub(crate) fn request_to(
    state: &mut State,
    passing: PassingRequest,
) -> wasmtime::Result<contract::PassingRequest> {
    Ok(contract::PassingRequest {
        request: state.table.push(RequestHandle::incoming(passing.request))?,
        params: passing.params.into_iter().map(param_to).collect(),
    })
}

pub(crate) fn original_to(
    state: &mut State,
    original: Option<PassingRequest>,
) -> wasmtime::Result<Option<contract::PassingRequest>> {
    original.map(|one| request_to(state, one)).transpose()
}

pub(crate) fn response_to(
    state: &mut State,
    passing: PassingResponse,
) -> wasmtime::Result<contract::PassingResponse> {
    Ok(contract::PassingResponse {
        response: state
            .table
            .push(ResponseHandle::received(passing.response))?,
        complete: passing.complete,
    })
}

fn param_to((name, value): (Arc<str>, String)) -> contract::Param {
    contract::Param {
        name: name.as_ref().to_owned(),
        value,
    }
}

/// The plugin's verdict on a request to `own`.
pub(crate) fn request_verdict(
    state: &mut State,
    verdict: contract::RequestVerdict,
    own: Option<&Origin>,
) -> Taken<Verdict<PassingRequest>> {
    match verdict {
        contract::RequestVerdict::Proceed(passing) => {
            let handle = state.table.delete(passing.request)?;
            let passing = taken_request(&state.site, handle, passing.params, own);
            Ok(passing.map(Verdict::Proceed))
        }
        contract::RequestVerdict::Answer(response) => {
            let handle = state.table.delete(response)?;
            Ok(answer(&state.site, handle))
        }
        contract::RequestVerdict::Refuse(refused) => Ok(refusal(&state.site, refused)),
    }
}

pub(crate) fn response_verdict(
    state: &mut State,
    verdict: contract::ResponseVerdict,
) -> Taken<Verdict<PassingResponse>> {
    match verdict {
        contract::ResponseVerdict::Proceed(passing) => {
            let handle = state.table.delete(passing.response)?;
            let replaced = handle.body_changed && handle.body.is_some();
            let response = finish(&state.site, handle);
            Ok(response.map(|response| {
                Verdict::Proceed(PassingResponse {
                    response,
                    complete: passing.complete,
                    replaced,
                })
            }))
        }
        contract::ResponseVerdict::Answer(response) => {
            let handle = state.table.delete(response)?;
            Ok(answer(&state.site, handle))
        }
        contract::ResponseVerdict::Refuse(refused) => Ok(refusal(&state.site, refused)),
    }
}

/// An error that a modifier returned.
pub(crate) fn failed(site: &Site, error: Error) -> CallError {
    CallError::Failed {
        plugin: site.plugin.to_string(),
        error: plugin_failure(error),
    }
}

fn taken_request(
    site: &Site,
    handle: RequestHandle,
    params: Vec<contract::Param>,
    own: Option<&Origin>,
) -> Result<PassingRequest, CallError> {
    let request = handle
        .into_request()
        .map_err(|error| invalid(site, &plugin_failure(error).to_string()))?;
    if let Some(own) = own {
        check_target(site, request.uri(), own)?;
    }
    let params: Params = params
        .into_iter()
        .map(|param| (param.name.into(), param.value))
        .collect();
    Ok(PassingRequest { request, params })
}

/// What the gateway sends for a plugin goes no further than what the plugin
/// could send itself.
fn check_target(site: &Site, target: &Uri, own: &Origin) -> Result<(), CallError> {
    if site.rights.may_hand_on(target, Some(own), &[]) {
        return Ok(());
    }
    let authority = target.authority().map_or("", |one| one.as_str());
    let plugin = &site.plugin;
    let message = format!(
        "`{authority}` is not a host of this backend: add it to `grants.{plugin}.outbound`"
    );
    Err(invalid(site, &message))
}

fn answer<T>(site: &Site, handle: ResponseHandle) -> Result<Verdict<T>, CallError> {
    let response: Response<Body> = finish(site, handle)?;
    Ok(Verdict::Answer(response))
}

fn refusal<T>(site: &Site, refused: contract::Refusal) -> Result<Verdict<T>, CallError> {
    let status = StatusCode::from_u16(refused.status)
        .ok()
        .filter(|_| (200..=599).contains(&refused.status))
        .ok_or_else(|| invalid(site, &format!("status {}", refused.status)))?;
    let content_type = refused.content_type.map(HeaderValue::try_from).transpose();
    let content_type =
        content_type.map_err(|_| invalid(site, "its content type is not a field value"))?;
    Ok(Verdict::Refuse(Refusal {
        status,
        headers: refused_fields(site, refused.headers)?,
        content_type,
        message: refused.message,
    }))
}

fn refused_fields(
    site: &Site,
    fields: Vec<crate::bindings::cuttle::plugin::types::Field>,
) -> Result<HeaderMap, CallError> {
    let mut headers =
        appended(fields).map_err(|error| invalid(site, &plugin_failure(error).to_string()))?;
    remove_hop_by_hop(&mut headers);
    headers.remove(CONTENT_LENGTH);
    Ok(headers)
}

fn invalid(site: &Site, message: &str) -> CallError {
    CallError::Invalid {
        plugin: site.plugin.to_string(),
        message: message.to_owned(),
    }
}
