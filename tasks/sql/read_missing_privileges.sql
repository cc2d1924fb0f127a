-- One row per place in which the role may not create what a load needs there: the database, or one of its schemas.
select 'database ' || pg_catalog.quote_ident(pg_catalog.current_database()) as place
where not pg_catalog.has_database_privilege(pg_catalog.current_database(), 'create')
union all
select 'schema ' || pg_catalog.quote_ident(namespace.nspname) as place
from pg_catalog.pg_namespace as namespace
where
    namespace.nspname = any(%(schemas)s)
    and not pg_catalog.has_schema_privilege(namespace.oid, 'create')
order by place
