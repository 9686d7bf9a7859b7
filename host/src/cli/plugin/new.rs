//! `cuttle plugin new`.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, bail, ensure};
use clap::Args;

use super::template::{self, Language};
use crate::cli::say;

/// Longest name of a plugin, in bytes: it is the stem of a file, and stands in
/// log lines.
const MAX_NAME: usize = 64;

#[derive(Debug, Args)]
pub(in crate::cli) struct NewArgs {
    /// Name of the plugin and of its file: lower-case words joined by `-`.
    name: String,
    /// Language of the plugin.
    #[arg(long, value_enum, default_value_t = Language::Rust)]
    lang: Language,
    /// Folder to make for the project; by default the name, in the current folder.
    #[arg(long, value_name = "DIR")]
    path: Option<PathBuf>,
}

/// Writes the project, and says how to go on.
pub(super) fn new(args: &NewArgs) -> ExitCode {
    let folder = args.path.clone().unwrap_or_else(|| (&args.name).into());
    match write(args, &folder) {
        Ok(()) => {
            say(&format!(
                "Wrote the plugin {} to {}.",
                args.name,
                folder.display()
            ));
            say("`make` builds it, `make test` tests it; its README.md has what they need.");
            ExitCode::SUCCESS
        }
        Err(error) => {
            say(&format!("Error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn write(args: &NewArgs, folder: &Path) -> anyhow::Result<()> {
    check_name(&args.name)?;
    let files = template::project(&args.name, args.lang)?;
    make(folder)?;
    for (path, content) in files {
        let path = folder.join(path);
        put(&path, &content).with_context(|| path.display().to_string())?;
    }
    Ok(())
}

fn put(path: &Path, content: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, content)
}

/// The one place that decides that nothing is overwritten: everything is
/// written into a folder that was not there before.
fn make(folder: &Path) -> anyhow::Result<()> {
    match fs::create_dir(folder) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => bail!(
            "{} is there already and stays as it is: name another folder with --path",
            folder.display()
        ),
        Err(error) => Err(error).with_context(|| format!("{} cannot be made", folder.display())),
    }
}

/// Such a name is the stem of a file, a package of cargo and of npm, and needs
/// no quotes anywhere.
fn check_name(name: &str) -> anyhow::Result<()> {
    let word = |word: &str| {
        let mut bytes = word.bytes();
        !word.is_empty() && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    let words = name.split('-').all(word);
    let begins = name.starts_with(|first: char| first.is_ascii_lowercase());
    ensure!(
        words && begins && name.len() <= MAX_NAME,
        "{name:?} cannot be the name of a plugin: use lower-case letters and digits in words joined by `-`, \
         beginning with a letter, at most {MAX_NAME} in all, as in `adds-header`"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_lower_case_words_joined_by_hyphens() {
        for good in ["a", "adds-header", "h2", "a-2-b"] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        let long = "a".repeat(MAX_NAME + 1);
        for bad in [
            "", "-", "a-", "-a", "a--b", "2a", "A", "a_b", "a.b", "a/b", "..", "a b", "ä", "a\n",
            &long,
        ] {
            let refused = check_name(bad).unwrap_err().to_string();
            assert!(refused.contains("adds-header"), "{bad:?}: {refused}");
        }
    }
}
