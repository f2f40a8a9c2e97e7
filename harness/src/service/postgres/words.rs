//! PostgreSQL's SQL for what is done to its users and sessions.

use super::{DATABASE, TABLE};
use crate::event::Principal;
use crate::scenario::file::RootKind;
use crate::secret::Secret;
use crate::service::database::{Proof, ROOT, Words};
use crate::time::Clock;

/// PostgreSQL's words.
#[derive(Debug)]
pub struct Postgres;

impl Words for Postgres {
    fn table(&self) -> &'static str {
        TABLE
    }

    fn plugin(&self) -> &'static str {
        "postgresql-database-plugin"
    }

    fn connection_url(&self, target: &str) -> String {
        format!(
            "postgresql://{{{{username}}}}:{{{{password}}}}@{target}/{DATABASE}?sslmode=disable&application_name=vault"
        )
    }

    fn connection_settings(&self) -> &'static [(&'static str, &'static str)] {
        // Without it the clear password stands in PostgreSQL's log of DDL statements.
        &[("password_authentication", "scram-sha-256")]
    }

    fn creation(&self) -> Vec<String> {
        vec![
            "CREATE ROLE \"{{name}}\" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}';".to_owned(),
            format!("GRANT SELECT ON {TABLE} TO \"{{{{name}}}}\";"),
        ]
    }

    fn principals(&self) -> String {
        "select coalesce(string_agg(rolname, ',' order by rolname), '') from pg_roles where rolname like 'v-%'"
            .to_owned()
    }

    fn principal(&self, username: &str) -> String {
        format!(
            "select rolcanlogin::text || '|' || coalesce(extract(epoch from rolvaliduntil)::text, '') \
             from pg_roles where rolname = {}",
            literal(username)
        )
    }

    fn read_principal(&self, row: &str, clock: &Clock) -> Principal {
        let (can_login, until) = row.split_once('|').unwrap_or((row, ""));
        let valid_until = until.parse::<f64>().ok().and_then(|seconds| {
            jiff::Timestamp::from_duration(jiff::SignedDuration::try_from_secs_f64(seconds).ok()?).ok()
        });
        Principal {
            valid_until: valid_until.map(|at| clock.moment_of(at)),
            can_login: can_login == "true",
            hosts: Vec::new(),
        }
    }

    fn create_user(&self, username: &str, password: &Secret) -> String {
        format!("CREATE ROLE {} LOGIN PASSWORD {}", identifier(username), literal(password.expose()))
    }

    fn set_password(&self, username: &str, password: &Secret) -> String {
        format!("ALTER ROLE {} PASSWORD {}", identifier(username), literal(password.expose()))
    }

    fn drop_user(&self, username: &str) -> String {
        format!("DROP OWNED BY {0}; DROP ROLE {0}", identifier(username))
    }

    fn gone(&self, username: &str) -> Proof {
        let query = format!("SELECT count(*) FROM pg_roles WHERE rolname = {}", literal(username));
        Proof { query, returns: "0" }
    }

    fn lock(&self, username: &str) -> String {
        format!("ALTER ROLE {} NOLOGIN", identifier(username))
    }

    fn unlock(&self, username: &str) -> String {
        format!("ALTER ROLE {} LOGIN", identifier(username))
    }

    fn locked(&self, username: &str) -> Proof {
        role_has_not("rolcanlogin", username)
    }

    fn disarm_root(&self, root: RootKind) -> String {
        let less = match root {
            RootKind::Createrole => "NOCREATEROLE",
            RootKind::Superuser => "NOSUPERUSER NOCREATEROLE",
        };
        format!("ALTER ROLE {} {less}", identifier(ROOT))
    }

    fn arm_root(&self, root: RootKind) -> String {
        format!("ALTER ROLE {} {}", identifier(ROOT), rights(root))
    }

    fn disarmed_root(&self, root: RootKind) -> Proof {
        let column = match root {
            RootKind::Createrole => "rolcreaterole",
            RootKind::Superuser => "rolsuper",
        };
        role_has_not(column, ROOT)
    }

    fn sessions(&self, username: &str) -> String {
        format!(
            "SELECT coalesce(string_agg(pid::text, ','), '') FROM pg_stat_activity WHERE usename = {}",
            literal(username)
        )
    }

    fn end_session(&self, number: u64) -> String {
        format!("SELECT pg_terminate_backend({number})")
    }

    fn left_to_take(&self, filler: &str, taken: usize) -> String {
        format!(
            "SELECT greatest(0, current_setting('max_connections')::int \
             - current_setting('superuser_reserved_connections')::int - {taken} - count(*)) \
             FROM pg_stat_activity WHERE backend_type = 'client backend' AND usename <> {} \
             AND backend_start < clock_timestamp() - interval '2 seconds'",
            literal(filler)
        )
    }
}

/// What the user that Vault logs in as may do.
pub(super) const fn rights(root: RootKind) -> &'static str {
    match root {
        RootKind::Createrole => "CREATEROLE",
        RootKind::Superuser => "SUPERUSER",
    }
}

fn role_has_not(column: &str, role: &str) -> Proof {
    Proof { query: format!("SELECT {column} FROM pg_roles WHERE rolname = {}", literal(role)), returns: "f" }
}

/// A text as an SQL literal.
pub fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A name as an SQL identifier.
pub fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
