//! Plugins in front of the gateway.

use serde::de::DeserializeOwned;

use crate::{Error, Request, Response, SettingsError, server_bindings::cuttle::plugin::client};

/// A plugin for `plugin/http-server`: it sees every request of a client before
/// anything is decided, and [`next`](crate::next) hands one on to the gateway.
///
/// There is one value for each instance, as of
/// [`HttpClient`](crate::HttpClient).
pub trait HttpServer: Sized + 'static {
    /// The object under `plugin/http-server`, without its `name`.
    type Settings: DeserializeOwned + 'static;

    /// Makes the value of an instance. Nothing can be sent from here.
    ///
    /// # Errors
    /// Settings that cannot be used. They stop the gateway's start.
    fn new(settings: Self::Settings) -> Result<Self, SettingsError>;

    /// Answers one request of a client.
    ///
    /// # Errors
    /// The client gets 500, the operator's log the text.
    /// [`Error::Status`] is an answer instead.
    fn handle(&self, request: Request) -> Result<Response, Error>;
}

/// The address of the client whose request is being answered. None in plugins
/// that are not in front of the gateway.
#[must_use]
pub fn client_address() -> Option<String> {
    client::address()
}

/// Makes a type that is an [`HttpServer`] the plugin of this component. Once in
/// a crate.
///
/// On targets other than WebAssembly it checks the type and exports nothing.
///
/// ```
/// use cuttle_plugin_sdk::{
///     Error, HttpServer, NoSettings, Request, Response, SettingsError, StatusCode, next,
/// };
///
/// struct Guard;
/// cuttle_plugin_sdk::export_http_server!(Guard);
///
/// impl HttpServer for Guard {
///     type Settings = NoSettings;
///     fn new(_: NoSettings) -> Result<Self, SettingsError> {
///         Ok(Self)
///     }
///     fn handle(&self, request: Request) -> Result<Response, Error> {
///         match request.header("x-key") {
///             Some(_) => next(request),
///             None => Err(Error::status(StatusCode::UNAUTHORIZED, "a key, please")),
///         }
///     }
/// }
/// ```
#[macro_export]
macro_rules! export_http_server {
    ($plugin:ty) => {
        #[cfg(not(target_family = "wasm"))]
        const _: () = {
            const fn is_a_plugin<T: $crate::HttpServer>() {}
            is_a_plugin::<$plugin>()
        };
        #[cfg(target_family = "wasm")]
        const _: () = {
            use $crate::server_bindings::exports::cuttle::plugin::http_server as contract;

            ::std::thread_local! {
                static PLUGIN: ::std::cell::OnceCell<$plugin> =
                    const { ::std::cell::OnceCell::new() };
            }

            struct Exported;

            impl contract::Guest for Exported {
                fn configure(
                    settings: ::std::string::String,
                ) -> ::std::result::Result<(), ::std::string::String> {
                    let new = <$plugin as $crate::HttpServer>::new;
                    $crate::export::configure(&PLUGIN, &settings, new)
                }

                fn handle(
                    request: contract::Request,
                ) -> ::std::result::Result<contract::Response, contract::Error> {
                    let handle = <$plugin as $crate::HttpServer>::handle;
                    $crate::export::handle(&PLUGIN, request, handle)
                }
            }

    $crate::server_bindings::export!(Exported with_types_in $crate::server_bindings);
        };
    };
}
