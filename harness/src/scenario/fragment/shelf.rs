//! Where the files of fragments come from: the disk, or the program itself.

use std::io;
use std::path::{Component, Path, PathBuf};

use super::super::diagnostic::Diagnostic;
use super::super::hint::did_you_mean;
use super::super::node::LARGEST_FILE;
use super::called::Called;

/// Where fragments are looked for.
pub trait Shelf: Sync {
    /// The bytes of a file, or so many of them that it is seen to be too large.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;
    /// The names of all files in a folder, for "did you mean".
    fn names(&self, folder: &Path) -> Vec<String>;
}

/// The files of this machine.
#[derive(Debug, Clone, Copy)]
pub struct Disk;

impl Shelf for Disk {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        use io::Read as _;
        let mut bytes = Vec::new();
        std::fs::File::open(path)?.take(LARGEST_FILE as u64 + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn names(&self, folder: &Path) -> Vec<String> {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    }
}

/// Whether a text is that of a fragment: `fragment` is a key at its top. A look at the lines will do, since nothing of a
/// scenario but a key at its top begins a line so.
pub fn is_fragment(text: &[u8]) -> bool {
    text.split(|byte| *byte == b'\n').any(|line| line.starts_with(b"fragment:"))
}

/// A path without `.` and `..`, as far as that goes without looking at the disk.
pub(super) fn clean(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if matches!(clean.components().next_back(), Some(Component::Normal(_))) => {
                clean.pop();
            }
            other => clean.push(other),
        }
    }
    clean
}

/// A fragment that cannot be read.
pub(super) fn unreadable(called: &Called, path: &Path, error: &io::Error, shelf: &dyn Shelf) -> Diagnostic {
    let shown = path.display();
    if error.kind() != io::ErrorKind::NotFound {
        return Diagnostic::error(called.at, format!("the fragment {shown} cannot be read"))
            .label(error.to_string())
            .help("it must be a file that whoever runs leaseproof may read");
    }
    let mut names = path.parent().map(|folder| shelf.names(folder)).unwrap_or_default();
    names.retain(|name| Path::new(name).extension().is_some_and(|e| e == "yaml" || e == "yml"));
    names.sort();
    let wanted = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let meant = did_you_mean(&wanted, names.iter().map(String::as_str));
    let folder = Path::new(&called.path).parent().unwrap_or(Path::new(""));
    let help = match meant {
        Some(meant) => format!("did you mean `{}`?", folder.join(meant).display()),
        None => "its path begins at the folder of this file".to_owned(),
    };
    Diagnostic::error(called.at, format!("there is no fragment {shown}")).label("no such file").help(help)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_cleaned_of_all_that_leads_nowhere() {
        let cases = [("a/./b/../c.yaml", "a/c.yaml"), ("../x.yaml", "../x.yaml"), ("a/../../x", "../x"), ("./x", "x")];
        for (path, cleaned) in cases {
            assert_eq!(clean(Path::new(path)), Path::new(cleaned), "{path}");
        }
    }

    #[test]
    fn a_fragment_is_known_by_its_key_and_not_by_a_word_further_in() {
        assert!(is_fragment(b"# first\nfragment: A role\nsteps: []\n"));
        assert!(!is_fragment(b"name: One\nabout: |\n  fragment: no\n"));
    }
}
