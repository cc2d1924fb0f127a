-- One row per foreign key of a list: whose it is, its name, and its definition where it can be added without a look at
-- the rows; between partitioned tables it cannot before PostgreSQL 18.
select
    constraints.oid::bigint as oid,
    namespace.nspname::text as schema_name,
    class.relname::text as table_name,
    constraints.conname::text as key_name,
    pg_catalog.pg_get_constraintdef(constraints.oid) as definition,
    'p' in (class.relkind, referenced.relkind) as is_partitioned
from pg_catalog.pg_constraint as constraints
inner join pg_catalog.pg_class as class on constraints.conrelid = class.oid
inner join pg_catalog.pg_namespace as namespace on class.relnamespace = namespace.oid
inner join pg_catalog.pg_class as referenced on constraints.confrelid = referenced.oid
where constraints.oid = any(%(oids)s::bigint[]::oid[])
order by namespace.nspname, class.relname, constraints.conname
