//! Custom sections: what an author says to operators, in the file itself.

/// Puts a JSON Schema of the settings into the component. At most once in a
/// crate.
///
/// `cuttle check` holds the settings against it before [`HttpClient::new`] sees
/// them, and points at the key that does not fit; `cuttle plugin inspect` shows
/// it. `cuttle run` relies on [`HttpClient::new`] alone. References such as
/// `{"env": "NAME"}` have been followed by then, and the key `name` is there.
///
/// Takes a text that is known at compile time: a literal, or
/// `include_str!("settings.schema.json")`. Up to 64 KiB and 64 levels, an
/// object, without references (`$ref`) to other documents; patterns without
/// look-around. On targets other than WebAssembly the text is only looked at.
///
/// ```
/// cuttle_plugin_sdk::settings_schema!(r#"{
///     "type": "object",
///     "properties": { "name": {}, "api_key": { "type": "string" } },
///     "required": ["api_key"],
///     "additionalProperties": false
/// }"#);
/// ```
///
/// [`HttpClient::new`]: crate::HttpClient::new
#[macro_export]
macro_rules! settings_schema {
    ($text:expr $(,)?) => {
        $crate::__section!("cuttle:settings-schema", $text);
    };
}

/// Puts a description into the component: what the plugin does, in a line or
/// two, for `cuttle plugin inspect`. Up to 4 KiB. At most once in a crate.
///
/// ```
/// cuttle_plugin_sdk::description!("Adds an API key to requests");
/// ```
#[macro_export]
macro_rules! description {
    ($text:expr $(,)?) => {
        $crate::__section!("cuttle:description", $text);
    };
}

/// A custom section called `$name`.
///
/// `link_section` counts as unsafe because on other targets a section may be
/// code or data that something relies on. A custom section of WebAssembly is
/// neither: nothing in the module can reach it.
#[doc(hidden)]
#[macro_export]
macro_rules! __section {
    ($name:literal, $text:expr) => {
        const _: () = {
            const TEXT: &str = $text;
            const BYTES: [u8; TEXT.len()] = match TEXT.as_bytes().first_chunk() {
                ::std::option::Option::Some(bytes) => *bytes,
                ::std::option::Option::None => [0; TEXT.len()],
            };
            #[cfg(target_family = "wasm")]
            #[unsafe(link_section = $name)]
            #[used]
            static SECTION: [u8; BYTES.len()] = BYTES;
            #[cfg(not(target_family = "wasm"))]
            let _ = BYTES;
        };
    };
}
