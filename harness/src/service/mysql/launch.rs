//! How a MySQL or MariaDB server is set up: its settings, and what is in it before Vault comes.

use super::words::{account, global_rights, literal, own_rights};
use super::{ADMIN, DATABASE, TABLE};
use crate::scenario::file::RootKind;
use crate::secret::Secret;
use crate::service::database::ROOT;

/// The settings of a server, as `name = value` lines below `[mysqld]`: small, and with nothing that tests do not need.
pub fn configuration(mariadb: bool, max_connections: u32) -> String {
    let own = if mariadb {
        "innodb_log_file_size = 4M\n\
         innodb_temp_data_file_path = ibtmp1:5M:autoextend\n\
         aria_pagecache_buffer_size = 4M\n\
         # Who hangs up without a goodbye is no news.\n\
         log_warnings = 1\n"
    } else {
        "innodb_redo_log_capacity = 32M\n\
         innodb_temp_data_file_path = ibtmp1:12M:autoextend\n\
         # Containers may not say where memory lies, and each try is a warning; not every build knows the setting.\n\
         loose_innodb_numa_interleave = OFF\n\
         mysqlx = OFF\n\
         secure_file_priv = NULL\n"
    };
    format!(
        "max_connections = {max_connections}\n\
         skip_name_resolve = ON\n\
         skip_log_bin\n\
         performance_schema = OFF\n\
         innodb_buffer_pool_size = 16M\n\
         innodb_buffer_pool_dump_at_shutdown = OFF\n\
         innodb_buffer_pool_load_at_startup = OFF\n\
         key_buffer_size = 1M\n\
         # Data lives as long as one scenario. What is written at each commit survives a killed process, and no more.\n\
         innodb_flush_log_at_trx_commit = 2\n\
         innodb_use_native_aio = OFF\n\
         # A fault's connections that end before they say who they are must not lock their host out.\n\
         max_connect_errors = 1000000\n\
         {own}"
    )
}

/// The script by which a container initialises its data folder and starts the server.
pub const START: &str = include_str!("start.sh");
/// The data folder in a container, in the one that the images give to their user.
pub const DATA_OF_CONTAINER: &str = "/var/lib/mysql/leaseproof";

/// What makes the harness's own superuser on a server without users, one statement a line, and removes those that an
/// initialised folder has. It comes from this `host`: loopback, or whatever address a container sees it at.
pub fn administration(password: &Secret, host: &str) -> String {
    let admin = format!("'{ADMIN}'@'{host}'");
    format!(
        "CREATE USER {admin} IDENTIFIED BY {password};\n\
         GRANT ALL PRIVILEGES ON *.* TO {admin} WITH GRANT OPTION;\n\
         DROP USER IF EXISTS 'root'@'localhost';\n",
        password = literal(password.expose()),
    )
}

/// What is made before Vault comes: Vault's own user, and the application's table, on which it may hand on rights.
pub fn preparation(root: RootKind, password: &Secret) -> String {
    format!(
        "CREATE DATABASE {DATABASE}; \
         CREATE TABLE {TABLE} (id int PRIMARY KEY, name text NOT NULL); \
         INSERT INTO {TABLE} VALUES (1, 'one'), (2, 'two'); \
         CREATE USER {user} IDENTIFIED BY {password}; \
         {}; {}",
        global_rights(root),
        own_rights(),
        user = account(ROOT),
        password = literal(password.expose()),
    )
}
