//! MySQL or MariaDB as a process of this machine: its initialised folder, and how it is started.

use std::fs;
use std::path::{Path, PathBuf};

use futures_util::FutureExt as _;
use nix::sys::signal::Signal;

use super::cache::Cache;
use super::database::{ADMIN_PASSWORD, Place};
use super::find::Found;
use super::launch::Launch;
use super::part::Product;
use super::port::Port;
use super::private::{broken, make_folder, write_private};
use super::process::Process;
use super::template::{Template, TemplateKey};
use super::user::User;
use crate::provider::UpError;
use crate::secret::Secret;
use crate::service::mysql::launch::{administration, configuration};
use crate::stack::StackError;

/// What MariaDB's `mariadb-install-db` hands to the server, of which this leaves out help texts, samples and users: each
/// under the name of MariaDB 11 and the one before.
const SYSTEM_TABLES: [[&str; 2]; 3] = [
    ["mariadb_system_tables.sql", "mysql_system_tables.sql"],
    ["mariadb_performance_tables.sql", "mysql_performance_tables.sql"],
    ["mariadb_system_tables_data.sql", "mysql_system_tables_data.sql"],
];

/// Where the harness comes from.
const LOOPBACK: &str = "127.0.0.1";

/// An initialised data folder, made once for each product and version.
pub(super) async fn template(cache: &Cache, program: &Found, user: Option<User>) -> Result<Template, UpError> {
    let key = TemplateKey::new("mysql")
        .with("product", &program.product)
        .with("version", &program.version)
        .with("settings", &2);
    let program = program.clone();
    let build = move |data| initialise(program, data, user).boxed();
    Template::ensure(cache, &key, user, build).await.map_err(|e| UpError::Machine(e.to_string()))
}

/// Writes its settings; gives how it is started with them.
pub(super) fn launch(place: &Place<'_>, program: &Found, port: &Port, max_connections: u32) -> Result<Launch, UpError> {
    let Place { folder, data, user, .. } = *place;
    let file = settings(program, folder, data, Some(port), max_connections, user)?;
    Ok(Launch::new("mysql", &program.program, folder)
        .arg(format!("--defaults-file={}", file.display()))
        .run_as(user)
        .on_harness_death(Signal::SIGKILL)
        .polite_signal(Signal::SIGTERM))
}

/// Writes the settings of a server; gives their file.
fn settings(
    program: &Found,
    folder: &Path,
    data: &Path,
    port: Option<&Port>,
    max_connections: u32,
    user: Option<User>,
) -> Result<PathBuf, UpError> {
    let (home, data) = (home(program).display(), data.display());
    let network = port.map_or_else(
        || "skip_networking\n".to_owned(),
        |port| format!("bind_address = 127.0.0.1\nport = {}\n", port.number()),
    );
    let general = configuration(program.product == Product::MariaDb, max_connections);
    // A socket's whole path may have 107 bytes; one that is not whole begins at the data folder.
    let places =
        format!("basedir = {home}\ndatadir = {data}\ntmpdir = {data}\nsocket = mysqld.sock\npid_file = mysqld.pid\n");
    let file = folder.join("my.cnf");
    write_private(&file, &format!("[mysqld]\n{places}{network}{general}"), user)?;
    Ok(file)
}

/// The folder that a server's own files are below: two above its program.
fn home(program: &Found) -> &Path {
    program.program.parent().and_then(Path::parent).unwrap_or(Path::new("/usr"))
}

async fn initialise(program: Found, data: PathBuf, user: Option<User>) -> Result<(), UpError> {
    let folder = data.with_file_name("making");
    make_folder(&folder, user)?;
    let password = Secret::random();
    let settings = settings(&program, &folder, &data, None, 10, user)?;
    let launch = match program.product {
        Product::MariaDb => bootstrap(&program, &folder, &settings, &password, user)?,
        _ => initialize(&program, &folder, &settings, &password, user)?,
    };
    let process = Process::new(launch.run_as(user));
    process.start().await.map_err(StackError::from)?;
    let exit = process.exited().await.map_err(StackError::from)?;
    if !exit.status.is_some_and(|status| status.success()) {
        let log = fs::read_to_string(process.log()).unwrap_or_default();
        return Err(UpError::Machine(format!("a data folder could not be initialised: {exit}\n{log}")));
    }
    write_private(&data.join(ADMIN_PASSWORD), password.expose(), user)?;
    fs::remove_dir_all(&folder).map_err(|e| broken("remove", &folder, &e))
}

/// MariaDB makes its system tables from statements that it is given.
fn bootstrap(
    program: &Found,
    folder: &Path,
    settings: &Path,
    password: &Secret,
    user: Option<User>,
) -> Result<Launch, UpError> {
    let mut sql = "create database mysql;\nuse mysql;\n\
        SET @auth_root_socket = NULL, @skip_auth_anonymous = 1, @current_hostname = 'localhost';\n"
        .to_owned();
    for names in SYSTEM_TABLES {
        let file = system_tables(home(program), names)?;
        sql.push_str(&fs::read_to_string(&file).map_err(|e| broken("read", &file, &e))?);
        sql.push('\n');
    }
    sql.push_str("DELETE FROM global_priv WHERE user = 'root';\nDELETE FROM proxies_priv;\nFLUSH PRIVILEGES;\n");
    sql.push_str(&administration(password, LOOPBACK));
    let statements = folder.join("bootstrap.sql");
    write_private(&statements, &sql, user)?;
    // The server reads them from its standard input and from nowhere else.
    Ok(Launch::new("mariadb-bootstrap", "/bin/sh", folder)
        .args(["-c", r#"file=$1; shift; exec "$@" < "$file""#, "sh"])
        .arg(&statements)
        .arg(&program.program)
        .arg(format!("--defaults-file={}", settings.display()))
        .arg("--bootstrap"))
}

fn system_tables(home: &Path, names: [&str; 2]) -> Result<PathBuf, UpError> {
    let folders = ["share/mysql", "share/mariadb", "share"].map(|folder| home.join(folder));
    let places = folders.iter().flat_map(|folder| names.map(|name| folder.join(name)));
    let missing = || UpError::Machine(format!("{} of MariaDB is not below {}", names.join(" or "), home.display()));
    places.into_iter().find(|file| file.is_file()).ok_or_else(missing)
}

/// MySQL makes its system tables by itself.
fn initialize(
    program: &Found,
    folder: &Path,
    settings: &Path,
    password: &Secret,
    user: Option<User>,
) -> Result<Launch, UpError> {
    let statements = folder.join("administration.sql");
    write_private(&statements, &administration(password, LOOPBACK), user)?;
    Ok(Launch::new("mysql-initialize", &program.program, folder)
        .arg(format!("--defaults-file={}", settings.display()))
        .arg("--initialize-insecure")
        .arg(format!("--init-file={}", statements.display())))
}
