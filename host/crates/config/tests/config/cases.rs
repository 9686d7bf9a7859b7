//! Each configuration of `tests/cases` stands beside a `.problems` file with
//! what is said about it. `CUTTLE_BLESS=1` writes those files anew.

use std::{env, fs, path::Path};

use cuttle_config::{Options, parse};

#[test]
fn every_case_has_exactly_its_problems() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let bless = env::var_os("CUTTLE_BLESS").is_some();
    let mut failures = Vec::new();
    let mut cases = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if let Some(case) = name.strip_suffix(".problems") {
            assert!(folder.join(case).exists(), "{name} belongs to no case");
            continue;
        }
        cases += 1;
        let expected_file = folder.join(format!("{name}.problems"));
        let problems = problems(&fs::read_to_string(&path).unwrap(), &name);
        if bless {
            fs::write(&expected_file, &problems).unwrap();
        }
        let expected = fs::read_to_string(&expected_file).unwrap_or_default();
        if problems != expected || !expected_file.exists() {
            failures.push(format!("{name}: expected\n{expected}\ngot\n{problems}"));
        }
    }
    assert!(cases > 20, "only {cases} cases found");
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

/// First the verdict, then one problem after the other.
fn problems(text: &str, name: &str) -> String {
    let (verdict, problems) = match parse(text, Path::new(name), &Options::default()) {
        Ok(loaded) => ("loads", loaded.warnings),
        Err(report) => ("refused", report.problems),
    };
    let lines = problems.iter().map(|problem| format!("{problem}\n"));
    format!("{verdict}\n{}", lines.collect::<String>())
}
