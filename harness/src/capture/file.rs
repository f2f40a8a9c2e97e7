//! From what was read to files: a scenario for each database connection, one for policies and auth methods, and a list of
//! what was read and what is left out. Pure.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::Value;

use super::Captured;
use super::live::{Call, Database, Live, Method};
use super::yaml::{block, comment, text};
use crate::scenario;
use crate::scenario::word::{Length, Name};

const HEAD: &str = "# yaml-language-server: $schema=../scenario.schema.json\n";
/// What ends sooner than this may end while the server is being changed.
const LIVES_LONG: u64 = 60;
/// The files' own list.
const README: &str = "README.md";

/// Everything as files. Every scenario among them is valid, and none holds what looks like a secret.
pub fn files(live: &Live) -> Vec<Captured> {
    let mut left_out = Vec::new();
    let mut files = Vec::new();
    for database in &live.databases {
        for (connection, settings) in &database.connections {
            files.extend(database_file(database, connection, settings, &mut left_out));
        }
    }
    files.extend(access_file(live, &mut left_out));
    for (mount, kind) in &live.engines {
        left_out.push(format!("the {kind} engine at {mount}/: only database engines are reproduced"));
    }
    for (mount, kind) in &live.audit {
        left_out.push(format!("the audit device {mount} ({kind}): a throw-away server has nowhere to send it"));
    }
    let readme = readme(live, &files, &left_out);
    files.push(Captured { name: README.to_owned(), text: readme });
    files
}

/// Whether a text looks as if somebody had put a secret into it.
fn looks_secret(value: &str) -> bool {
    let lower = value.to_lowercase();
    let literal = |word: &str| {
        lower.match_indices(word).any(|(at, _)| {
            let after = lower[at + word.len()..].trim_start_matches([' ', '=', ':', '(']);
            after.starts_with(['\'', '"']) && !after[1..].starts_with("{{")
        })
    };
    let token = |start: &str| {
        value.match_indices(start).any(|(at, _)| {
            let own_word = !value[..at].ends_with(|c: char| c.is_ascii_alphanumeric());
            let rest = value[at + start.len()..].bytes().take_while(u8::is_ascii_alphanumeric).count();
            own_word && rest >= 16
        })
    };
    literal("password")
        || literal("identified by")
        || literal("secret")
        || ["hvs.", "hvb.", "hvr.", "s.", "b.", "r."].into_iter().any(token)
        || value.contains("-----BEGIN")
}

fn is_name(value: &str) -> bool {
    value.parse::<Name>().is_ok()
}

fn length(seconds: u64) -> Length {
    Length(Duration::from_secs(seconds))
}

fn database_file(
    database: &Database,
    connection: &str,
    settings: &Value,
    left_out: &mut Vec<String>,
) -> Option<Captured> {
    let at = format!("{}/config/{connection}", database.mount);
    let plugin = settings["plugin_name"].as_str().unwrap_or_default();
    if !plugin.contains("postgres") {
        left_out.push(format!("{at}: its plugin is {plugin}, and only PostgreSQL is reproduced"));
        return None;
    }
    let mine = |settings: &Value| settings["db_name"].as_str() == Some(connection);
    let mut roles = Vec::new();
    for (name, settings) in database.roles.iter().filter(|(_, settings)| mine(settings)) {
        match role(name, settings) {
            Ok(role) => roles.push(role),
            Err(why) => left_out.push(format!("{}/roles/{name}: {why}", database.mount)),
        }
    }
    let mut statics = Vec::new();
    for (name, settings) in database.static_roles.iter().filter(|(_, settings)| mine(settings)) {
        match static_role(name, settings) {
            Ok(role) => statics.push(role),
            Err(why) => left_out.push(format!("{}/static-roles/{name}: {why}", database.mount)),
        }
    }
    if roles.is_empty() && statics.is_empty() {
        left_out.push(format!("{at}: no role of it can be reproduced"));
        return None;
    }
    // What the loader refuses of one role must not cost the others.
    roles.retain(|role| {
        is_valid(&written(database, connection, settings, std::slice::from_ref(role), &[]), &role.name, left_out)
    });
    statics.retain(|role| {
        is_valid(&written(database, connection, settings, &[], std::slice::from_ref(role)), &role.name, left_out)
    });
    let name = format!("{}_{connection}.yaml", file_name(&database.mount));
    let text = written(database, connection, settings, &roles, &statics);
    (!roles.is_empty() || !statics.is_empty()).then_some(Captured { name, text })
}

