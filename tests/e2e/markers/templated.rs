//! Secrets that reach a configuration by templates: from settings, and from variables of
//! the environment.

use std::fs;

use cuttle_tests::{TestResult, command, gateway_binary, soon};
use serde_json::json;
use tempfile::TempDir;

use super::marker::{Marker, Whose, text};

const KINDS: [&str; 3] = [
    "setting of a template",
    "variable of a template",
    "override of a key",
];

/// What goes wrong in the template itself, and what in the text that it makes.
const MISTAKES: [&str; 13] = [
    "{{ .db.password.nope }}",
    "{{ .db.password | toDate \"2006\" | int }}",
    "{{ index .db.password \"a\" }}",
    "{{ index .db.list .db.password }}",
    "{{ template .db.password }}",
    "{{ .db.password | mul 2 }}",
    "{{ .db.password | fromJson }}",
    "{{ .db.password | mustRegexMatch \"(\" }}",
    "{{ printf \"%d\" .db.password | atoi }}",
    "\"a\": {{ .db.password }},",
    "\"timeout\": {{ .db.password | quote }}, \"nope\": {{ env \"FROM_TEMPLATE\" | quote }},",
    "\"host\": [\"ftp://user:{{ .db.password }}@a\"],",
    "\"tls\": { \"private_key\": {{ env \"FROM_TEMPLATE\" | quote }} },",
];

fn template(mistake: &str) -> String {
    format!(
        r#"{{ "version": 3, {mistake}
            "endpoints": [{{ "endpoint": "/a", "timeot": "3", "backend": [{{ "url_pattern": "/b?api_key={{{{ .db.password }}}}",
                "host": ["http://al:{{{{ .db.password }}}}@a.test"], "disable_host_sanitize": true,
                "extra_config": {{ "backend/http/client": {{
                    "proxy_address": "http://al:{{{{ env "FROM_TEMPLATE" }}}}@p:3128", "proxy_adress": "x" }} }} }}] }}] }}"#
    )
}

async fn told(folder: &TempDir, arguments: &[&str]) -> anyhow::Result<String> {
    let mut command = command(gateway_binary(), arguments);
    let output = command
        .current_dir(folder.path())
        .env("FC_ENABLE", "1")
        .env("FC_SETTINGS", "settings")
        .env("FROM_TEMPLATE", text("variable of a template"))
        .env("KRAKEND_PORT", text("override of a key"))
        .output();
    let output = soon("the command's end", output).await?;
    let text = [output.stdout, output.stderr].concat();
    Ok(String::from_utf8_lossy(&text).into_owned())
}

#[tokio::test]
async fn no_secret_of_a_template_is_in_what_is_said_about_it() -> TestResult {
    let folder = tempfile::tempdir()?;
    fs::create_dir(folder.path().join("settings"))?;
    let settings = json!({ "password": text("setting of a template"), "list": ["a"] });
    fs::write(folder.path().join("settings/db.json"), settings.to_string())?;
    let markers = KINDS.map(|kind| Marker::new(kind, Whose::Operators));
    for mistake in MISTAKES.into_iter().chain([""]) {
        fs::write(folder.path().join("krakend.tmpl"), template(mistake))?;
        for more in [&["check", "-ddd"][..], &["check", "--json"], &["run"]] {
            let arguments = [more, &["-c", "krakend.tmpl"]].concat();
            let text = told(&folder, &arguments).await?;
            assert!(text.contains("rror"), "{mistake}: {text}");
            for marker in &markers {
                let near = marker.found_in(&text);
                assert_eq!(near, None, "{} by {mistake}", marker.kind);
            }
        }
    }
    Ok(())
}
