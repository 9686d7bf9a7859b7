//! `plugin new`: what it writes and what it leaves alone. `e2e/languages.rs`
//! builds and runs the projects.

use std::fs;

use cuttle_tests::run;

/// Languages, and what is theirs beside what every project has.
const LANGUAGES: [(&str, &[&str]); 4] = [
    (
        "rust",
        &[
            "Cargo.toml",
            "Cargo.lock",
            "src/lib.rs",
            "vendor/cuttle-plugin-sdk/src/lib.rs",
        ],
    ),
    (
        "js",
        &[
            "package.json",
            "package-lock.json",
            "plugin.js",
            "settings.test.js",
        ],
    ),
    (
        "python",
        &["requirements.txt", "app.py", "test_settings.py"],
    ),
    (
        "c",
        &[
            "plugin.c",
            "settings_test.c",
            "bindings/http_client_plugin.h",
        ],
    ),
];
const EVERY: [&str; 6] = [
    ".gitignore",
    "Makefile",
    "README.md",
    "cases.yaml",
    "krakend.json",
    "wit/types.wit",
];

#[tokio::test]
async fn a_project_of_each_language_is_written() {
    for (language, own) in LANGUAGES {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let written = run(
            folder.path(),
            &["plugin", "new", "my-own", "--lang", language],
        )
        .await;
        assert_eq!(written.code, 0, "{written:?}");
        assert!(written.stderr.contains("README.md"), "{written:?}");
        for file in EVERY.iter().chain(own) {
            let path = folder.path().join("my-own").join(file);
            assert!(path.is_file(), "{language}: {file}");
        }
    }
}

#[tokio::test]
async fn rust_is_the_default_and_the_folder_is_free_to_choose() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let written = run(
        folder.path(),
        &["plugin", "new", "my-own", "--path", "elsewhere"],
    )
    .await;
    assert_eq!(written.code, 0, "{written:?}");
    assert!(folder.path().join("elsewhere/src/lib.rs").is_file());
    assert!(!folder.path().join("my-own").exists());
}

#[tokio::test]
async fn what_is_there_is_left_alone() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::create_dir(folder.path().join("my-own")).expect("a folder");
    fs::write(folder.path().join("my-own/krakend.json"), "mine").expect("a file");
    let refused = run(folder.path(), &["plugin", "new", "my-own"]).await;
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.stderr.contains("is there already"), "{refused:?}");
    let files = fs::read_dir(folder.path().join("my-own")).expect("the folder");
    assert_eq!(files.count(), 1);
    let kept = fs::read_to_string(folder.path().join("my-own/krakend.json")).expect("the file");
    assert_eq!(kept, "mine");
}

#[tokio::test]
async fn a_name_that_is_no_file_stem_is_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for name in ["../out", "My_Plugin", "a.b", ""] {
        let refused = run(folder.path(), &["plugin", "new", name]).await;
        assert_eq!(refused.code, 1, "{refused:?}");
        assert!(refused.stderr.contains("lower-case letters"), "{refused:?}");
    }
    let language = run(folder.path(), &["plugin", "new", "a", "--lang", "cobol"]).await;
    assert_ne!(language.code, 0);
    assert!(language.stderr.contains("python"), "{language:?}");
    assert_eq!(fs::read_dir(folder.path()).expect("the folder").count(), 0);
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let refused = run(folder.path(), &["plugin", "new", "a", "--path", "no/where"]).await;
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(
        refused.stderr.contains("no/where cannot be made"),
        "{refused:?}"
    );
}
