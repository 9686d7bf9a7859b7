//! The trait of a plugin for a backend.

use serde::de::DeserializeOwned;

use crate::{Error, Request, Response, SettingsError};

/// A plugin for a backend's `plugin/http-client`.
///
/// There is one value for each instance, and the gateway makes and drops
/// instances as it needs them: keep settings and transports in it, never
/// anything that a later request relies on or must not see. An instance serves
/// one request at a time.
pub trait HttpClient: Sized + 'static {
    /// The object under `plugin/http-client`, without its `name`, which is the
    /// gateway's. [`NoSettings`](crate::NoSettings) takes any.
    ///
    /// A key that nobody reads is passed over, unless the type has
    /// `#[serde(deny_unknown_fields)]`, with which it stops the start.
    type Settings: DeserializeOwned + 'static;

    /// Makes the value of an instance. Nothing can be sent from here.
    ///
    /// # Errors
    /// Settings that cannot be used. They stop the gateway's start, with the
    /// place of the key in the configuration.
    fn new(settings: Self::Settings) -> Result<Self, SettingsError>;

    /// Answers one request, within the endpoint's timeout.
    ///
    /// # Errors
    /// Fails this request: the client gets 500, the operator's log the text.
    /// [`Error::Status`] is an answer instead.
    fn handle(&self, request: Request) -> Result<Response, Error>;
}

/// Makes a type that is an [`HttpClient`] the plugin of this component. Once in
/// a crate.
///
/// On targets other than WebAssembly it checks the type and exports nothing.
///
/// ```
/// use cuttle_plugin_sdk::{Error, HttpClient, NoSettings, Request, Response, SettingsError, send};
///
/// struct PassesOn;
/// cuttle_plugin_sdk::export_http_client!(PassesOn);
///
/// impl HttpClient for PassesOn {
///     type Settings = NoSettings;
///     fn new(_: NoSettings) -> Result<Self, SettingsError> {
///         Ok(Self)
///     }
///     fn handle(&self, request: Request) -> Result<Response, Error> {
///         send(request)
///     }
/// }
/// ```
#[macro_export]
macro_rules! export_http_client {
    ($plugin:ty) => {
        #[cfg(not(target_family = "wasm"))]
        const _: () = {
            const fn is_a_plugin<T: $crate::HttpClient>() {}
            is_a_plugin::<$plugin>()
        };
        #[cfg(target_family = "wasm")]
        const _: () = {
            use $crate::bindings::exports::cuttle::plugin::http_client as contract;

            ::std::thread_local! {
                static PLUGIN: ::std::cell::OnceCell<$plugin> =
                    const { ::std::cell::OnceCell::new() };
            }

            struct Exported;

            impl contract::Guest for Exported {
                fn configure(
                    settings: ::std::string::String,
                ) -> ::std::result::Result<(), ::std::string::String> {
                    let new = <$plugin as $crate::HttpClient>::new;
                    $crate::export::configure(&PLUGIN, &settings, new)
                }

                fn handle(
                    request: contract::Request,
                ) -> ::std::result::Result<contract::Response, contract::Error> {
                    let handle = <$plugin as $crate::HttpClient>::handle;
                    $crate::export::handle(&PLUGIN, request, handle)
                }
            }

    $crate::bindings::export!(Exported with_types_in $crate::bindings);
        };
    };
}
