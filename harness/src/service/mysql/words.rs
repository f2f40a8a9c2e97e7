//! The SQL of MySQL and MariaDB for what is done to users and sessions. Where the two differ, a comment that only one of
//! them executes says so (`/*!50706 … */` MySQL, `/*M!100400 … */` MariaDB).

use super::{DATABASE, TABLE};
use crate::event::Principal;
use crate::scenario::file::RootKind;
use crate::secret::Secret;
use crate::service::database::{Proof, ROOT, Words};
use crate::time::Clock;

/// The words of MySQL and MariaDB.
#[derive(Debug)]
pub struct Mysql;

/// All accounts: `user`, `host`, and whether each is `locked`.
const ACCOUNTS: &str = "(SELECT user, host, \
    /*!50706 account_locked = 'Y' */ /*M!100400 coalesce(json_value(priv, '$.account_locked'), '0') IN ('1', 'true') */ \
    AS locked FROM /*!50706 mysql.user */ /*M!100400 mysql.global_priv */) AS account";

impl Words for Mysql {
    fn table(&self) -> &'static str {
        TABLE
    }

    fn plugin(&self) -> &'static str {
        "mysql-database-plugin"
    }

    fn connection_url(&self, target: &str) -> String {
        format!("{{{{username}}}}:{{{{password}}}}@tcp({target})/")
    }

    fn connection_settings(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    fn creation(&self) -> Vec<String> {
        vec![
            "CREATE USER '{{name}}'@'%' IDENTIFIED BY '{{password}}';".to_owned(),
            format!("GRANT SELECT ON {TABLE} TO '{{{{name}}}}'@'%';"),
        ]
    }

    fn principals(&self) -> String {
        "SELECT coalesce(group_concat(DISTINCT user ORDER BY user), '') FROM mysql.user WHERE user LIKE 'v-%'"
            .to_owned()
    }

    fn principal(&self, username: &str) -> String {
        format!(
            "SELECT concat(min(locked), '|', group_concat(host ORDER BY host)) FROM {ACCOUNTS} \
             WHERE user = {} HAVING count(*) > 0",
            literal(username)
        )
    }

    fn read_principal(&self, row: &str, _: &Clock) -> Principal {
        let (locked, hosts) = row.split_once('|').unwrap_or((row, ""));
        let hosts = hosts.split(',').filter(|host| !host.is_empty()).map(str::to_owned).collect();
        Principal { valid_until: None, can_login: locked == "0", hosts }
    }

    fn create_user(&self, username: &str, password: &Secret) -> String {
        format!("CREATE USER {} IDENTIFIED BY {}", account(username), literal(password.expose()))
    }

    fn set_password(&self, username: &str, password: &Secret) -> String {
        format!("ALTER USER {} IDENTIFIED BY {}", account(username), literal(password.expose()))
    }

    fn drop_user(&self, username: &str) -> String {
        format!(
            "SET @accounts = (SELECT group_concat(quote(user), '@', quote(host)) FROM mysql.user WHERE user = {}); \
             SET @statement = concat('DROP USER ', @accounts); \
             PREPARE drop_accounts FROM @statement; EXECUTE drop_accounts; DEALLOCATE PREPARE drop_accounts",
            literal(username)
        )
    }

    fn gone(&self, username: &str) -> Proof {
        Proof { query: format!("SELECT count(*) FROM mysql.user WHERE user = {}", literal(username)), returns: "0" }
    }

    fn lock(&self, username: &str) -> String {
        format!("ALTER USER {} ACCOUNT LOCK", account(username))
    }

    fn unlock(&self, username: &str) -> String {
        format!("ALTER USER {} ACCOUNT UNLOCK", account(username))
    }

    fn locked(&self, username: &str) -> Proof {
        let query = format!("SELECT min(locked) FROM {ACCOUNTS} WHERE user = {}", literal(username));
        Proof { query, returns: "1" }
    }

    fn disarm_root(&self, root: RootKind) -> String {
        let rights = match root {
            RootKind::Createrole => "CREATE USER",
            RootKind::Superuser => "ALL PRIVILEGES",
        };
        format!("REVOKE {rights} ON *.* FROM {}", account(ROOT))
    }

    fn arm_root(&self, root: RootKind) -> String {
        global_rights(root)
    }

    fn disarmed_root(&self, _: RootKind) -> Proof {
        let query = format!(
            "SELECT count(*) FROM information_schema.user_privileges \
             WHERE grantee = {} AND privilege_type = 'CREATE USER'",
            literal(&account(ROOT))
        );
        Proof { query, returns: "0" }
    }

    fn sessions(&self, username: &str) -> String {
        format!(
            "SELECT coalesce(group_concat(id), '') FROM information_schema.processlist WHERE user = {}",
            literal(username)
        )
    }

    fn end_session(&self, number: u64) -> String {
        format!("KILL {number}")
    }

    fn left_to_take(&self, filler: &str, taken: usize) -> String {
        format!(
            "SELECT greatest(0, cast(@@max_connections AS signed) - {taken} - count(*)) \
             FROM information_schema.processlist WHERE user <> {} AND command = 'Sleep' AND time >= 2",
            literal(filler)
        )
    }
}

/// Gives Vault's own user what it makes users with.
pub(super) fn global_rights(root: RootKind) -> String {
    match root {
        RootKind::Createrole => format!("GRANT CREATE USER ON *.* TO {}", account(ROOT)),
        RootKind::Superuser => format!("GRANT ALL PRIVILEGES ON *.* TO {} WITH GRANT OPTION", account(ROOT)),
    }
}

/// Gives Vault's own user what it may hand on, and the sight of other users: OpenBao's engine looks whether a user is there
/// before it revokes (`SELECT exists (SELECT user FROM mysql.user …)`), and fails with 1142 where it may not.
pub(super) fn own_rights() -> String {
    let root = account(ROOT);
    format!("GRANT ALL PRIVILEGES ON {DATABASE}.* TO {root} WITH GRANT OPTION; GRANT SELECT ON mysql.* TO {root}")
}

/// A user that may come from anywhere.
pub(super) fn account(username: &str) -> String {
    format!("{}@'%'", literal(username))
}

/// A text as an SQL literal.
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_holds_quotes_and_backslashes_stays_one_literal() {
        assert_eq!(literal(r"it's \"), r"'it''s \\'");
        assert_eq!(literal(&account("v-1")), "'''v-1''@''%'''");
    }

    #[test]
    fn a_user_is_read_with_the_hosts_that_it_may_come_from() {
        let clock = Clock::start();
        let open = Mysql.read_principal("0|%,10.%", &clock);
        assert!(open.can_login && open.valid_until.is_none());
        assert_eq!(open.hosts, ["%", "10.%"]);
        assert!(!Mysql.read_principal("1|%", &clock).can_login);
    }
}