fn is_valid(file: &str, role: &str, left_out: &mut Vec<String>) -> bool {
    let loaded = scenario::parse(file);
    if let Some(error) = loaded.diagnostics.iter().find(|d| scenario::Diagnostic::is_error(d)) {
        left_out.push(format!("the role {role}: {}", error.message));
    }
    loaded.scenario.is_some()
}

/// A role as it stands in the file, and what its steps need to know.
struct Role {
    name: String,
    lines: String,
    /// Its TTL or period in seconds, if it has one of its own.
    life: Option<u64>,
}

fn role(name: &str, settings: &Value) -> Result<Role, String> {
    if !is_name(name) {
        return Err("its name is none that a scenario can have".to_owned());
    }
    let mut lines = format!("        {name}:\n");
    let mut life = None;
    for key in ["default_ttl", "max_ttl"] {
        if let Some(seconds) = settings[key].as_u64().filter(|seconds| *seconds > 0) {
            let _ = writeln!(lines, "          {key}: {}", length(seconds));
            life = life.or(Some(seconds));
        }
    }
    for key in ["creation_statements", "revocation_statements", "renew_statements"] {
        let statements: Vec<&str> = settings[key].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        if statements.is_empty() {
            continue;
        }
        if statements.iter().any(|statement| looks_secret(statement)) {
            return Err(format!("its {key} look as if a secret stood in them, and no secret is written down"));
        }
        let _ = writeln!(lines, "          {key}:");
        for statement in statements {
            let _ = writeln!(lines, "            - {}", block(statement, 14));
        }
    }
    if settings["creation_statements"].as_array().is_none_or(Vec::is_empty) {
        return Err("it has no creation_statements".to_owned());
    }
    Ok(Role { name: name.to_owned(), lines, life })
}

fn static_role(name: &str, settings: &Value) -> Result<Role, String> {
    let username = settings["username"].as_str().unwrap_or(name);
    if !is_name(name) || !is_name(username) {
        return Err("its name or its user's is none that a scenario can have".to_owned());
    }
    let Some(period) = settings["rotation_period"].as_u64().filter(|period| *period > 0) else {
        return Err("it is rotated on a schedule, and a scenario has periods only".to_owned());
    };
    let lines = format!("        {name}: {{ username: {username}, rotation_period: {} }}\n", length(period));
    Ok(Role { name: name.to_owned(), lines, life: Some(period) })
}

fn written(database: &Database, connection: &str, settings: &Value, roles: &[Role], statics: &[Role]) -> String {
    let at = comment(&format!("{}/config/{connection}", database.mount));
    let mut file = format!(
        "{HEAD}# Captured from {at}. Here the engine is at database/ and its connection is postgres, whatever they are called there.\n\
         name: {}\n\
         about: >-\n  The roles of a live server on a throw-away stack: what is out before an upgrade works, is renewed and ends after it.\n\
         stack:\n  vault: {{ storage: raft }}\n  postgres: {{}}\n\
         engines:\n  database:\n",
        text(&format!("What {at} has issued lives on through an upgrade"))
    );
    for (key, seconds) in [("default_lease_ttl", database.default_lease_ttl), ("max_lease_ttl", database.max_lease_ttl)]
    {
        if seconds > 0 {
            let _ = writeln!(file, "    {key}: {}", length(seconds));
        }
    }
    file.push_str("    postgres:\n");
    if let Some(most) =
        settings["connection_details"]["max_open_connections"].as_u64().filter(|most| (1..=20).contains(most))
    {
        let _ = writeln!(file, "      max_open_connections: {most}");
    }
    // Who may drop what others own is a matter of the live database; the throw-away one must not fail by it.
    file.push_str("      root: superuser\n");
    for (key, roles) in [("roles", roles), ("static_roles", statics)] {
        if !roles.is_empty() {
            let _ = writeln!(file, "      {key}:");
            for role in roles {
                file.push_str(&role.lines);
            }
        }
    }
    file.push_str("steps:\n");
    steps(&mut file, roles, statics);
    file
}

