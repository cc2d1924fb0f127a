-- No row of use: brings every sequence of a list to where it stood at the source.
select
    pg_catalog.setval(
        pg_catalog.format('%%I.%%I', wanted.schema_name, wanted.sequence_name)::regclass,
        wanted.last_value,
        wanted.is_called
    )
from
    unnest(%(schemas)s::text[], %(names)s::text[], %(last_values)s::bigint[], %(called)s::boolean[])
        as wanted (schema_name, sequence_name, last_value, is_called)
