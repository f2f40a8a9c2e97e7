//! PostgreSQL as a process of this machine: its initialised folder, and how it is started.

use std::fs;
use std::path::{Path, PathBuf};

use futures_util::FutureExt as _;
use nix::sys::signal::Signal;

use super::cache::Cache;
use super::database::{ADMIN_PASSWORD, Place};
use super::find::Found;
use super::launch::Launch;
use super::port::Port;
use super::private::{broken, make_folder, write_private};
use super::process::Process;
use super::template::{Template, TemplateKey};
use super::up::claim;
use super::user::User;
use crate::history::History;
use crate::outcome::Outcome;
use crate::provider::UpError;
use crate::scenario::Dbms;
use crate::secret::{KnownSecrets, Secret};
use crate::service::postgres::launch::{HBA, configuration};
use crate::stack::StackError;
use crate::time::Clock;

/// An initialised data folder, made once for each version.
pub(super) async fn template(cache: &Cache, program: &Found, user: Option<User>) -> Result<Template, UpError> {
    let key = TemplateKey::new("postgres").with("version", &program.version).with("settings", &2);
    let program = program.clone();
    let build = move |data| initdb(program, data, user).boxed();
    Template::ensure(cache, &key, user, build).await.map_err(|e| UpError::Machine(e.to_string()))
}

/// Writes its settings; gives how it is started with them.
pub(super) fn launch(place: &Place<'_>, program: &Found, port: &Port, max_connections: u32) -> Result<Launch, UpError> {
    let Place { folder, data, user, .. } = *place;
    write_private(&data.join("postgresql.conf"), &configuration("127.0.0.1", port.number(), max_connections), user)?;
    write_private(&data.join("pg_hba.conf"), HBA, user)?;
    Ok(Launch::new("postgres", &program.program, folder)
        .args(["-D".into(), data.as_os_str().to_owned()])
        .run_as(user)
        .on_harness_death(Signal::SIGQUIT)
        .polite_signal(Signal::SIGINT))
}

async fn initdb(program: Found, data: PathBuf, user: Option<User>) -> Result<(), UpError> {
    let folder = data.with_file_name("making");
    make_folder(&folder, user)?;
    let password = folder.join("password");
    write_private(&password, Secret::random().expose(), user)?;
    let launch = Launch::new("initdb", program.program.with_file_name("initdb"), &folder)
        .args(["-D".into(), data.as_os_str().to_owned()])
        .args(["--username=postgres", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync"])
        // A small log: the folder is copied for every scenario.
        .arg("--wal-segsize=1")
        .arg(format!("--pwfile={}", password.display()))
        .run_as(user);
    let process = Process::new(launch);
    process.start().await.map_err(StackError::from)?;
    let exit = process.exited().await.map_err(StackError::from)?;
    if !exit.status.is_some_and(|status| status.success()) {
        let log = fs::read_to_string(process.log()).unwrap_or_default();
        return Err(UpError::Machine(format!("initdb failed: {exit}\n{log}")));
    }
    let kept = data.join(ADMIN_PASSWORD);
    fs::rename(&password, &kept).map_err(|e| broken("keep", &kept, &e))?;
    slim_down(&program, &data, &folder, user).await?;
    fs::remove_dir_all(&folder).map_err(|e| broken("remove", &folder, &e))
}

/// Drops the databases that new databases are made from: two thirds of the files, and copying files is what a stack waits
/// for. Only CREATE DATABASE needs them, which no scenario of a secrets engine does.
async fn slim_down(program: &Found, data: &Path, folder: &Path, user: Option<User>) -> Result<(), UpError> {
    let history = History::in_memory(Clock::start(), KnownSecrets::default());
    let place = Place { folder, data, user, owner: None };
    let server = place.server(Dbms::Postgres, program, claim()?, 10, &history)?;
    server.machine.start().await?;
    server.until_ready().await?;
    for sql in [
        "UPDATE pg_database SET datistemplate = false WHERE datistemplate",
        "DROP DATABASE template0",
        "DROP DATABASE template1",
    ] {
        if let no @ (Outcome::Refused(_) | Outcome::Unknown(_)) = server.direct.run(&server.admin, sql).await.outcome {
            return Err(UpError::Machine(format!("postgres would not do “{sql}”: {no}")));
        }
    }
    Ok(server.machine.stop().await?)
}
