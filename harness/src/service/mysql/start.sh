#!/bin/sh
# Starts MySQL or MariaDB in a container: the first time the data folder is initialised and the harness's own user is made,
# later it is used as it is.
set -eu
server=$1
data=/var/lib/mysql/leaseproof
settings=--defaults-file=/leaseproof/my.cnf
if [ -d "$data/mysql" ]; then exec "$server" "$settings"; fi
mkdir -p -m 0750 "$data"
if [ "$server" = mariadbd ]; then
    mariadb-install-db "$settings" --auth-root-authentication-method=socket --auth-root-socket-user=mysql \
        --skip-test-db --skip-name-resolve >/dev/null
else
    mysqld "$settings" --initialize-insecure
fi
exec "$server" "$settings" --init-file=/leaseproof/administration.sql
