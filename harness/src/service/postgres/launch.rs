//! How a PostgreSQL server is set up: its configuration, and what is in it before Vault comes.

use super::TABLE;
use super::words::{identifier, literal, rights};
use crate::scenario::file::RootKind;
use crate::secret::Secret;
use crate::service::database::ROOT;

/// The settings of a server, as `name = value` lines of `postgresql.conf`.
pub fn configuration(listen: &str, port: u16, max_connections: u32) -> String {
    format!(
        "listen_addresses = '{listen}'\n\
         port = {port}\n\
         unix_socket_directories = ''\n\
         max_connections = {max_connections}\n\
         superuser_reserved_connections = 5\n\
         password_encryption = 'scram-sha-256'\n\
         # Data lives as long as one scenario. A killed process loses nothing that the kernel already has; commits must\n\
         # stay synchronous, since otherwise what was answered a moment ago is only in the server's own memory.\n\
         fsync = off\n\
         full_page_writes = off\n\
         synchronous_commit = on\n\
         shared_buffers = '16MB'\n\
         max_wal_size = '64MB'\n\
         autovacuum = off\n\
         # Vault's revocation asks views that look expensive and are empty: compiling them takes longer than the rest.\n\
         jit = off\n\
         # In the data folder, and gone with it: what a killed server leaves in /dev/shm nobody would ever remove.\n\
         dynamic_shared_memory_type = mmap\n\
         # A failing statement can hold a password: it must not reach the log.\n\
         log_min_error_statement = 'panic'\n\
         log_connections = off\n\
         log_line_prefix = '%m [%p] %u '\n\
         log_timezone = 'UTC'\n"
    )
}

/// The login rules: passwords only, loopback only.
pub const HBA: &str = "host all all 127.0.0.1/32 scram-sha-256\n";
/// The login rules in a container, which nobody reaches but its own network and, by the published port, loopback.
pub const HBA_OF_CONTAINER: &str = "host all all all scram-sha-256\n";

/// The script by which a container initialises its data folder and starts the server.
pub const START: &str = include_str!("start.sh");

/// What is made before Vault comes: Vault's own user, and the application's table, which it owns.
pub fn preparation(root: RootKind, password: &Secret) -> String {
    let rights = rights(root);
    format!(
        "CREATE ROLE {user} LOGIN {rights} PASSWORD {password}; \
         CREATE TABLE {TABLE} (id int PRIMARY KEY, name text NOT NULL); \
         INSERT INTO {TABLE} VALUES (1, 'one'), (2, 'two'); \
         ALTER TABLE {TABLE} OWNER TO {user};",
        user = identifier(ROOT),
        password = literal(password.expose()),
    )
}
