//! Values that stand outside of the configuration file: in a variable of the
//! environment, or in a file. They are secrets, so no message repeats them.
//! Read each time a gateway is assembled, so a reload finds new ones.

use std::{fs::File, io::Read as _, path::Path};

use cuttle_pipeline::config::Reference;

/// Certificates are some KiB, passwords less: whatever is larger is no value.
const MAX_BYTES: u64 = 1 << 20;

/// Reads one environment variable.
pub(super) type Environment<'a> = &'a (dyn Fn(&str) -> Option<String> + 'a);

/// What `reference` stands for; otherwise why it stands for nothing.
pub(super) fn read(reference: &Reference, environment: Environment<'_>) -> Result<String, String> {
    match reference {
        Reference::Text(text) => Ok(text.clone()),
        Reference::Variable(name) => match environment(name) {
            Some(value) if !value.is_empty() => Ok(value),
            Some(_) => Err(format!("the environment variable `{name}` is empty")),
            None => Err(format!("the environment variable `{name}` is not set")),
        },
        Reference::File(path) => {
            file(path).map_err(|why| format!("the file `{}` {why}", path.display()))
        }
    }
}

/// The text of a file without the line break that editors leave at its end.
pub(super) fn file(path: &Path) -> Result<String, String> {
    let opened = File::open(path).map_err(|error| format!("cannot be read: {error}"))?;
    let mut bytes = Vec::new();
    let read = opened.take(MAX_BYTES + 1).read_to_end(&mut bytes);
    read.map_err(|error| format!("cannot be read: {error}"))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(format!("is larger than {} MiB", MAX_BYTES >> 20));
    }
    let mut text = String::from_utf8(bytes).map_err(|_| "is not text in UTF-8".to_owned())?;
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    match text.is_empty() {
        true => Err("is empty".to_owned()),
        false => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(bytes: &[u8]) -> (tempfile::TempDir, Reference) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("value");
        std::fs::write(&path, bytes).unwrap();
        (folder, Reference::File(path))
    }

    #[test]
    fn one_line_break_at_the_end_of_a_file_is_not_part_of_the_value() {
        for (bytes, value) in [
            (&b"s3cret"[..], "s3cret"),
            (b"s3cret\n", "s3cret"),
            (b"s3cret\r\n", "s3cret"),
            (b"s3cret\n\n", "s3cret\n"),
            (b" s3\ncret ", " s3\ncret "),
        ] {
            let (_folder, reference) = written(bytes);
            assert_eq!(read(&reference, &|_| None).unwrap(), value);
        }
    }

    #[test]
    fn a_reference_to_nothing_is_an_error_that_names_it() {
        let variable = |name: &str| (name == "EMPTY").then(String::new);
        let missing = Reference::File("/nonexistent/secret".into());
        for (reference, expected) in [
            (Reference::Variable("GONE".into()), "`GONE` is not set"),
            (Reference::Variable("EMPTY".into()), "`EMPTY` is empty"),
            (missing, "/nonexistent/secret"),
            (written(b"\n").1, "is empty"),
        ] {
            let error = read(&reference, &variable).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn an_error_repeats_nothing_of_a_file() {
        let large = vec![b's'; MAX_BYTES as usize + 1];
        for bytes in [&b"hunter2\xff"[..], &large, b"\n"] {
            let (_folder, reference) = written(bytes);
            let error = read(&reference, &|_| None).unwrap_err();
            assert!(
                !error.contains("hunter2") && !error.contains("sss"),
                "{error}"
            );
        }
    }
}
