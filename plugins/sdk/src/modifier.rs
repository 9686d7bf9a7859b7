//! The trait of a modifier, and what passes through it.

use std::ops::{Deref, DerefMut};

use http::StatusCode;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    Body, Error, Request, Response, SettingsError,
    bindings::{
        cuttle::plugin::types, modifier::exports::cuttle::plugin::req_resp_modifier as contract,
    },
    settings,
    slot::{Slot, fill, with},
};

pub use contract::{Content, Hooks, Level, Place};

/// A plugin for `plugin/req-resp-modifier`.
///
/// There is one value for each instance, and the gateway makes and drops
/// instances as it needs them; the two calls for one request may meet different
/// ones. Keep settings and transports in it, never anything of a request.
///
/// ```
/// use cuttle_plugin_sdk::*;
///
/// struct Stamp;
/// export_req_resp_modifier!(Stamp);
///
/// impl Modifier for Stamp {
///     type Settings = NoSettings;
///     fn new(_: NoSettings, _: &Place) -> Result<Self, SettingsError> {
///         Ok(Self)
///     }
///     fn hooks(&self) -> Hooks {
///         Hooks::REQUEST
///     }
///     fn modify_request(&self, request: &mut PassingRequest) -> Result<Verdict, Error> {
///         request.set_header("x-stamp", "seen")?;
///         Ok(Verdict::Proceed)
///     }
/// }
/// ```
pub trait Modifier: Sized + 'static {
    /// The member with the plugin's name of the object under
    /// `plugin/req-resp-modifier`, or else that object without its `name`.
    /// [`NoSettings`](crate::NoSettings) takes any.
    type Settings: DeserializeOwned + 'static;

    /// Makes the value of an instance for a place of use. Nothing can be sent
    /// from here.
    ///
    /// # Errors
    /// Settings that cannot be used, or a place where the plugin makes no sense.
    /// They stop the gateway's start.
    fn new(settings: Self::Settings, place: &Place) -> Result<Self, SettingsError>;

    /// The calls it wants. What it does not ask for costs nothing.
    fn hooks(&self) -> Hooks;

    /// Looks at a request, or changes it, before it goes on. Called with
    /// [`Hooks::REQUEST`].
    ///
    /// # Errors
    /// Fails this request: the client gets 500, the operator's log the text.
    /// [`Error::Status`] is a [`Refusal`] instead.
    fn modify_request(&self, request: &mut PassingRequest) -> Result<Verdict, Error> {
        let _ = request;
        Ok(Verdict::Proceed)
    }

    /// Looks at a response, or changes it, before it goes on. Called with
    /// [`Hooks::RESPONSE`]; `original` is there with
    /// [`Hooks::ORIGINAL_REQUEST`].
    ///
    /// # Errors
    /// As of [`modify_request`](Self::modify_request).
    fn modify_response(
        &self,
        response: &mut PassingResponse,
        original: Option<PassingRequest>,
    ) -> Result<Verdict, Error> {
        let _ = (response, original);
        Ok(Verdict::Proceed)
    }
}

/// What becomes of a request or a response.
pub enum Verdict {
    /// It goes on as it was left.
    Proceed,
    /// This is answered: to the client at the level of an endpoint; in place of
    /// the backend's answer, and read like it, at the level of a backend.
    Answer(Response),
    /// It fails with a status.
    Refuse(Refusal),
}

/// A failure with a status of the plugin's choice. Its message is for the log,
/// and for the client only if the operator lets it out (`return_error_msg`).
///
/// ```
/// use cuttle_plugin_sdk::{Refusal, StatusCode, Verdict};
///
/// fn refuse() -> Verdict {
///     let refusal = Refusal::new(StatusCode::UNAUTHORIZED, "no token");
///     Verdict::Refuse(refusal.with_header("www-authenticate", "Bearer"))
/// }
/// ```
#[derive(Debug, Clone)]
pub struct Refusal {
    status: StatusCode,
    headers: Vec<(String, Vec<u8>)>,
    content_type: Option<String>,
    message: String,
}

