//! Initialised data folders, made once and copied for each use: a copy starts in a fraction of what initialising takes.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _, lchown, symlink};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::unistd::{Whence, lseek};

use super::cache::{self, Cache, CacheError};
use super::user::User;

const SECTION: &str = "templates";
/// Changes when what an entry looks like changes, so that old ones are not used.
const FORMAT: u32 = 1;
const DATA: &str = "data";
const KEY: &str = "key";

/// A data folder that is only copied, never used itself.
#[derive(Debug, Clone)]
pub struct Template {
    data: PathBuf,
}

/// What a template depends on: change any of it and another template is made.
#[derive(Debug, Clone)]
pub struct TemplateKey {
    name: String,
    lines: Vec<String>,
}

/// Why a template could not be made or copied.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError<E: std::error::Error + 'static> {
    /// The cache cannot be used.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// The server could not be initialised.
    #[error("cannot make the template {name}: {source}")]
    Build {
        /// What the template is of.
        name: String,
        /// What failed.
        source: E,
    },
}

/// Why a template could not be copied.
#[derive(Debug, thiserror::Error)]
#[error("cannot copy {} to {}: {source}; check that there is room and that it did not exist", from.display(), to.display())]
pub struct CopyError {
    /// What was being copied.
    pub from: PathBuf,
    /// Where to.
    pub to: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

impl TemplateKey {
    /// The key of a template of this, such as `postgres`: letters, digits, `-` and `.`.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), lines: Vec::new() }
    }

    /// Adds something the template depends on: a version, a setting, the format number of what the builder does. It is
    /// kept in plain text and so must be no secret.
    #[must_use]
    pub fn with(mut self, what: &str, value: &impl ToString) -> Self {
        self.lines.push(format!("{what}={}", value.to_string().escape_default()));
        self
    }

    fn text(&self) -> String {
        format!("{}\nformat={FORMAT}\n{}\n", self.name, self.lines.join("\n"))
    }

    /// The entry's name. A hash that differs between two builds of leaseproof only costs a second template.
    fn entry(&self, attempt: u32) -> String {
        let mut hasher = DefaultHasher::new();
        (self.text(), attempt).hash(&mut hasher);
        let name: String = self.name.chars().map(|c| if c.is_alphanumeric() || c == '.' { c } else { '-' }).collect();
        format!("{name}-{:016x}", hasher.finish())
    }
}

impl Template {
    /// The template with this key, made by `build` when there is none. `build` gets a folder that exists, is empty and
    /// belongs to `user` (`None` is ourselves); it initialises the server there and ends it. Of several processes that
    /// want one template, one makes it and the others wait. A build that fails or is killed leaves none.
    pub async fn ensure<E, F>(
        cache: &Cache,
        key: &TemplateKey,
        user: Option<User>,
        build: impl FnOnce(PathBuf) -> F + Send,
    ) -> Result<Self, TemplateError<E>>
    where
        E: std::error::Error + Send + 'static,
        F: Future<Output = Result<(), E>> + Send,
    {
        let make = |folder: PathBuf| async move {
            let data = folder.join(DATA);
            prepare(&folder, key, user)?;
            build(data).await.map_err(|source| TemplateError::Build { name: key.name.clone(), source })
        };
        let entry = cache.ensure(SECTION, &distinct_entry(cache, key), || {}, make).await?;
        Ok(Self { data: entry.into_path().join(DATA) })
    }

    /// The data folder, for reading.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Copies it to a path that does not exist yet, with all modes, and gives the copy to a user; `None` is ourselves.
    /// A copy that fails half-way is removed.
    pub async fn copy_to(&self, to: &Path, user: Option<User>) -> Result<(), CopyError> {
        let (from, target) = (self.data.clone(), to.to_path_buf());
        let failed = |from: &Path, to: &Path, source| CopyError { from: from.into(), to: to.into(), source };
        let copied = tokio::task::spawn_blocking(move || {
            if target.symlink_metadata().is_ok() {
                return Err(failed(&from, &target, io::ErrorKind::AlreadyExists.into()));
            }
            let copied = copy(&from, &target, user);
            if copied.is_err() {
                // The error that counts is the copy's.
                let _ = fs::remove_dir_all(&target);
            }
            copied
        });
        copied.await.unwrap_or_else(|_| Err(failed(&self.data, to, io::ErrorKind::Interrupted.into())))
    }
}

