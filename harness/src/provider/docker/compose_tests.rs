//! The compose files are for trying by hand what the harness starts: the same images, and the same settings. What a server
//! is given there is written by the functions that give it to the harness's own (`LEASEPROOF_BLESS=1` writes it anew).

use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;
use serde_json::{Map, Value, json};

use super::database::mysql_settings;
use super::image::Images;
use crate::provider::native::part::Part;
use crate::scenario::file::Storage;
use crate::scenario::{self, Dbms};
use crate::secret::Secret;
use crate::service::aws::launch::LOCALSTACK;
use crate::service::vault::launch::Launch;
use crate::service::{mysql, postgres};

/// The password of everything that has one: nothing is published but on loopback, and nothing lasts.
const PASSWORD: &str = "by-hand-only";

fn compose() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../compose")
}

/// A server's configuration file, as the harness writes it for one of that name on that network.
fn vault(name: &str, storage: Storage, clustered: bool, hashicorp: bool) -> Value {
    let launch = Launch {
        storage,
        data: Path::new("/openbao/file"),
        listen: "0.0.0.0:8200".to_owned(),
        node_id: name.to_owned(),
        cluster: "0.0.0.0:8201".to_owned(),
        clustered,
        peers: format!("{name}:8201"),
        api: format!("{name}:8200"),
        seal: None,
        hashicorp,
        plugins: None,
        audited: false,
        more: &Map::new(),
    };
    serde_json::from_str(&launch.configuration()).unwrap()
}

/// A node of three. The harness writes a list of peers into a folder that is initialised already; by hand they join.
fn node(number: u8) -> Value {
    let mut node = vault(&format!("vault-{number}"), Storage::Raft, true, false);
    let others = (1..=3).filter(|other| *other != number);
    let join: Vec<Value> =
        others.map(|other| json!({ "leader_api_addr": format!("http://vault-{other}:8200") })).collect();
    node["storage"]["raft"]["retry_join"] = json!(join);
    node
}

fn file(name: &str) -> String {
    let pretty = |value: &Value| serde_json::to_string_pretty(value).unwrap() + "\n";
    let loaded = scenario::parse(
        "name: x\nstack: { vault: {}, postgres: {}, mysql: {} }\nsteps:\n  - api: { path: sys/health, answers: { status: 200 } }\n",
    );
    let stack = loaded.scenario.unwrap().stack;
    match name {
        "vault/inmem.json" => pretty(&vault("vault", Storage::Inmem, false, false)),
        "vault/hashicorp.json" => pretty(&vault("vault", Storage::Inmem, false, true)),
        "vault/raft-1.json" => pretty(&node(1)),
        "vault/raft-2.json" => pretty(&node(2)),
        "vault/raft-3.json" => pretty(&node(3)),
        "postgres/postgresql.conf" => {
            postgres::launch::configuration("*", 5432, stack.database(Dbms::Postgres).unwrap().max_connections)
        }
        "postgres/pg_hba.conf" => postgres::launch::HBA_OF_CONTAINER.to_owned(),
        "mysql/my.cnf" => mysql_settings(false, stack.database(Dbms::Mysql).unwrap().max_connections),
        "mysql/administration.sql" => mysql::launch::administration(&Secret::new(PASSWORD), "%"),
        _ => PASSWORD.to_owned(),
    }
}

#[rstest::rstest]
fn a_server_is_given_what_the_harness_gives_it(
    #[values(
        "vault/inmem.json",
        "vault/hashicorp.json",
        "vault/raft-1.json",
        "vault/raft-2.json",
        "vault/raft-3.json",
        "postgres/postgresql.conf",
        "postgres/pg_hba.conf",
        "postgres/password",
        "mysql/my.cnf",
        "mysql/administration.sql"
    )]
    name: &str,
) {
    let (path, given) = (compose().join(name), file(name));
    if std::env::var_os("LEASEPROOF_BLESS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &given).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(committed, given, "compose/{name} is out of date: LEASEPROOF_BLESS=1 cargo test -p leaseproof-harness");
}

/// The compose files with their texts.
fn files() -> Vec<(PathBuf, String)> {
    let files = fs::read_dir(compose()).unwrap().map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    files.map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

/// The images that a service's part can run in when no version is named: the official one, if it has one, and the one that is
/// built here.
fn images(service: &str) -> Vec<String> {
    let part: Part = service.to_lowercase().parse().unwrap();
    Images::default().of(&part).unwrap()
}

fn built_here(service: &str) -> String {
    images(service).pop().unwrap()
}

#[test]
fn a_compose_file_names_the_images_of_the_harness() {
    let named = Regex::new(r"\$\{(\w+)_IMAGE:-([^}]+)\}").unwrap();
    let mut seen = 0;
    for (path, text) in files() {
        assert_eq!(text.matches("image:").count(), named.find_iter(&text).count(), "{}", path.display());
        for found in named.captures_iter(&text) {
            assert_eq!(found[2], images(&found[1])[0], "{}", path.display());
            seen += 1;
        }
    }
    assert!(seen >= 4, "{seen} images");
    let built = fs::read_to_string(compose().join("images/local.env")).unwrap();
    for line in built.lines().filter(|line| !line.starts_with('#')) {
        let (service, image) = line.split_once("_IMAGE=").unwrap();
        assert_eq!(image, built_here(service));
    }
}

#[test]
fn an_image_that_is_built_here_is_the_one_that_the_harness_looks_for() {
    let versions = fs::read_to_string(compose().join("images/versions.env")).unwrap();
    for line in versions.lines().filter(|line| !line.starts_with('#') && !line.starts_with("SUITE=")) {
        let (service, version) = line.split_once('=').unwrap();
        assert_eq!(built_here(service), format!("leaseproof/{}:{version}", service.to_lowercase()));
    }
}

#[test]
fn what_a_compose_file_lends_is_there_and_nothing_is_published_beyond_loopback() {
    let lent = Regex::new(r"(\.{1,2}/[^:\s]+):/").unwrap();
    let published = Regex::new(r#"ports: \["([^"]+)"\]"#).unwrap();
    for (path, text) in files() {
        for found in lent.captures_iter(&text) {
            assert!(compose().join(&found[1]).is_file(), "{}: {}", path.display(), &found[1]);
        }
        assert!(published.is_match(&text), "{}", path.display());
        for found in published.captures_iter(&text) {
            assert!(found[1].starts_with("127.0.0.1:"), "{}: {}", path.display(), &found[1]);
        }
    }
}

#[test]
fn localstack_is_set_as_the_harness_sets_it() {
    let text = fs::read_to_string(compose().join("vault-aws.yaml")).unwrap();
    for (name, value) in LOCALSTACK.into_iter().chain([("GATEWAY_LISTEN", "0.0.0.0:4566")]) {
        assert!(text.contains(&format!("{name}: \"{value}\"")), "{name}={value} in {text}");
    }
}