impl Refusal {
    /// With a status of 200 to 599.
    pub fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            headers: Vec::new(),
            content_type: None,
            message: message.into(),
        }
    }

    /// Adds a field. One that is not valid fails the request with 500.
    #[must_use]
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Says what the message is, where it is not plain text.
    #[must_use]
    pub fn with_content_type(mut self, content_type: impl Into<String>) -> Self {
        self.content_type = Some(content_type.into());
        self
    }

    fn into_contract(self) -> contract::Refusal {
        let field = |(name, value)| types::Field { name, value };
        contract::Refusal {
            status: self.status.as_u16(),
            headers: self.headers.into_iter().map(field).collect(),
            content_type: self.content_type,
            message: self.message,
        }
    }
}

/// A request on its way: a [`Request`], and the values of the endpoint's path.
pub struct PassingRequest {
    request: Request,
    params: Vec<contract::Param>,
}

impl PassingRequest {
    /// The value of `{name}` in the endpoint's path, decoded.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&str> {
        let mut params = self.params();
        params.find_map(|(known, value)| (known == name).then_some(value))
    }

    /// All of them.
    pub fn params(&self) -> impl Iterator<Item = (&str, &str)> {
        let params = self.params.iter();
        params.map(|param| (param.name.as_str(), param.value.as_str()))
    }

    /// Replaces a value, for the `url_pattern` of each backend. Has an effect at
    /// the level of an endpoint only.
    pub fn set_param(&mut self, name: &str, value: impl Into<String>) {
        let value = value.into();
        match self.params.iter_mut().find(|param| param.name == name) {
            Some(param) => param.value = value,
            None => self.params.push(contract::Param {
                name: name.to_owned(),
                value,
            }),
        }
    }

    fn from_contract(passing: contract::PassingRequest) -> Self {
        Self {
            request: Request::from_contract(passing.request),
            params: passing.params,
        }
    }

    fn into_contract(self) -> contract::PassingRequest {
        contract::PassingRequest {
            request: self.request.into_contract(),
            params: self.params,
        }
    }
}

impl Deref for PassingRequest {
    type Target = Request;

    fn deref(&self) -> &Request {
        &self.request
    }
}

/// The whole request can be replaced.
impl DerefMut for PassingRequest {
    fn deref_mut(&mut self) -> &mut Request {
        &mut self.request
    }
}

/// A response on its way: a [`Response`], whose body is JSON where the content
/// of the place is [`Content::Data`].
pub struct PassingResponse {
    response: Response,
    complete: bool,
}

impl PassingResponse {
    /// Whether every backend has given all it should.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// Says whether it has, for `X-Krakend-Completed`.
    pub fn set_complete(&mut self, complete: bool) {
        self.complete = complete;
    }

    /// The data, if they are not longer than `limit` bytes as JSON. They stay as
    /// they are until others are set. Once for each response.
    ///
    /// # Errors
    /// [`Error::Body`] if they are longer or not of this type.
    pub fn data<T: DeserializeOwned>(&self, limit: u64) -> Result<T, Error> {
        self.response.take_body().into_json(limit)
    }

    /// Replaces the data; a value that is no JSON object fails the request.
    ///
    /// # Errors
    /// [`Error::Other`] if the value has no JSON form.
    pub fn set_data<T: Serialize + ?Sized>(&mut self, data: &T) -> Result<(), Error> {
        self.response.set_body(Body::json(data)?);
        Ok(())
    }

    fn into_contract(self) -> contract::PassingResponse {
        contract::PassingResponse {
            response: self.response.into_contract(),
            complete: self.complete,
        }
    }
}

impl Deref for PassingResponse {
    type Target = Response;

    fn deref(&self) -> &Response {
        &self.response
    }
}

/// The whole response can be replaced.
impl DerefMut for PassingResponse {
    fn deref_mut(&mut self) -> &mut Response {
        &mut self.response
    }
}