fn steps(file: &mut String, roles: &[Role], statics: &[Role]) {
    let lives = |role: &&Role| role.life.is_none_or(|seconds| seconds >= LIVES_LONG);
    let mut put = |line: String| {
        file.push_str("  ");
        file.push_str(&line);
        file.push('\n');
    };
    for (index, role) in roles.iter().enumerate() {
        put(format!("- issue: {{ role: database/{}, as: before_{index} }}", role.name));
    }
    for (index, role) in statics.iter().enumerate() {
        put(format!("- read: {{ static_role: database/{}, as: password_{index} }}", role.name));
    }
    put("- fault: { upgrade: {} }".to_owned());
    for (index, _) in roles.iter().enumerate().filter(|(_, role)| lives(role)) {
        put(format!("- expect: {{ lease: {{ of: before_{index}, irrevocable: false }} }}"));
        put(format!("- expect: {{ login: {{ with: before_{index}, accepted: true }} }}"));
        put(format!("- renew: {{ lease: before_{index}, answers: {{ status: 200 }} }}"));
        put(format!("- revoke: {{ lease: before_{index}, answers: {{ status: 204 }} }}"));
        put(format!("- expect: {{ login: {{ with: before_{index}, refused: authentication }} }}"));
    }
    for (index, role) in statics.iter().enumerate().filter(|(_, role)| lives(role)) {
        let of = format!("of: database/{}", role.name);
        put(format!("- expect: {{ static_role: {{ {of}, same_as: password_{index}, logs_in: true }} }}"));
    }
    for (index, role) in statics.iter().enumerate() {
        put(format!("- rotate: {{ static_role: database/{} }}", role.name));
        let of = format!("of: database/{}", role.name);
        put(format!("- expect: {{ static_role: {{ {of}, changed_since: password_{index}, logs_in: true }} }}"));
        put("  within: 15s".to_owned());
    }
    for (index, role) in roles.iter().enumerate() {
        put(format!("- issue: {{ role: database/{}, as: after_{index} }}", role.name));
        put(format!("- expect: {{ login: {{ with: after_{index}, accepted: true }} }}"));
    }
}

/// Policies, auth methods and the roles of AppRole: written, carried through, and read back.
fn access_file(live: &Live, left_out: &mut Vec<String>) -> Option<Captured> {
    let (mut before, mut after) = (String::new(), String::new());
    for (name, policy) in live.policies.iter().filter(|(name, _)| name != "default") {
        if looks_secret(policy) || !is_path(name) {
            left_out.push(format!("the policy {name}: its name or its text cannot be written down as it is"));
            continue;
        }
        let path = format!("sys/policies/acl/{name}");
        post(&mut before, &path, &[("policy".to_owned(), block(policy, 10))]);
        get(&mut after, &path);
    }
    for method in &live.methods {
        auth_method(method, &mut before, &mut after, left_out);
    }
    if after.is_empty() {
        return None;
    }
    let text = format!(
        "{HEAD}# Captured policies, auth methods and their roles.\n\
         name: The policies and auth methods of a live server are there after an upgrade\n\
         stack:\n  vault: {{ storage: raft }}\n\
         steps:\n{before}  - token: {{ as: witness, ttl: 10m }}\n  - fault: {{ upgrade: {{}} }}\n{after}  - expect: {{ token: {{ of: witness, alive: true }} }}\n"
    );
    let loaded = scenario::parse(&text);
    if loaded.scenario.is_none() {
        let first = loaded.diagnostics.first().map(|d| d.message.clone()).unwrap_or_default();
        left_out.push(format!("policies and auth methods: {first}"));
        return None;
    }
    Some(Captured { name: "access.yaml".to_owned(), text })
}

