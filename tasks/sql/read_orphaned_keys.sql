-- One row per foreign key of a list of constraints that refers to a table which is not among `tables`.
select foreign_key.oid::bigint as oid
from pg_catalog.pg_constraint as foreign_key
where
    foreign_key.contype = 'f'
    and foreign_key.oid = any(%(keys)s::oid[])
    and foreign_key.confrelid <> all(%(tables)s::oid[])