/// The entry's name; another one in the all but impossible case that a different key has the same hash.
fn distinct_entry(cache: &Cache, key: &TemplateKey) -> String {
    let taken_by_another = |entry: &String| {
        fs::read_to_string(cache.path(SECTION, entry).join(KEY)).is_ok_and(|present| present != key.text())
    };
    let mut attempt = 0;
    loop {
        let entry = key.entry(attempt);
        if !taken_by_another(&entry) {
            return entry;
        }
        attempt += 1;
    }
}

/// Makes the entry's folder: the key, and an empty data folder.
fn prepare(folder: &Path, key: &TemplateKey, user: Option<User>) -> Result<(), CacheError> {
    let data = folder.join(DATA);
    let make = |path: &Path, mode| {
        fs::DirBuilder::new().mode(mode).create(path)?;
        fs::set_permissions(path, fs::Permissions::from_mode(mode))
    };
    // The server's user passes through the outer folder to its data, which nobody else can read.
    make(folder, 0o711).map_err(cache::failed("create", folder))?;
    fs::write(folder.join(KEY), key.text()).map_err(cache::failed("write", folder))?;
    make(&data, 0o700).map_err(cache::failed("create", &data))?;
    match user {
        Some(user) => lchown(&data, Some(user.uid), Some(user.gid)).map_err(cache::failed("give away", &data)),
        None => Ok(()),
    }
}

/// Copies a file, link or folder with all that is in it.
fn copy(from: &Path, to: &Path, user: Option<User>) -> Result<(), CopyError> {
    let failed = |source| CopyError { from: from.into(), to: to.into(), source };
    let metadata = fs::symlink_metadata(from).map_err(failed)?;
    let kind = metadata.file_type();
    if kind.is_dir() {
        // Writable for us until it is full, and closed to others from the first.
        fs::DirBuilder::new().mode(0o700).create(to).map_err(failed)?;
        for entry in fs::read_dir(from).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            copy(&entry.path(), &to.join(entry.file_name()), user)?;
        }
        fs::set_permissions(to, metadata.permissions()).map_err(failed)?;
    } else if kind.is_symlink() {
        symlink(fs::read_link(from).map_err(failed)?, to).map_err(failed)?;
    } else if kind.is_file() {
        copy_file(from, to, &metadata).map_err(failed)?;
    } else {
        // A socket or pipe means that the server was not ended before its folder became a template.
        return Err(failed(io::Error::other("it is neither file, folder nor link")));
    }
    match user {
        Some(user) => lchown(to, Some(user.uid), Some(user.gid)).map_err(failed),
        None => Ok(()),
    }
}