/// Makes a type that is a [`Modifier`] the plugin of this component. Once in a
/// crate, which may be an [`HttpClient`](crate::HttpClient) as well only by way
/// of another component.
///
/// On targets other than WebAssembly it checks the type and exports nothing.
#[macro_export]
macro_rules! export_req_resp_modifier {
    ($plugin:ty) => {
        #[cfg(not(target_family = "wasm"))]
        const _: () = {
            const fn is_a_modifier<T: $crate::Modifier>() {}
            is_a_modifier::<$plugin>()
        };
        #[cfg(target_family = "wasm")]
        const _: () = {
            use $crate::bindings::modifier::exports::cuttle::plugin::req_resp_modifier as contract;

            ::std::thread_local! {
                static PLUGIN: ::std::cell::OnceCell<$plugin> =
                    const { ::std::cell::OnceCell::new() };
            }

            struct Exported;

            impl contract::Guest for Exported {
                fn configure(
                    settings: ::std::string::String,
                    place: contract::Place,
                ) -> ::std::result::Result<contract::Hooks, ::std::string::String> {
                    $crate::export::configure_modifier(&PLUGIN, &settings, &place)
                }

                fn modify_request(
                    request: contract::PassingRequest,
                ) -> ::std::result::Result<contract::RequestVerdict, contract::Error> {
                    $crate::export::modify_request(&PLUGIN, request)
                }

                fn modify_response(
                    response: contract::PassingResponse,
                    original: ::std::option::Option<contract::PassingRequest>,
                ) -> ::std::result::Result<contract::ResponseVerdict, contract::Error> {
                    $crate::export::modify_response(&PLUGIN, response, original)
                }
            }

            $crate::bindings::modifier::export!(
                Exported with_types_in $crate::bindings::modifier
            );
        };
    };
}

/// `configure` of the contract.
pub fn configure<P: Modifier>(
    slot: &'static Slot<P>,
    text: &str,
    place: &Place,
) -> Result<Hooks, String> {
    fill(slot, || {
        let settings = settings::parse_own(text, &place.name)?;
        P::new(settings, place)
    })?;
    with(slot, |plugin| Ok(plugin.hooks())).map_err(|error| error.to_string())
}

/// `modify-request` of the contract.
pub fn modify_request<P: Modifier>(
    slot: &'static Slot<P>,
    request: contract::PassingRequest,
) -> Result<contract::RequestVerdict, types::Error> {
    let mut passing = PassingRequest::from_contract(request);
    let verdict = with(slot, |plugin| plugin.modify_request(&mut passing));
    Ok(match verdict.or_else(refused)? {
        Verdict::Proceed => contract::RequestVerdict::Proceed(passing.into_contract()),
        Verdict::Answer(answer) => contract::RequestVerdict::Answer(answer.into_contract()),
        Verdict::Refuse(refusal) => contract::RequestVerdict::Refuse(refusal.into_contract()),
    })
}

/// `modify-response` of the contract.
pub fn modify_response<P: Modifier>(
    slot: &'static Slot<P>,
    response: contract::PassingResponse,
    original: Option<contract::PassingRequest>,
) -> Result<contract::ResponseVerdict, types::Error> {
    let mut passing = PassingResponse {
        response: Response::from_contract(response.response),
        complete: response.complete,
    };
    let original = original.map(PassingRequest::from_contract);
    let verdict = with(slot, |plugin| {
        plugin.modify_response(&mut passing, original)
    });
    Ok(match verdict.or_else(refused)? {
        Verdict::Proceed => contract::ResponseVerdict::Proceed(passing.into_contract()),
        Verdict::Answer(answer) => contract::ResponseVerdict::Answer(answer.into_contract()),
        Verdict::Refuse(refusal) => contract::ResponseVerdict::Refuse(refusal.into_contract()),
    })
}

/// The refusal that is meant, or the error of the contract.
fn refused(error: Error) -> Result<Verdict, types::Error> {
    match error {
        Error::Status(status, text) => Ok(Verdict::Refuse(Refusal::new(status, text))),
        other => Err(other.into_contract()),
    }
}
