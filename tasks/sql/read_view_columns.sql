-- One row per column of one of these relations that one of these views reads, and per relation of which it reads none.
select distinct
    view.oid::bigint as view_oid,
    namespace.nspname as schema_name,
    class.relname as relation_name,
    attribute.attname as column_name
from pg_catalog.pg_class as view
inner join pg_catalog.pg_rewrite as rule on view.oid = rule.ev_class
inner join pg_catalog.pg_depend as dependency
    on
        rule.oid = dependency.objid
        and dependency.classid = 'pg_catalog.pg_rewrite'::regclass
        and dependency.refclassid = 'pg_catalog.pg_class'::regclass
inner join pg_catalog.pg_class as class on dependency.refobjid = class.oid
inner join pg_catalog.pg_namespace as namespace on class.relnamespace = namespace.oid
left join pg_catalog.pg_attribute as attribute
    on class.oid = attribute.attrelid and dependency.refobjsubid = attribute.attnum and attribute.attnum > 0
where
    view.oid::bigint = any(%(views)s)
    and class.oid::bigint = any(%(relations)s)
    and class.relkind in ('r', 'p', 'v', 'm')
    -- Its columns are its parent's.
    and not class.relispartition
order by view_oid, schema_name, relation_name, column_name
