-- One row per sequence of a load: its schema and name now, in the order of their numbers.
select
    class.oid::bigint as oid,
    namespace.nspname::text as schema_name,
    class.relname::text as sequence_name
from towpath.objects as landed
inner join pg_catalog.pg_class as class on landed.objid::oid = class.oid
inner join pg_catalog.pg_namespace as namespace on class.relnamespace = namespace.oid
where
    landed.load_id = %(load_id)s
    and landed.classid = 'pg_catalog.pg_class'::regclass::oid::bigint
    and class.relkind = 'S'
order by class.oid
