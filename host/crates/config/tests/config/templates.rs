//! Flexible configuration: folders of settings, templates and partials, from
//! the environment's variables to the service.

use std::{fs, path::Path};

use cuttle_config::{KeyPath, Loaded, Options, Report, Severity, load};
use tempfile::TempDir;

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let file = folder.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    folder
}

/// Loads `krakend.json` of `folder`. A variable that begins with `/` is a place
/// in the folder.
fn load_with(folder: &TempDir, variables: &[(&str, &str)]) -> Result<Loaded, Report> {
    load_file(&folder.path().join("krakend.json"), folder, variables)
}

fn load_file(file: &Path, folder: &TempDir, variables: &[(&str, &str)]) -> Result<Loaded, Report> {
    let environment = variables.iter().map(|(name, value)| {
        let value = match value.strip_prefix('/') {
            Some(place) => folder.path().join(place).to_str().unwrap().to_owned(),
            None => (*value).to_owned(),
        };
        ((*name).to_owned(), value)
    });
    let environment = environment.collect();
    let port = None;
    load(file, &Options { environment, port })
}

const ENABLE: (&str, &str) = ("FC_ENABLE", "1");
const FOLDERS: [(&str, &str); 4] = [
    ENABLE,
    ("FC_SETTINGS", "/settings"),
    ("FC_PARTIALS", "/partials"),
    ("FC_TEMPLATES", "/templates"),
];

/// The report with the folder's name left out.
fn shown(report: &Report, folder: &TempDir) -> String {
    let name = format!("{}/", folder.path().display());
    report.to_string().replace(&name, "")
}