/// Copies what a file holds and leaves its holes: a raft folder is 32 MiB long and holds a hundred KiB.
fn copy_file(from: &Path, to: &Path, metadata: &fs::Metadata) -> io::Result<()> {
    use std::io::{Read as _, Seek as _, SeekFrom};
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut source = fs::File::open(from)?;
    let mode = metadata.permissions().mode();
    let mut target = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(to)?;
    target.set_len(metadata.len())?;
    let offset = |at: u64| i64::try_from(at).map_err(io::Error::other);
    let mut at = 0;
    loop {
        let data = match lseek(&source, offset(at)?, Whence::SeekData) {
            Ok(data) => u64::try_from(data).map_err(io::Error::other)?,
            // Nothing but holes from here on.
            Err(Errno::ENXIO) => break,
            Err(error) => return Err(error.into()),
        };
        let hole = lseek(&source, offset(data)?, Whence::SeekHole)?;
        at = u64::try_from(hole).map_err(io::Error::other)?;
        source.seek(SeekFrom::Start(data))?;
        target.seek(SeekFrom::Start(data))?;
        io::copy(&mut (&source).take(at - data), &mut target)?;
    }
    // The umask may have taken something from it.
    target.set_permissions(metadata.permissions())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn build(data: PathBuf) -> Result<(), io::Error> {
        fs::create_dir(data.join("inner"))?;
        fs::write(data.join("inner/secret"), "value")?;
        fs::set_permissions(data.join("inner/secret"), fs::Permissions::from_mode(0o600))?;
        symlink("inner/secret", data.join("link"))?;
        fs::set_permissions(data.join("inner"), fs::Permissions::from_mode(0o500))
    }

    fn mode(path: &Path) -> u32 {
        path.symlink_metadata().unwrap().permissions().mode() & 0o7777
    }

    #[tokio::test]
    async fn a_copy_has_the_files_links_and_modes_of_its_template() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path().join("cache"));
        let key = TemplateKey::new("thing").with("version", &"1.2");
        let template = Template::ensure(&cache, &key, None, build).await.unwrap();
        let copy = folder.path().join("copy");
        template.copy_to(&copy, None).await.unwrap();
        assert_eq!(fs::read_to_string(copy.join("link")).unwrap(), "value");
        assert_eq!(fs::read_link(copy.join("link")).unwrap(), Path::new("inner/secret"));
        let modes = [copy.as_path(), &copy.join("inner"), &copy.join("inner/secret")].map(mode);
        assert_eq!(modes, [0o700, 0o500, 0o600]);
        assert_eq!(template.copy_to(&copy, None).await.unwrap_err().source.kind(), io::ErrorKind::AlreadyExists);
        // Or the temporary folder could not be removed by a user who is not root.
        for folder in [copy, template.data().into()] {
            fs::set_permissions(folder.join("inner"), fs::Permissions::from_mode(0o700)).unwrap();
        }
    }

    #[tokio::test]
    async fn a_copy_has_the_holes_of_its_template() {
        use std::os::unix::fs::{FileExt as _, MetadataExt as _};
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        let file = fs::File::create(&from).unwrap();
        file.set_len(8 << 20).unwrap();
        file.write_all_at(b"in the middle", 4 << 20).unwrap();
        copy(&from, &to, None).unwrap();
        assert!(fs::read(&from).unwrap() == fs::read(&to).unwrap());
        // In blocks of 512 bytes; a file system that knows no holes gives the template none either.
        let blocks = |path: &Path| path.metadata().unwrap().blocks();
        assert!(blocks(&to) <= blocks(&from) + 128, "{} {}", blocks(&to), blocks(&from));
    }

    #[tokio::test]
    async fn a_template_is_made_once_for_a_key_and_anew_for_another() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path());
        let key = |version: &str| TemplateKey::new("thing").with("version", &version);
        let write = |text: &'static str| move |data: PathBuf| async move { fs::write(data.join("file"), text) };
        let read = |template: Template| fs::read_to_string(template.data().join("file")).unwrap();
        assert_eq!(read(Template::ensure(&cache, &key("1"), None, write("first")).await.unwrap()), "first");
        assert_eq!(read(Template::ensure(&cache, &key("1"), None, write("second")).await.unwrap()), "first");
        assert_eq!(read(Template::ensure(&cache, &key("2"), None, write("third")).await.unwrap()), "third");
    }

    #[tokio::test]
    async fn a_build_that_fails_leaves_no_template() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path());
        let key = TemplateKey::new("thing");
        let fail = |data: PathBuf| async move {
            fs::write(data.join("file"), "half")?;
            Err(io::Error::other("initdb: no room"))
        };
        let error = Template::ensure(&cache, &key, None, fail).await.unwrap_err();
        assert_eq!(error.to_string(), "cannot make the template thing: initdb: no room");
        assert!(!cache.path(SECTION, &key.entry(0)).exists());
    }

    #[tokio::test]
    async fn a_key_whose_name_is_taken_by_another_gets_a_name_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path());
        let key = TemplateKey::new("thing");
        let taken = cache.path(SECTION, &key.entry(0));
        fs::create_dir_all(&taken).unwrap();
        fs::write(taken.join(KEY), "another key").unwrap();
        assert_eq!(distinct_entry(&cache, &key), key.entry(1));
    }
}
