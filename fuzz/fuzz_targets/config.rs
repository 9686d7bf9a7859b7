//! Whatever stands in a file, reading it ends with a configuration or with
//! problems. The first byte chooses the format.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((format, text)) = data.split_first() else {
        return;
    };
    let name = match format {
        b'y' => "krakend.yaml",
        b't' => "krakend.toml",
        _ => "krakend.json",
    };
    let text = String::from_utf8_lossy(text);
    match cuttle_config::parse(&text, Path::new(name), &Default::default()) {
        Ok(loaded) => drop(format!("{:?}{:?}", loaded.service, loaded.warnings)),
        Err(report) => {
            assert!(!report.problems.is_empty(), "refused without a reason");
            drop(report.to_string());
        }
    }
});
