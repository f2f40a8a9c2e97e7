//! What is written of a live server: valid, readable, and without a secret.

use serde_json::json;

use super::*;

fn live() -> Live {
    let config = json!({
        "plugin_name": "postgresql-database-plugin",
        "connection_details": {
            "connection_url": "postgresql://vault:hunter2-in-the-url@db.example/app",
            "username": "vault",
            "max_open_connections": 8,
        },
    });
    let create = "CREATE ROLE \"{{name}}\" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}';";
    Live {
        address: "127.0.0.1:8200".to_owned(),
        version: "2.6.1".to_owned(),
        calls: vec![
            Call { what: "GET sys/mounts".to_owned(), refused: None },
            Call { what: "GET sys/audit".to_owned(), refused: Some("refused: permission_denied (403)".to_owned()) },
        ],
        databases: vec![Database {
            mount: "db/prod".to_owned(),
            default_lease_ttl: 0,
            max_lease_ttl: 86_400,
            connections: vec![
                ("orders".to_owned(), config),
                ("legacy".to_owned(), json!({ "plugin_name": "mysql-database-plugin" })),
            ],
            roles: vec![
                (
                    "reader".to_owned(),
                    json!({ "db_name": "orders", "default_ttl": 3600, "max_ttl": 14_400,
                        "creation_statements": [create, "GRANT SELECT ON public.items\n  TO \"{{name}}\";"],
                        "revocation_statements": [], "renew_statements": [] }),
                ),
                (
                    "leaky".to_owned(),
                    json!({ "db_name": "orders", "creation_statements": ["CREATE ROLE x LOGIN PASSWORD 'hunter2-hunter2'"] }),
                ),
                ("bare".to_owned(), json!({ "db_name": "orders", "creation_statements": [] })),
                ("of.another".to_owned(), json!({ "db_name": "orders", "creation_statements": [create] })),
            ],
            static_roles: vec![
                (
                    "batch".to_owned(),
                    json!({ "db_name": "orders", "username": "batch_user", "rotation_period": 86_400 }),
                ),
                (
                    "cron".to_owned(),
                    json!({ "db_name": "orders", "username": "cron", "rotation_schedule": "0 0 * * *" }),
                ),
            ],
        }],
        engines: vec![("kv".to_owned(), "kv".to_owned())],
        methods: vec![
            Method {
                mount: "approle".to_owned(),
                kind: "approle".to_owned(),
                roles: vec![(
                    "web".to_owned(),
                    json!({ "token_ttl": 1200, "token_policies": ["app"], "bind_secret_id": true, "token_type": "default" }),
                )],
            },
            Method { mount: "oidc".to_owned(), kind: "oidc".to_owned(), roles: vec![] },
        ],
        policies: vec![
            ("app".to_owned(), "path \"db/prod/creds/reader\" {\n  capabilities = [\"read\"]\n}\n".to_owned()),
            ("default".to_owned(), "path \"x\" {}".to_owned()),
            ("leaky".to_owned(), "# token hvs.CAESIJ0123456789abcdef\npath \"x\" {}".to_owned()),
        ],
        audit: vec![("file".to_owned(), "file".to_owned())],
    }
}

fn captured() -> Vec<Captured> {
    files(&live())
}

fn file(name: &str) -> String {
    captured().into_iter().find(|file| file.name == name).unwrap_or_else(|| panic!("no {name}")).text
}

#[test]
fn what_is_captured_reads_like_a_scenario_that_a_person_wrote() {
    let text = file("db_prod_orders.yaml");
    for line in [
        "# Captured from db/prod/config/orders.",
        "    max_lease_ttl: 1d\n",
        "        reader:\n          default_ttl: 1h\n          max_ttl: 4h\n",
        "batch: { username: batch_user, rotation_period: 1d }",
        "  - issue: { role: database/reader, as: before_0 }\n",
        "  - fault: { upgrade: {} }\n",
    ] {
        let other = line.replace("1d", "24h");
        assert!(text.contains(line) || text.contains(&other), "{line}\n{text}");
    }
    assert!(!text.contains("of.another") && !text.contains("cron") && !text.contains("bare"), "{text}");
}

#[test]
fn policies_and_auth_methods_are_carried_through_and_read_back() {
    let text = file("access.yaml");
    for line in ["path: sys/policies/acl/app", "token_policies: [app]", "token_ttl: 1200", "bind_secret_id: true"] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert!(text.contains("- api: { path: auth/approle/role/web, answers: { status: 200 } }"), "{text}");
}

#[test]
fn the_list_names_what_was_read_what_could_not_be_and_what_is_left_out() {
    let text = file("README.md");
    for line in [
        "- `GET sys/mounts`\n",
        "- `GET sys/audit`: refused: permission_denied (403)",
        "- the kv engine at kv/: only database engines are reproduced",
        "- db/prod/config/legacy: its plugin is mysql-database-plugin, and only PostgreSQL is reproduced",
        "- db/prod/static-roles/cron: it is rotated on a schedule, and a scenario has periods only",
        "- the policy leaky: its name or its text cannot be written down as it is",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

#[test]
fn every_captured_scenario_is_valid() {
    let scenarios: Vec<Captured> = captured()
        .into_iter()
        .filter(|file| std::path::Path::new(&file.name).extension().is_some_and(|end| end == "yaml"))
        .collect();
    assert_eq!(scenarios.len(), 2);
    for file in scenarios {
        let loaded = scenario::parse(&file.text);
        assert!(loaded.scenario.is_some(), "{}\n{:?}", file.text, loaded.diagnostics);
    }
}

#[test]
fn no_secret_that_stood_in_a_url_a_statement_or_a_policy_is_written() {
    for file in captured() {
        assert!(!file.text.contains("hunter2") && !file.text.contains("CAESIJ"), "{}", file.text);
    }
}

#[rstest::rstest]
#[case("CREATE ROLE x PASSWORD 'abc'", true)]
#[case("CREATE USER x IDENTIFIED BY \"abc\"", true)]
#[case("see hvs.CAESIJ0123456789abcdef", true)]
#[case("-----BEGIN PRIVATE KEY-----", true)]
#[case("CREATE ROLE \"{{name}}\" PASSWORD '{{password}}'", false)]
#[case("GRANT SELECT ON orders.items0123456789abcdef TO x", false)]
#[case("SELECT 1", false)]
fn a_text_with_a_literal_credential_looks_secret(#[case] value: &str, #[case] secret: bool) {
    assert_eq!(looks_secret(value), secret);
}
