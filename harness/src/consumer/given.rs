//! What a consumer is given: its folder with its files, what it authenticates with, addresses, and its environment.

use std::fs::{self, DirBuilder};
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::engine::approle::{self, Given};
use crate::event::{Actor, Event};
use crate::history::History;
use crate::hold::write_private;
use crate::provider::native::launch::Launch;
use crate::provider::native::ledger::Owner;
use crate::provider::native::name_of;
use crate::provider::{Programs, Provider};
use crate::scenario::consumer::{Runs, find_program};
use crate::scenario::file::Endpoint;
use crate::scenario::placeholder;
use crate::scenario::{Consumer, Dbms, Scenario};
use crate::service::{mysql, postgres};
use crate::stack::{DatabaseServer, Stack};

/// Where consumers are put, and what they reach from there.
pub struct Ground<'a> {
    /// The scenario's folder of this run.
    pub folder: &'a Path,
    /// Whose processes they are.
    pub owner: Owner,
    /// The secrets server's program, where it is one of this machine.
    pub vault_program: Option<&'a Path>,
    /// Folders of programs that are at hand beside those on PATH.
    pub programs: Vec<PathBuf>,
    /// Where Vault is, over the clients' link.
    pub vault: String,
    /// The database, over the clients' link.
    pub database: Option<(Dbms, SocketAddr)>,
    /// What the consumer authenticates with.
    pub given: &'a Given,
    /// The run's history.
    pub history: &'a History,
}

/// Why a consumer could not be prepared.
#[derive(Debug, thiserror::Error)]
pub enum ConsumerError {
    /// A file or folder.
    #[error("cannot {doing} {}: {source}; check that there is room", path.display())]
    File {
        /// What was being done.
        doing: &'static str,
        /// With what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Its program.
    #[error("consumer {consumer}: there is no program `{program}`, neither among its files nor on PATH")]
    Program {
        /// The consumer.
        consumer: String,
        /// The program.
        program: String,
    },
    /// The server's program is in a container, and nobody looked for one of this machine.
    #[error("consumer {consumer}: an agent is the secrets server's own program, which is in a container here")]
    Agent {
        /// The consumer.
        consumer: String,
    },
}

fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> ConsumerError {
    let path = path.to_path_buf();
    move |source| ConsumerError::File { doing, path, source }
}

/// Where the consumers of a scenario are put.
pub struct Place<'a> {
    /// What started the servers.
    pub provider: &'a Provider,
    /// The programs of the servers.
    pub programs: &'a Programs,
    /// The name of the scenario's folder among the run's.
    pub scenario_folder: &'a str,
}

/// Makes the consumers of a scenario, with all that each is given; none is started yet. The words say what stood in the way.
pub async fn prepare(
    place: &Place<'_>,
    stack: &Stack,
    scenario: &Scenario,
    history: &History,
) -> Result<Vec<Arc<super::Consumer>>, String> {
    let folder = place.provider.folder().join(place.scenario_folder);
    let here = matches!(place.provider, Provider::Native(_));
    let agent = if here { Some(&place.programs.vault) } else { place.programs.agent.as_ref() };
    if let Some(agent) = agent.filter(|_| !here) {
        let told = format!("agents run on this machine: {} is {}", agent.program.display(), name_of(agent));
        history.note(Actor::Harness, Event::Note(told));
    }
    let mut consumers = Vec::new();
    for spec in &scenario.consumers {
        let given = approle::give(&stack.vault.root(), spec).await.map_err(|error| error.to_string())?;
        let given = match given {
            Given::AppRole(approle) => {
                history.secrets().learn(approle.secret_id().clone());
                Given::AppRole(approle)
            }
            Given::Token(token) => Given::Token(history.secrets().learn(token)),
        };
        let programs = [Some(&place.programs.vault), place.programs.postgres.as_ref(), place.programs.mysql.as_ref()];
        let folders = programs.into_iter().flatten().filter_map(|found| Some(found.program.parent()?.to_owned()));
        let dbms = database_of(spec, stack, scenario);
        let link = dbms.and_then(|dbms| Some((dbms, stack.links.get(Endpoint::Clients, dbms.endpoint())?.address())));
        let ground = Ground {
            folder: &folder,
            owner: place.provider.owner(),
            vault_program: agent.map(|agent| agent.program.as_path()),
            programs: if here { folders.collect() } else { Vec::new() },
            vault: format!("http://{}", stack.vault.linked.address()),
            database: link,
            given: &given,
            history,
        };
        consumers.push(Arc::new(super::Consumer::prepare(spec, &ground).map_err(|error| error.to_string())?));
    }
    Ok(consumers)
}

/// The database of what a consumer holds, or may take; else the stack's first.
fn database_of(spec: &Consumer, stack: &Stack, scenario: &Scenario) -> Option<Dbms> {
    let mut roles = spec.holds.iter().map(|holds| &holds.role).chain(&spec.may_issue);
    let engine = scenario.database.as_ref();
    let of_role = roles.find_map(|role| engine?.dbms_of(role));
    of_role.or_else(|| stack.databases().next().map(DatabaseServer::dbms))
}

/// Makes its folder and everything in it.
pub(super) fn folder(consumer: &Consumer, ground: &Ground<'_>) -> Result<PathBuf, ConsumerError> {
    let folder = ground.folder.join(format!("consumer-{}", consumer.name));
    DirBuilder::new().mode(0o700).create(&folder).map_err(failed("make", &folder))?;
    let fill = |text: &str| placeholder::fill(text, &|name| value(name, ground, &folder));
    if let Some((from, _)) = &consumer.folder {
        copy(from, &folder, &fill)?;
    }
    for (name, text) in &consumer.files {
        let path = folder.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(failed("make", parent))?;
        }
        write_private(&path, &fill(text)).map_err(failed("write", &path))?;
    }
    let secrets = match ground.given {
        Given::AppRole(approle) => vec![("role_id", approle.role_id()), ("secret_id", approle.secret_id())],
        Given::Token(token) => vec![("token", token)],
    };
    for (name, secret) in secrets {
        let path = folder.join(name);
        write_private(&path, secret.expose()).map_err(failed("write", &path))?;
    }
    Ok(folder)
}

