-- One row per table, and per view, of some schemas.
select
    tables.table_schema::text as schema_name,
    tables.table_name::text as table_name
from information_schema.tables
where tables.table_schema = any(%(schemas)s)
order by 1, 2;
