-- One row per index, and one per valid key or check, of the tables that were copied.
select indexes.indexdef as definition
from pg_catalog.pg_indexes as indexes
where indexes.schemaname = 'public'
union all
select constraints.conrelid::regclass || ' ' || pg_catalog.pg_get_constraintdef(constraints.oid) as definition
from pg_catalog.pg_constraint as constraints
where
    constraints.connamespace = 'public'::regnamespace
    and constraints.convalidated
    -- A table that two loads share has a key to the older one, too.
    and constraints.conname !~ '^[0-9]+__previous$'
order by 1;
