//! Requests and responses, which live in the gateway.

use http::{Method, StatusCode};
use serde::Serialize;

use crate::{
    Body, Error, HeaderValue,
    bindings::cuttle::plugin::{next as following, outbound, types},
};

/// Sends a request to the authority of its URI, on the way the operator has
/// configured, and returns as soon as the head of the response is there.
///
/// # Errors
/// [`Error::Denied`] for hosts other than the backend's that are not granted,
/// before anything is opened; otherwise what went wrong on the way.
pub fn send(request: Request) -> Result<Response, Error> {
    let response = outbound::send(request.0)?;
    Ok(Response(response))
}

/// Hands a request on to what comes next: the following plugin of the list, or
/// behind the last one the backend (for [`HttpClient`](crate::HttpClient)) or the
/// gateway (for [`HttpServer`](crate::HttpServer)). Returns as soon as the head
/// of the response is there.
///
/// ```no_run
/// use cuttle_plugin_sdk::{Error, Request, Response, StatusCode, next};
///
/// fn handle(request: Request) -> Result<Response, Error> {
///     match next(request) {
///         Err(Error::Timeout) => Response::text(StatusCode::OK, "come back later"),
///         answered => answered?.with_header("x-seen", "yes"),
///     }
/// }
/// ```
///
/// # Errors
/// Those of whoever follows: its own, [`Error::Timeout`] if it did not answer in
/// time, [`Error::Other`] if it trapped. [`Error::Denied`] for requests of a
/// backend's plugin to hosts that are neither the backend's nor granted.
pub fn next(request: Request) -> Result<Response, Error> {
    let response = following::send(request.0)?;
    Ok(Response(response))
}

/// A request: to the plugin, or by the plugin.
///
/// ```no_run
/// use cuttle_plugin_sdk::{Error, Method, Request, Response, send};
///
/// fn token() -> Result<Response, Error> {
///     let request = Request::new(Method::POST, "https://auth.example:8443/token")
///         .with_header("content-type", "application/x-www-form-urlencoded")?
///         .with_body("grant_type=client_credentials");
///     send(request)
/// }
/// ```
pub struct Request(types::Request);

/// A response: from the outside world, or by the plugin.
///
/// ```no_run
/// use cuttle_plugin_sdk::{Error, Request, Response, StatusCode};
///
/// fn handle(request: Request) -> Result<Response, Error> {
///     match request.header("authorization") {
///         None => Response::text(StatusCode::UNAUTHORIZED, "who are you?"),
///         Some(_) => Response::json(StatusCode::OK, &["some", "thing"]),
///     }
/// }
/// ```
pub struct Response(types::Response);

impl Request {
    /// A request without fields and body. `uri` is absolute; what is wrong with
    /// it is the error of the call that sends the request.
    #[must_use]
    pub fn new(method: Method, uri: &str) -> Self {
        Self(types::Request::new(method.as_str(), uri))
    }

    pub(crate) fn from_contract(request: types::Request) -> Self {
        Self(request)
    }

    pub(crate) fn into_contract(self) -> types::Request {
        self.0
    }

    /// The method.
    #[must_use]
    pub fn method(&self) -> Method {
        // The gateway lets no other text in; `GET` is what it means by none.
        Method::from_bytes(self.0.method().as_bytes()).unwrap_or_default()
    }

    /// Replaces the method.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if the gateway does not send this method.
    pub fn set_method(&self, method: &Method) -> Result<(), Error> {
        Ok(self.0.set_method(method.as_str())?)
    }

    /// The absolute target URI.
    #[must_use]
    pub fn uri(&self) -> String {
        self.0.uri()
    }

    /// Replaces the target URI: absolute, `http` or `https`.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for anything else.
    pub fn set_uri(&self, uri: &str) -> Result<(), Error> {
        Ok(self.0.set_uri(uri)?)
    }
}

impl Response {
    /// A response without fields and body.
    #[must_use]
    pub fn new(status: StatusCode) -> Self {
        Self(types::Response::new(status.as_u16()))
    }

