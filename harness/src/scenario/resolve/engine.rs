//! The secrets engines of a scenario: their mounts, connections and roles.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::diagnostic::Diagnostic;
use super::super::file::{self, RootKind};
use super::super::mark::{Marked, Place};
use super::super::word::{Name, Ref};
use super::super::{Connection, Database, Dbms, Role, StaticRole};
use super::Resolver;
use super::aws::AWS;
use super::names::{DATABASE, Target, check_ref};

/// Size of Vault's pool when a scenario leaves it out: the engine's own default.
const MAX_OPEN_CONNECTIONS: u32 = 4;
/// The engine refuses to rotate more often.
const SHORTEST_ROTATION: Duration = Duration::from_secs(5);

impl Resolver<'_> {
    /// The database engine as the file has it.
    pub(super) fn database_file(&self) -> Option<&file::Database> {
        self.file.engines.database.as_ref().map(|database| &database.value)
    }

    /// Reports a reference that leads to no dynamic role.
    pub(super) fn role(&mut self, reference: &Marked<Ref>) -> bool {
        self.reference(Target::Role, reference)
    }

    /// Reports a reference that leads to nothing of this kind.
    pub(super) fn reference(&mut self, target: Target, reference: &Marked<Ref>) -> bool {
        if reference.mount.as_str() == AWS && self.file.engines.aws.is_some() {
            return self.aws_reference(target, reference);
        }
        let database = self.file.engines.database.as_ref().map(|database| &database.value);
        check_ref(target, reference, database, self.lost, &mut self.found)
    }

    /// Reports a mount that is not there.
    pub(super) fn mount(&mut self, mount: &Marked<Name>) {
        let aws = mount.as_str() == AWS && self.file.engines.aws.is_some();
        if aws || (mount.as_str() == DATABASE && self.database_file().is_some()) || self.lost.word(mount.as_str()) {
            return;
        }
        let error =
            Diagnostic::error(mount.at, format!("nothing is mounted at `{}`", mount.value)).label("no such mount");
        self.error(match self.database_file() {
            Some(_) => error.help(format!("the database engine is mounted at `{DATABASE}`")),
            None => error.help("mount the engine at the top of the file: `engines: {database: {postgres: {…}}}`"),
        });
    }

    pub(super) fn database(&mut self) -> Option<Database> {
        let database = self.file.engines.database.as_ref()?;
        if database.connections().next().is_none() && !Dbms::ALL.iter().any(|dbms| self.lost.word(dbms.word())) {
            self.error(
                Diagnostic::error(database.at, "the database engine has no connection")
                    .label("leads to no server")
                    .help("name the server that it makes users on: `postgres: {…}` or `mysql: {…}`"),
            );
        }
        for (dbms, _) in database.connections() {
            if !self.has(dbms) {
                let title = dbms.title();
                self.error(
                    Diagnostic::error(
                        database.at,
                        format!("the database engine has no server: the stack has no {title}"),
                    )
                    .label("its connection leads nowhere")
                    .see(self.file.stack.at, "the stack")
                    .help(format!("add it: `stack: {{vault: {{}}, {dbms}: {{}}}}`")),
                );
            }
        }
        self.one_set_of_names(database);
        let default_lease_ttl = database.default_lease_ttl;
        let max_lease_ttl = database.max_lease_ttl;
        self.above_zero("default_lease_ttl", default_lease_ttl.as_ref());
        self.above_zero("max_lease_ttl", max_lease_ttl.as_ref());
        if let (Some(default), Some(max)) = (default_lease_ttl, max_lease_ttl)
            && default.0 > max.0
        {
            self.error(
                Diagnostic::error(default.at, format!("the mount's default TTL is above its maximum ({})", max.value))
                    .label("above the maximum")
                    .see(max.at, "the maximum")
                    .help("the server refuses to tune a mount so (400)"),
            );
        }
        Some(Database {
            mount: fixed_name(DATABASE)?,
            default_lease_ttl: default_lease_ttl.map(|ttl| ttl.0),
            max_lease_ttl: max_lease_ttl.map(|ttl| ttl.0),
            connections: database
                .connections()
                .map(|(dbms, connection)| self.connection(dbms, connection))
                .collect::<Option<_>>()?,
        })
    }

    /// Steps speak of roles as mount/name, whichever connection they belong to.
    fn one_set_of_names(&mut self, database: &file::Database) {
        let mut first: BTreeMap<&str, (Dbms, Place)> = BTreeMap::new();
        for (dbms, connection) in database.connections() {
            let roles = connection.roles.iter().map(|(name, _)| name);
            for name in roles.chain(connection.static_roles.iter().map(|(name, _)| name)) {
                match first.get(name.as_str()) {
                    Some((other, at)) if *other != dbms => self.error(
                        Diagnostic::error(name.at, format!("roles of two connections are both named `{}`", name.value))
                            .label(format!("at {}", dbms.title()))
                            .see(*at, format!("at {}", other.title()))
                            .help("steps speak of both as mount/name: give each its own"),
                    ),
                    // Two of one connection are reported there.
                    Some(_) => {}
                    None => {
                        first.insert(name.as_str(), (dbms, name.at));
                    }
                }
            }
        }
    }

    fn connection(&mut self, dbms: Dbms, connection: &file::Connection) -> Option<Connection> {
        if let Some(max) = connection.max_open_connections.filter(|max| max.value == 0) {
            self.error(
                Diagnostic::error(max.at, "`max_open_connections` is 0")
                    .label("must be at least 1")
                    .help("the engine takes 0 for its own default; leave the key out for that"),
            );
        }
        for (name, _) in connection.static_roles.iter() {
            if let Some((first, _)) = connection.roles.iter().find(|(role, _)| role.value == name.value) {
                self.error(
                    Diagnostic::error(name.at, format!("a role and a static role are both named `{}`", name.value))
                        .label("the static role")
                        .see(first.at, "the role")
                        .help("steps speak of both as mount/name: give each its own"),
                );
            }
        }
        let roles = connection.roles.iter().map(|(name, role)| self.dynamic_role(name, role)).collect();
        let mut users: BTreeMap<Name, Place> = BTreeMap::new();
        let static_roles = connection
            .static_roles
            .iter()
            .map(|(name, role)| {
                let static_role = self.static_role(name, role);
                self.shared_user(&mut users, role.username.as_ref().unwrap_or(name));
                static_role
            })
            .collect();
        Some(Connection {
            dbms,
            name: fixed_name(dbms.word())?,
            root: connection.root.map_or_else(RootKind::default, |root| root.value),
            max_open_connections: connection.max_open_connections.map_or(MAX_OPEN_CONNECTIONS, |max| max.value),
            roles,
            static_roles,
        })
    }

    fn dynamic_role(&mut self, name: &Marked<Name>, role: &file::Role) -> Role {
        self.above_zero("default_ttl", role.default_ttl.as_ref());
        self.above_zero("max_ttl", role.max_ttl.as_ref());
        let creation = self.statements("creation_statements", role.creation_statements.as_deref());
        if let (Some(all), Some(first)) = (&creation, role.creation_statements.iter().flatten().next())
            && !all.is_empty()
            && !all.iter().any(|sql| sql.contains("{{name}}"))
        {
            self.error(
                Diagnostic::error(first.at, "no creation statement mentions {{name}}")
                    .label("makes no user of its own")
                    .help("the engine puts the new user's name for {{name}}: CREATE ROLE \"{{name}}\" WITH LOGIN …"),
            );
        }
        if creation.as_ref().is_some_and(Vec::is_empty) && self.lost.nothing() {
            self.error(
                Diagnostic::error(
                    name.at,
                    format!("the role `{}` has an empty list of creation statements", name.value),
                )
                .label("could make no user")
                .help("leave `creation_statements` out for a sane default"),
            );
        }
        Role {
            name: name.value.clone(),
            default_ttl: role.default_ttl.map(|ttl| ttl.0),
            max_ttl: role.max_ttl.map(|ttl| ttl.0),
            creation_statements: creation,
            revocation_statements: self.statements("revocation_statements", role.revocation_statements.as_deref()),
            renew_statements: self.statements("renew_statements", role.renew_statements.as_deref()),
        }
    }

    /// The statements of a role; an empty one among them is an error.
    pub(super) fn statements(&mut self, key: &str, statements: Option<&[Marked<String>]>) -> Option<Vec<String>> {
        let statements = statements?;
        for statement in statements.iter().filter(|statement| statement.trim().is_empty()) {
            self.error(Diagnostic::error(statement.at, format!("an empty statement in `{key}`")).label("no SQL"));
        }
        Some(statements.iter().map(|statement| statement.value.clone()).collect())
    }

    fn static_role(&mut self, name: &Marked<Name>, role: &file::StaticRole) -> StaticRole {
        if role.rotation_period.0 < SHORTEST_ROTATION {
            self.error(
                Diagnostic::error(role.rotation_period.at, "`rotation_period` is below 5s")
                    .label("too short")
                    .help("the engine refuses to rotate more often than every 5 seconds (400)"),
            );
        }
        let username = role.username.as_ref().unwrap_or(name).value.clone();
        StaticRole { name: name.value.clone(), username, rotation_period: role.rotation_period.0 }
    }

    fn shared_user(&mut self, users: &mut BTreeMap<Name, Place>, user: &Marked<Name>) {
        if let Some(first) = users.get(&user.value) {
            self.error(
                Diagnostic::warning(user.at, format!("two static roles rotate the same user `{}`", user.value))
                    .label("the second")
                    .see(*first, "the first")
                    .help("the server accepts this, and each rotation of one makes the other's password stale"),
            );
            return;
        }
        users.insert(user.value.clone(), user.at);
    }
}

/// One of leaseproof's own names, which all are good.
pub(super) fn fixed_name(text: &str) -> Option<Name> {
    text.parse().ok()
}