fn auth_method(method: &Method, before: &mut String, after: &mut String, left_out: &mut Vec<String>) {
    let Method { mount, kind, roles } = method;
    let path = match kind.as_str() {
        "token" => "auth/token/roles".to_owned(),
        "approle" => format!("auth/{mount}/role"),
        _ => {
            left_out.push(format!("the auth method {mount}/ ({kind}): it needs a server behind it that is not here"));
            return;
        }
    };
    if kind == "approle" {
        post(before, &format!("sys/auth/{mount}"), &[("type".to_owned(), text(kind))]);
        get(after, &format!("sys/auth/{mount}/tune"));
    }
    for (name, settings) in roles {
        let whole = settings.to_string();
        if !is_path(name) || looks_secret(&whole) {
            left_out.push(format!("{path}/{name}: its name or its settings cannot be written down as they are"));
            continue;
        }
        let fields: Vec<(String, String)> = settings.as_object().into_iter().flatten().filter_map(setting).collect();
        post(before, &format!("{path}/{name}"), &fields);
        get(after, &format!("{path}/{name}"));
    }
}

/// A role's setting that can be sent back; what is empty is left to the server, and so is what only it can say.
fn setting((key, value): (&String, &Value)) -> Option<(String, String)> {
    if ["local_secret_ids", "role_id", "name"].contains(&key.as_str()) {
        return None;
    }
    let value = match value {
        Value::Bool(true) => "true".to_owned(),
        Value::Number(number) if number.as_u64().is_some_and(|n| n > 0) => number.to_string(),
        Value::String(value) if !value.is_empty() && value != "default" => text(value),
        Value::Array(items) if !items.is_empty() && items.iter().all(Value::is_string) => {
            let items: Vec<String> = items.iter().filter_map(Value::as_str).map(text).collect();
            format!("[{}]", items.join(", "))
        }
        _ => return None,
    };
    Some((key.clone(), value))
}

fn is_path(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./".contains(&b))
}

fn post(file: &mut String, path: &str, fields: &[(String, String)]) {
    let _ = writeln!(file, "  - api:\n      method: POST\n      path: {}", text(path));
    if fields.is_empty() {
        return;
    }
    file.push_str("      body:\n");
    for (key, value) in fields {
        let _ = writeln!(file, "        {key}: {value}");
    }
}

fn get(file: &mut String, path: &str) {
    let _ = writeln!(file, "  - api: {{ path: {}, answers: {{ status: 200 }} }}", text(path));
}

fn file_name(mount: &str) -> String {
    mount.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect()
}

fn readme(live: &Live, files: &[Captured], left_out: &[String]) -> String {
    let mut text = format!(
        "# Captured from {} ({})\n\n\
         Scenarios that reproduce this server's database roles, policies and auth methods on a throw-away stack. They hold no\n\
         credential, no connection string and no secret value.\n\n\
         ```sh\nleaseproof validate .\nleaseproof upgrade . --from openbao:PRESENT --to openbao:NEXT\n```\n\n\
         A statement that names schemas, tables or roles of your own needs them on the throw-away database, which has only\n\
         `public.items`: such a role fails at the baseline, with the database's own words, and says nothing of the upgrade.\n",
        comment(&live.address),
        comment(&live.version)
    );
    let mut list = |title: &str, lines: Vec<String>| {
        if !lines.is_empty() {
            let _ = write!(text, "\n## {title}\n\n");
            for line in lines {
                let _ = writeln!(text, "- {line}");
            }
        }
    };
    list("Files", files.iter().map(|file| format!("`{}`", file.name)).collect());
    list("Left out", left_out.iter().map(|line| comment(line)).collect());
    let said = |call: &Call| match &call.refused {
        Some(why) => format!("`{}`: {}", comment(&call.what), comment(why)),
        None => format!("`{}`", comment(&call.what)),
    };
    let calls =
        |refused: bool| live.calls.iter().filter(move |call| call.refused.is_some() == refused).map(said).collect();
    list("Could not be read", calls(true));
    list("What was read (nothing was written)", calls(false));
    text
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
