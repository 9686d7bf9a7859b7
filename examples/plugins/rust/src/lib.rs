//! Adds a field to the request, and one to the response.

use cuttle_plugin_sdk::{Error, HttpClient, Request, Response, SettingsError, send};

/// The settings, and the plugin: there is nothing more to keep.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Plugin {
    greeting: String,
}

cuttle_plugin_sdk::export_http_client!(Plugin);

impl HttpClient for Plugin {
    type Settings = Self;
    fn new(settings: Self) -> Result<Self, SettingsError> {
        Ok(settings)
    }
    fn handle(&self, request: Request) -> Result<Response, Error> {
        request.set_header("x-greeting", &self.greeting)?;
        let response = send(request)?;
        response.set_header("x-greeted-by", "hello-rust")?;
        Ok(response)
    }
}

#[cfg(test)]
mod tests {
    use super::Plugin;

    #[test]
    fn a_misspelt_setting_is_an_error() {
        let misspelt = serde_json::from_str::<Plugin>(r#"{ "greting": "hello" }"#);
        assert!(misspelt.is_err());
    }
}