    /// A response with a text.
    ///
    /// # Errors
    /// None that the gateway is known to give.
    pub fn text(status: StatusCode, text: &str) -> Result<Self, Error> {
        Ok(Self::new(status)
            .with_header("content-type", "text/plain; charset=utf-8")?
            .with_body(text))
    }

    /// A response with a value as JSON.
    ///
    /// # Errors
    /// [`Error::Other`] if the value has no JSON form.
    pub fn json<T: Serialize + ?Sized>(status: StatusCode, value: &T) -> Result<Self, Error> {
        Ok(Self::new(status)
            .with_header("content-type", "application/json")?
            .with_body(Body::json(value)?))
    }

    pub(crate) fn into_contract(self) -> types::Response {
        self.0
    }

    pub(crate) fn from_contract(response: types::Response) -> Self {
        Self(response)
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        // The gateway has read it as one.
        StatusCode::from_u16(self.0.status()).unwrap_or(StatusCode::BAD_GATEWAY)
    }

    /// Replaces the status; 200 to 599.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for others.
    pub fn set_status(&self, status: StatusCode) -> Result<(), Error> {
        Ok(self.0.set_status(status.as_u16())?)
    }
}

/// What requests and responses have in common.
macro_rules! message {
    ($message:ty) => {
        impl $message {
            /// The first value of a field. Names are compared without regard to
            /// case.
            #[must_use]
            pub fn header(&self, name: impl AsRef<str>) -> Option<HeaderValue> {
                self.0.header(name.as_ref()).map(HeaderValue::from)
            }

            /// All values of a field, in the order of their lines.
            #[must_use]
            pub fn header_values(&self, name: impl AsRef<str>) -> Vec<HeaderValue> {
                self.headers()
                    .filter(|(field, _)| field.eq_ignore_ascii_case(name.as_ref()))
                    .map(|(_, value)| value)
                    .collect()
            }

            /// All fields, with names in lower case; repeated ones in the order
            /// of their lines.
            pub fn headers(&self) -> impl Iterator<Item = (String, HeaderValue)> + use<> {
                self.0
                    .headers()
                    .into_iter()
                    .map(|field| (field.name, field.value.into()))
            }

            /// Replaces every line of a field by this one.
            ///
            /// # Errors
            /// [`Error::InvalidArgument`] if name or value is not valid, or all
            /// fields together are longer than 64 KiB; nothing has changed then.
            pub fn set_header(
                &self,
                name: impl AsRef<str>,
                value: impl AsRef<[u8]>,
            ) -> Result<(), Error> {
                Ok(self.0.set_header(name.as_ref(), value.as_ref())?)
            }

            /// Adds one more line to a field.
            ///
            /// # Errors
            /// As of [`set_header`](Self::set_header).
            pub fn append_header(
                &self,
                name: impl AsRef<str>,
                value: impl AsRef<[u8]>,
            ) -> Result<(), Error> {
                Ok(self.0.append_header(name.as_ref(), value.as_ref())?)
            }

            /// Removes every line of a field. Nothing happens if there is none.
            pub fn remove_header(&self, name: impl AsRef<str>) {
                self.0.remove_header(name.as_ref());
            }

            /// [`set_header`](Self::set_header), for chains.
            ///
            /// # Errors
            /// As there.
            pub fn with_header(
                self,
                name: impl AsRef<str>,
                value: impl AsRef<[u8]>,
            ) -> Result<Self, Error> {
                self.set_header(name, value)?;
                Ok(self)
            }

            /// Moves the body out. It is an empty one if there is none, or it
            /// was taken before.
            #[must_use]
            pub fn take_body(&self) -> Body {
                Body::from_contract(self.0.take_body())
            }

            /// Sets the body. One that was there is dropped unread.
            pub fn set_body(&self, body: impl Into<Body>) {
                self.0.set_body(body.into().into_contract());
            }

            /// [`set_body`](Self::set_body), for chains.
            #[must_use]
            pub fn with_body(self, body: impl Into<Body>) -> Self {
                self.set_body(body);
                self
            }
        }
    };
}

message!(Request);
message!(Response);
