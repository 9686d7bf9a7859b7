//! Lists what `cuttle plugin new` writes, to be embedded: the examples of
//! plugins, the contract, and the author kit.

use std::{
    error::Error,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

/// Constants, and the folders of the repository that they hold.
const FOLDERS: [(&str, &str); 6] = [
    ("RUST", "examples/plugins/rust"),
    ("JAVASCRIPT", "examples/plugins/js"),
    ("PYTHON", "examples/plugins/python"),
    ("C", "examples/plugins/c"),
    ("CONTRACT", "wit"),
    ("KIT", "plugins/sdk"),
];

/// Writes `templates.rs` to `out`: a list of paths and contents for each folder.
///
/// # Errors
/// A folder or a file that cannot be read.
pub fn write(repository: &Path, out: &Path) -> Result<(), Box<dyn Error>> {
    let repository = repository.canonicalize()?;
    let mut source = String::new();
    for (name, folder) in FOLDERS {
        let folder = repository.join(folder);
        let mut files = Vec::new();
        list(&folder, &ignored(&folder), &mut files)?;
        files.sort();
        writeln!(source, "pub(super) const {name}: Files = &[")?;
        for file in files {
            // Not the folder: what is built in it would count as a change.
            println!("cargo::rerun-if-changed={}", file.display());
            let path = file.strip_prefix(&folder)?.display();
            writeln!(
                source,
                "({:?}, include_bytes!({file:?})),",
                path.to_string()
            )?;
        }
        source.push_str("];\n");
    }
    Ok(fs::write(out.join("templates.rs"), source)?)
}

/// What `.gitignore` names: folders, each on a line of its own.
fn ignored(folder: &Path) -> Vec<String> {
    let text = fs::read_to_string(folder.join(".gitignore")).unwrap_or_default();
    text.lines()
        .map(|line| line.trim_end_matches('/').to_owned())
        .collect()
}

fn list(folder: &Path, ignored: &[String], files: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if ignored.iter().any(|ignored| *ignored == name) {
            continue;
        }
        if path.is_dir() {
            list(&path, ignored, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
