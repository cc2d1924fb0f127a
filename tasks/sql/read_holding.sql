-- One row: which database this is, and whether it has a ledger.
select
    control.system_identifier::text as system_identifier,
    database.oid::bigint as database_oid,
    pg_catalog.to_regclass('towpath.steps') is not null as has_ledger
from pg_catalog.pg_control_system() as control
cross join pg_catalog.pg_database as database
where database.datname = pg_catalog.current_database()
