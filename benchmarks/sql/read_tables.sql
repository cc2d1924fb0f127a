-- One row per table that was copied.
select
    tables.table_schema::text as schema_name,
    tables.table_name::text as table_name
from information_schema.tables
where tables.table_schema = 'public' and tables.table_type = 'BASE TABLE'
order by 1, 2;
