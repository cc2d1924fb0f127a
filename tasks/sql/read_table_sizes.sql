-- One row per table of a list: its size without indexes. To ask takes a lock: only of tables that are locked already.
select
    wanted.oid,
    pg_catalog.pg_table_size(wanted.oid::regclass) as size_bytes
from unnest(%(oids)s::bigint[]) as wanted (oid)
