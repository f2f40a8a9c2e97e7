//! `leaseproof list`: what there is to run.

use leaseproof_harness::scenario::word::Name;
use leaseproof_harness::scenario::{DatabaseServer, Scenario};
use leaseproof_harness::suite::Exit;
use serde_json::{Value, json};

use crate::args::{Format, List};
use crate::exit::Failure;
use crate::files::{Files, counted};
use crate::out;

pub(super) fn run(args: &List) -> Result<Exit, Failure> {
    let scenarios = Files::scenarios(&args.paths, &[])?;
    match args.format {
        Format::Text => {
            for scenario in &scenarios {
                out::line(&text(scenario))?;
            }
            out::line(&counted(scenarios.len(), "scenario"))?;
        }
        Format::Json => {
            let all: Value = scenarios.iter().map(|scenario| machine(scenario)).collect();
            out::line(&format_args!("{all:#}"))?;
        }
    }
    Ok(Exit::Held)
}

fn text(scenario: &Scenario) -> String {
    let mut servers = vec![format!("vault ({} storage)", scenario.stack.storage)];
    servers.extend(scenario.stack.databases().map(|(dbms, _)| dbms.to_string()));
    servers.extend(scenario.stack.aws.map(|server| format!("aws ({server})")));
    let mut about = vec![scenario.path.display().to_string()];
    if !scenario.guarantees.is_empty() {
        about.push(scenario.guarantees.join(", "));
    }
    about.push(servers.join(", "));
    if !scenario.tags.is_empty() {
        about.push(format!("tagged {}", scenario.tag_words()));
    }
    format!("{}\n    {}\n", scenario.name, about.join(" · "))
}

fn machine(scenario: &Scenario) -> Value {
    let database = |server: &DatabaseServer| json!({ "max_connections": server.max_connections });
    let (postgres, mysql) =
        (scenario.stack.postgres.as_ref().map(database), scenario.stack.mysql.as_ref().map(database));
    json!({
        "name": scenario.name,
        "about": scenario.about,
        "file": scenario.path,
        "guarantees": scenario.guarantees,
        "tags": scenario.tags.iter().map(Name::as_str).collect::<Vec<_>>(),
        "stack": {
            "vault": { "storage": scenario.stack.storage },
            "postgres": postgres,
            "mysql": mysql,
            "aws": scenario.stack.aws.map(|server| json!({ "server": server })),
        },
        "clients": scenario.clients.iter().map(|client| client.name.as_str()).collect::<Vec<_>>(),
    })
}