#[test]
fn the_layout_of_the_documentation_is_one_service() {
    let main = r#"{
  "version": 3,
  "name": "{{ .service.name }} {{ template "environment.tmpl" . }}",
  "port": {{ .service.port }},
  "timeout": "{{ .service.timeout | default "2s" }}",
  {{ include "static_file.tmpl" }},
  "endpoints": [
    {{ range $index, $endpoint := .endpoints.list }}
    {{ if $index }},{{ end }}
    {
      "endpoint": "{{ $endpoint.path }}",
      "method": "{{ $endpoint.method | default "get" | upper }}",
      "backend": [
        {
          "host": {{ marshal $.hosts.users }},
          "url_pattern": "{{ $endpoint.path }}?db={{ $.db.name | urlquery }}"
          {{- if $endpoint.limit }},
          "extra_config": {{ marshal (dict "qos/ratelimit/proxy" $endpoint.limit) }}
          {{- end }}
        }
      ]
    }
    {{ end }}
  ]
}"#;
    let files = [
        ("krakend.json", main),
        ("settings/service.json", r#"{"name": "shop", "port": 8081}"#),
        (
            "settings/hosts.json",
            r#"{"users": ["http://a.local", "http://b.local:8080"]}"#,
        ),
        ("settings/db.json", r#"{"name": "users & more"}"#),
        (
            "settings/endpoints.json",
            r#"{"list": [{"path": "/users"}, {"path": "/orders", "method": "post"}]}"#,
        ),
        (
            "partials/static_file.tmpl",
            r#""cache_ttl": "{{ not a template }}s""#,
        ),
        (
            "templates/environment.tmpl",
            r#"{{ define "stage" }}in {{ . }}{{ end }}{{ template "stage" (env "STAGE") }}"#,
        ),
        ("templates/README.md", "{{ not read"),
    ];
    let files = files.map(|(name, text)| (name, text.replace("{{ not a template }}", "300")));
    let files = files.each_ref().map(|(name, text)| (*name, text.as_str()));
    let folder = folder(&files);
    let mut variables = FOLDERS.to_vec();
    variables.push(("STAGE", "production"));

    let loaded = load_with(&folder, &variables).unwrap();
    let service = &loaded.service;

    assert_eq!(service.name, "shop in production");
    assert_eq!(service.listen.port, 8081);
    assert_eq!(service.endpoints.len(), 2);
    assert_eq!(service.endpoints[0].backends[0].hosts.len(), 2);
    assert_eq!(service.endpoints[1].method, "POST");
    assert_eq!(loaded.warnings, []);
}

#[test]
fn without_fc_enable_nothing_is_rendered() {
    let folder = folder(&[("krakend.json", r#"{"version": 3, "name": "{{ env `A` }}"}"#)]);
    let variables = [("FC_ENABLE", ""), ("FC_SETTINGS", "/none"), ("A", "a")];

    let loaded = load_with(&folder, &variables).unwrap();
    assert_eq!(loaded.service.name, "{{ env `A` }}");

    for enable in ["1", "0", "false"] {
        let loaded = load_with(&folder, &[("FC_ENABLE", enable), ("A", "a")]).unwrap();
        assert_eq!(loaded.service.name, "a", "any text enables");
    }
}

#[test]
fn partials_are_not_rendered_and_a_missing_one_is_a_warning() {
    let main = r#"{"version": 3, "name": {{ include "name" }} {{ include "none.json" }}}"#;
    let folder = folder(&[("krakend.json", main), ("partials/name", r#""{{ raw }}""#)]);

    let loaded = load_with(&folder, &[ENABLE, ("FC_PARTIALS", "/partials")]).unwrap();

    assert_eq!(loaded.service.name, "{{ raw }}");
    let warning = loaded.warnings[0].to_string();
    assert!(
        warning.contains("none.json: warning: is not there"),
        "{warning}"
    );
}

#[test]
fn a_template_error_names_template_line_and_construct() {
    let main = "{\n  \"version\": 3,\n  \"name\": \"{{ template \"name.tmpl\" .service }}\"\n}";
    let cases = [
        (
            "x\n  {{ .owner.name }}",
            "templates/name.tmpl:2:12: error: template: name.tmpl:2:11: executing \"name.tmpl\" at <.owner.name>: nil pointer evaluating interface {}.name",
        ),
        (
            "{{ .nme | upper }}",
            "templates/name.tmpl:1:11: error: template: name.tmpl:1:10: executing \"name.tmpl\" at <upper>: invalid value; expected string",
        ),
        (
            "\n\n{{ .name | uper }}",
            "templates/name.tmpl:3: error: template: name.tmpl:3: function \"uper\" not defined\n  help: did you mean `upper`?",
        ),
        (
            "{{ if .name }}",
            "templates/name.tmpl:1: error: template: name.tmpl:1: unexpected EOF",
        ),
        (
            "{{ genPrivateKey `rsa` }}",
            "templates/name.tmpl:1: error: template: name.tmpl:1: function \"genPrivateKey\" not defined\n  help: this function of sprig is not available here",
        ),
    ];
    for (template, expected) in cases {
        let folder = folder(&[
            ("krakend.json", main),
            (
                "settings/service.json",
                r#"{"name": "shop", "owner": null}"#,
            ),
            ("templates/name.tmpl", template),
        ]);
        let report = load_with(&folder, &FOLDERS).unwrap_err();
        let report = shown(&report, &folder);
        assert!(report.starts_with(expected), "{report}");
    }
}

#[test]
fn what_is_wrong_with_the_result_is_shown_where_the_template_wrote_it() {
    let main = "{\n  \"version\": 3,\n{{ template \"rest.tmpl\" . }}\n}";
    let rest = "{{/* a comment */}}\n  {{ range until 3 }}\n  \"port\": x,\n  {{- end }}";
    let folder = folder(&[("krakend.json", main), ("templates/rest.tmpl", rest)]);
    let folders = [ENABLE, ("FC_TEMPLATES", "/templates")];

    let report = shown(&load_with(&folder, &folders).unwrap_err(), &folder);
    assert!(
        report.starts_with("templates/rest.tmpl:3:11: error: is not JSON: "),
        "{report}"
    );
    assert!(
        report.contains("(line 5, column 11 of the rendered text)"),
        "{report}"
    );
    assert!(
        report.ends_with("FC_OUT=FILE keeps the rendered text"),
        "{report}"
    );

    let kept = [folders[0], folders[1], ("FC_OUT", "/out.json")];
    let report = shown(&load_with(&folder, &kept).unwrap_err(), &folder);
    assert!(
        report.contains("(line 5, column 11 of out.json)"),
        "{report}"
    );
    let text = fs::read_to_string(folder.path().join("out.json")).unwrap();
    assert_eq!(text.lines().nth(4), Some("  \"port\": x,"));
}

#[test]
fn values_and_warnings_have_the_place_of_their_template_too() {
    let main =
        "{{ $port := 8080 }}\n{\"version\": 3,\n \"nmae\": \"a\",\n \"port\": {{ $port }}\n}";
    let folder = folder(&[("krakend.json", main)]);

    let loaded = load_with(&folder, &[ENABLE]).unwrap();
    let warning = &loaded.warnings[0];
    assert_eq!(
        (warning.line, warning.column),
        (Some(3), Some(2)),
        "{warning}"
    );
    assert_eq!(warning.severity, Severity::Warning);

    let path = KeyPath::root().key("port");
    let later = loaded
        .sources
        .problem(Severity::Error, &path, "is taken", None);
    assert_eq!((later.line, later.column), (Some(4), Some(2)), "{later}");
    assert!(later.message.contains("of the rendered text"), "{later}");
}

#[test]
fn fc_out_keeps_the_text_for_its_owner_and_decides_the_format() {
    let main = "version: 3\nname: {{ env \"NAME\" }}\n";
    let folder = folder(&[("krakend.json", main)]);
    let variables = [ENABLE, ("FC_OUT", "/out.yaml"), ("NAME", "shop")];

    let loaded = load_with(&folder, &variables).unwrap();

    assert_eq!(loaded.service.name, "shop");
    let out = folder.path().join("out.yaml");
    assert_eq!(
        fs::read_to_string(&out).unwrap(),
        "version: 3\nname: shop\n"
    );
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::mode(&out.metadata().unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);
    }

    let nowhere = [ENABLE, ("FC_OUT", "/no/such/folder/out.yaml")];
    let report = load_with(&folder, &nowhere).unwrap_err();
    assert!(
        report
            .to_string()
            .contains("out.yaml: error: cannot be written"),
        "{report}"
    );
}

#[cfg(unix)]
#[test]
fn a_file_that_others_may_read_is_replaced_by_one_that_they_may_not() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let folder = folder(&[("krakend.json", r#"{"version": 3}"#), ("out.json", "old")]);
    let out = folder.path().join("out.json");
    fs::set_permissions(&out, fs::Permissions::from_mode(0o644)).unwrap();
    // Somebody who has opened it before.
    let before = fs::File::open(&out).unwrap();

    load_with(&folder, &[ENABLE, ("FC_OUT", "/out.json")]).unwrap();

    assert_eq!(fs::read_to_string(&out).unwrap(), r#"{"version": 3}"#);
    let after = out.metadata().unwrap();
    assert_eq!(after.permissions().mode() & 0o777, 0o600);
    assert_eq!(std::io::read_to_string(&before).unwrap(), "old");
    assert_ne!(after.ino(), before.metadata().unwrap().ino());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[test]
fn fc_out_does_not_overwrite_what_the_text_is_made_of() {
    let main = r#"{"version": 3, "name": "{{ template "name.tmpl" }}"}"#;
    let folder = folder(&[("krakend.json", main), ("templates/name.tmpl", "shop")]);
    #[cfg(unix)]
    let link = {
        std::os::unix::fs::symlink("krakend.json", folder.path().join("link.json")).unwrap();
        ["/link.json"]
    };
    #[cfg(not(unix))]
    let link = [];
    let files = [
        "/krakend.json",
        "/templates/../krakend.json",
        "/templates/name.tmpl",
    ];
    for out in files.into_iter().chain(link) {
        let variables = [ENABLE, ("FC_TEMPLATES", "/templates"), ("FC_OUT", out)];
        let report = load_with(&folder, &variables).unwrap_err().to_string();
        assert!(
            report.contains("it would be overwritten"),
            "{out}: {report}"
        );
    }
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    assert_eq!(read("krakend.json"), main);
    assert_eq!(read("templates/name.tmpl"), "shop");
}

#[test]
fn without_fc_out_no_file_is_written() {
    let folder = folder(&[("krakend.json", r#"{"version": 3}"#)]);
    load_with(&folder, &[ENABLE]).unwrap();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn all_bad_settings_are_reported_at_once() {
    let folder = folder(&[
        ("krakend.json", r#"{"version": 3}"#),
        ("settings/a.json", "{\n \"a\": }"),
        ("settings/b.json", "[1]"),
        ("settings/c.json", "{\"n\": 1e999}"),
        ("settings/d.json", "null"),
        ("settings/e.yaml", "a: 1"),
        ("settings/notes.txt", "not looked at"),
    ]);
    let variables = [ENABLE, ("FC_SETTINGS", "/settings")];
    let report = shown(&load_with(&folder, &variables).unwrap_err(), &folder);
    for expected in [
        "settings/a.json:2:7: error: is not JSON",
        "settings/b.json: error: the file holds a list, not an object",
        "settings/c.json: error: a number is too large",
    ] {
        assert!(report.contains(expected), "{report}");
    }
    assert!(!report.contains("d.json"), "{report}");

    let none = [ENABLE, ("FC_SETTINGS", "/none")];
    let report = load_with(&folder, &none).unwrap_err().to_string();
    assert!(
        report.contains("the folder of FC_SETTINGS cannot be read"),
        "{report}"
    );
}

#[test]
fn settings_in_another_format_are_a_warning() {
    let folder = folder(&[
        ("krakend.json", r#"{"version": 3}"#),
        ("settings/e.yaml", "a: 1"),
    ]);
    let loaded = load_with(&folder, &[ENABLE, ("FC_SETTINGS", "/settings")]).unwrap();
    let warning = loaded.warnings[0].to_string();
    assert!(
        warning.contains("e.yaml: warning: is not read"),
        "{warning}"
    );
}

#[test]
fn the_environment_is_the_one_that_is_handed_in() {
    let folder = folder(&[(
        "krakend.json",
        r#"{"version": 3, "name": "{{ env "PATH" }}"}"#,
    )]);
    assert!(std::env::var_os("PATH").is_some());
    let loaded = load_with(&folder, &[ENABLE]).unwrap();
    assert_eq!(loaded.service.name, "");
}

#[test]
fn secrets_of_settings_and_environment_are_not_in_reports() {
    let main =
        r#"{"version": 3, "name": {{ .vault.token | upper | add 1 }}{{ env "TOKEN" | fromJson }} "#;
    let broken = r#"{"version": 3, "timeout": {{ .vault.token }}, "x": {{ env "TOKEN" }}}"#;
    let typed = r#"{"version": 3, "name": {{ index .vault.token "a" }}}"#;
    for text in [main, broken, typed] {
        let folder = folder(&[
            ("krakend.json", text),
            ("settings/vault.json", r#"{"token": "hunter2"}"#),
        ]);
        let variables = [ENABLE, ("FC_SETTINGS", "/settings"), ("TOKEN", "hunter3")];
        let report = load_with(&folder, &variables).unwrap_err();
        let text = format!("{report} {report:?}");
        assert!(!text.contains("hunter"), "{text}");
    }
}