/// Copies a folder. What is text gets its placeholders filled; what may be executed stays so.
fn copy(from: &Path, to: &Path, fill: &impl Fn(&str) -> String) -> Result<(), ConsumerError> {
    for entry in fs::read_dir(from).map_err(failed("read", from))? {
        let entry = entry.map_err(failed("read", from))?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if source.is_dir() {
            fs::create_dir_all(&target).map_err(failed("make", &target))?;
            copy(&source, &target, fill)?;
            continue;
        }
        fs::copy(&source, &target).map_err(failed("copy", &source))?;
        let bytes = fs::read(&source).map_err(failed("read", &source))?;
        if let Ok(text) = String::from_utf8(bytes) {
            fs::write(&target, fill(&text)).map_err(failed("write", &target))?;
        }
    }
    Ok(())
}

/// What a placeholder stands for.
fn value(name: &str, ground: &Ground<'_>, folder: &Path) -> Option<String> {
    let file = |name: &str| folder.join(name).display().to_string();
    let (is_approle, is_token) = match ground.given {
        Given::AppRole(_) => (true, false),
        Given::Token(_) => (false, true),
    };
    match name {
        "vault_address" => Some(ground.vault.clone()),
        "database_host" => ground.database.map(|(_, address)| address.ip().to_string()),
        "database_port" => ground.database.map(|(_, address)| address.port().to_string()),
        "database_name" => ground.database.map(|(dbms, _)| database_name(dbms).to_owned()),
        "role_id_file" => is_approle.then(|| file("role_id")),
        "secret_id_file" => is_approle.then(|| file("secret_id")),
        "token_file" => is_token.then(|| file("token")),
        "folder" => Some(folder.display().to_string()),
        _ => None,
    }
}

fn database_name(dbms: Dbms) -> &'static str {
    match dbms {
        Dbms::Postgres => postgres::DATABASE,
        Dbms::Mysql => mysql::DATABASE,
    }
}

/// How it is started.
pub(super) fn launch(consumer: &Consumer, ground: &Ground<'_>, folder: &Path) -> Result<Launch, ConsumerError> {
    let fill = |text: &str| placeholder::fill(text, &|name| value(name, ground, folder));
    let (program, arguments) = match &consumer.runs {
        Runs::Program(program, arguments) => {
            let missing = || ConsumerError::Program { consumer: consumer.name.to_string(), program: program.clone() };
            let found = find_program(&fill(program), Some(folder)).ok_or_else(missing)?;
            (found, arguments.iter().map(|argument| fill(argument)).collect())
        }
        Runs::Shell(command) => (PathBuf::from("/bin/sh"), vec!["-c".to_owned(), fill(command)]),
        Runs::Agent(configuration) => {
            let missing = || ConsumerError::Agent { consumer: consumer.name.to_string() };
            let program = ground.vault_program.ok_or_else(missing)?;
            (program.to_owned(), vec!["agent".to_owned(), format!("-config={configuration}")])
        }
    };
    let mut launch = Launch::new(format!("consumer-{}", consumer.name), program, folder)
        .args(arguments)
        .log_to(folder.join("output"))
        .owned_by(ground.owner.clone());
    for (name, value) in environment(ground, folder) {
        launch = launch.env(name, value);
    }
    for (name, text) in &consumer.environment {
        launch = launch.env(name, fill(text));
    }
    Ok(launch)
}

/// What every consumer finds in its environment. Secrets are in files; here is where those are.
fn environment(ground: &Ground<'_>, folder: &Path) -> Vec<(&'static str, String)> {
    let mut all = vec![
        ("HOME", folder.display().to_string()),
        ("VAULT_ADDR", ground.vault.clone()),
        ("BAO_ADDR", ground.vault.clone()),
    ];
    let named = [
        ("LEASEPROOF_FOLDER", "folder"),
        ("LEASEPROOF_ROLE_ID_FILE", "role_id_file"),
        ("LEASEPROOF_SECRET_ID_FILE", "secret_id_file"),
        ("LEASEPROOF_TOKEN_FILE", "token_file"),
        ("LEASEPROOF_DATABASE_HOST", "database_host"),
        ("LEASEPROOF_DATABASE_PORT", "database_port"),
        ("LEASEPROOF_DATABASE_NAME", "database_name"),
    ];
    all.extend(named.into_iter().filter_map(|(variable, name)| Some((variable, value(name, ground, folder)?))));
    // What the databases' own clients read.
    let own = match ground.database {
        Some((Dbms::Postgres, _)) => {
            vec![("PGHOST", "database_host"), ("PGPORT", "database_port"), ("PGDATABASE", "database_name")]
        }
        Some((Dbms::Mysql, _)) => vec![("MYSQL_HOST", "database_host"), ("MYSQL_TCP_PORT", "database_port")],
        None => Vec::new(),
    };
    all.extend(own.into_iter().filter_map(|(variable, name)| Some((variable, value(name, ground, folder)?))));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::split_paths(&path).chain(ground.programs.iter().cloned());
    if let Ok(path) = std::env::join_paths(path) {
        all.push(("PATH", path.to_string_lossy().into_owned()));
    }
    all
}
