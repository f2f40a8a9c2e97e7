#!/bin/sh
# Starts PostgreSQL in a container: the first time the data folder is initialised, later it is used as it is.
set -eu
data=${PGDATA:-/var/lib/postgresql/data}
if [ ! -s "$data/PG_VERSION" ]; then
    initdb -D "$data" --username=postgres --auth=scram-sha-256 --encoding=UTF8 --locale=C --no-sync --wal-segsize=1 \
        --pwfile=/leaseproof/password >/dev/null
fi
exec postgres -D "$data" -c config_file=/leaseproof/postgresql.conf -c hba_file=/leaseproof/pg_hba.conf
