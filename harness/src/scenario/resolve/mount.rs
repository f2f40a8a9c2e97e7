//! Secrets engines beside the database engine, auth methods and policies: what is sent to enable each.

use serde_json::{Map, Value, json};

use super::super::diagnostic::Diagnostic;
use super::super::file::{self, AppRoleSettings, Policy, Write};
use super::super::mark::Marked;
use super::super::word::{Length, Name};
use super::super::{Mount, kept};
use super::Resolver;

impl Resolver<'_> {
    pub(super) fn mounts(&mut self) -> Vec<Mount> {
        let file = self.file;
        let engines = &file.engines;
        let secrets = [
            ("kv", "kv", json!({ "version": "2" }), &engines.kv),
            ("pki", "pki", json!({}), &engines.pki),
            ("pki_int", "pki", json!({}), &engines.pki_int),
            ("ssh", "ssh", json!({}), &engines.ssh),
            ("totp", "totp", json!({}), &engines.totp),
            ("transit", "transit", json!({}), &engines.transit),
        ];
        let mut mounts = Vec::new();
        for (path, kind, options, mount) in secrets {
            mounts.extend(mount.as_ref().map(|mount| self.a_mount(path, kind, options, mount)));
        }
        let userpass = file.auth.userpass.as_ref();
        mounts.extend(userpass.map(|mount| self.a_mount("auth/userpass", "userpass", json!({}), mount)));
        mounts.extend(file.auth.approle.as_ref().map(|approle| {
            let mut writes: Vec<(String, Value)> = approle
                .roles
                .iter()
                .map(|(name, role)| (format!("role/{name}", name = name.value), self.app_role(role)))
                .collect();
            for (name, _) in approle.roles.iter() {
                self.role_of_a_client(name);
            }
            writes.extend(self.writes(&approle.writes));
            Mount { path: "auth/approle".to_owned(), body: json!({ "type": "approle" }), writes }
        }));
        mounts
    }

    fn a_mount(&mut self, path: &str, kind: &str, options: Value, mount: &file::Mount) -> Mount {
        self.above_zero("default_lease_ttl", mount.default_lease_ttl.as_ref());
        self.above_zero("max_lease_ttl", mount.max_lease_ttl.as_ref());
        let mut config = Map::new();
        put(&mut config, "default_lease_ttl", mount.default_lease_ttl.as_ref().map(seconds));
        put(&mut config, "max_lease_ttl", mount.max_lease_ttl.as_ref().map(seconds));
        let options = mount.options.as_ref().map_or(options, |given| Value::Object(given.0.clone()));
        Mount {
            path: path.to_owned(),
            body: json!({ "type": kind, "config": config, "options": options }),
            writes: self.writes(&mount.writes),
        }
    }

    fn writes(&mut self, writes: &[Marked<Write>]) -> Vec<(String, Value)> {
        for write in writes {
            if write.path.trim().is_empty() || write.path.starts_with('/') {
                self.error(
                    Diagnostic::error(write.path.at, "this is not a path below the mount")
                        .label("empty, or with a slash before it")
                        .help("write it like `roles/web`"),
                );
            }
            let body = write.body.as_ref().map(|body| Value::Object(body.0.clone())).unwrap_or_default();
            let mut named = None;
            kept::texts(&body, &mut |text| named = named.or(kept::names(text).next().map(|(_, name)| name)));
            if let Some(name) = named.or(kept::names(&write.path).next().map(|(_, name)| name)) {
                self.error(
                    Diagnostic::error(write.at, format!("nothing is kept yet that `{{{{{name}}}}}` could stand for"))
                        .label("written before the first step")
                        .help("write it with an `api` step, after the one that keeps the value"),
                );
            }
        }
        let sent = |body: &Option<file::Body>| Value::Object(body.as_ref().map(|b| b.0.clone()).unwrap_or_default());
        writes.iter().map(|write| (write.path.value.clone(), sent(&write.body))).collect()
    }

    fn role_of_a_client(&mut self, name: &Marked<Name>) {
        let client = self.file.clients.iter().find(|(client, _)| client.value == name.value);
        if let Some((client, _)) = client {
            self.error(
                Diagnostic::error(name.at, format!("the client `{}` has a role of that name already", name.value))
                    .label("the second role")
                    .see(client.at, "the client")
                    .help("give the role another name"),
            );
        }
    }

    fn app_role(&mut self, role: &AppRoleSettings) -> Value {
        for (key, length) in [("token_ttl", role.token_ttl), ("token_max_ttl", role.token_max_ttl)] {
            self.above_zero(key, length.as_ref());
        }
        self.above_zero("token_period", role.token_period.as_ref());
        self.above_zero("secret_id_ttl", role.secret_id_ttl.as_ref());
        let mut body = role.raw.as_ref().map(|raw| raw.0.clone()).unwrap_or_default();
        let words = |all: &Option<Vec<Marked<String>>>| {
            all.as_ref().map(|all| all.iter().map(|one| one.value.clone()).collect::<Vec<_>>())
        };
        put(&mut body, "token_policies", words(&role.token_policies));
        put(&mut body, "token_ttl", role.token_ttl.as_ref().map(seconds));
        put(&mut body, "token_max_ttl", role.token_max_ttl.as_ref().map(seconds));
        put(&mut body, "token_period", role.token_period.as_ref().map(seconds));
        put(&mut body, "token_num_uses", role.token_num_uses.map(|uses| uses.value));
        put(&mut body, "token_bound_cidrs", words(&role.token_bound_cidrs));
        put(&mut body, "secret_id_ttl", role.secret_id_ttl.as_ref().map(seconds));
        put(&mut body, "secret_id_num_uses", role.secret_id_num_uses.map(|uses| uses.value));
        put(&mut body, "secret_id_bound_cidrs", words(&role.secret_id_bound_cidrs));
        Value::Object(body)
    }

    pub(super) fn policies(&mut self) -> Vec<(Name, Policy)> {
        let file = self.file;
        for (name, policy) in file.policies.iter().filter(|(_, policy)| policy.0.is_empty()) {
            let _: &Policy = policy;
            self.error(
                Diagnostic::error(
                    name.at,
                    format!("the policy `{}` allows nothing, and an empty one is refused", name.value),
                )
                .label("no path")
                .help("name a path and what may be done there: `database/creds/app: [read]`"),
            );
        }
        file.policies.iter().map(|(name, policy)| (name.value.clone(), policy.clone())).collect()
    }
}

fn seconds(length: &Marked<Length>) -> String {
    crate::engine::database::seconds(length.0)
}

fn put<T: serde::Serialize>(body: &mut Map<String, Value>, key: &str, value: Option<T>) {
    if let Some(value) = value {
        body.insert(key.to_owned(), json!(value));
    }
}
