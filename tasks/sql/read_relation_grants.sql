-- One row per statement that gives a new relation, or a column of it, what its namesake among the old ones grants.
with privileges as (
    select
        old_namespace.nspname as schema_name,
        old_class.relname,
        null::name as column_name,
        old_class.relkind,
        old_class.relowner as owner_oid,
        old_class.relacl as acl
    from pg_catalog.pg_class as old_class
    inner join pg_catalog.pg_namespace as old_namespace on old_class.relnamespace = old_namespace.oid
    where old_class.oid = any(%(old_oids)s::oid[]) and old_class.relacl is not null
    union all
    select
        old_namespace.nspname,
        old_class.relname,
        old_column.attname,
        old_class.relkind,
        old_class.relowner,
        old_column.attacl
    from pg_catalog.pg_attribute as old_column
    inner join pg_catalog.pg_class as old_class on old_column.attrelid = old_class.oid
    inner join pg_catalog.pg_namespace as old_namespace on old_class.relnamespace = old_namespace.oid
    where
        old_class.oid = any(%(old_oids)s::oid[])
        and old_column.attacl is not null
        and not old_column.attisdropped
)

select
    pg_catalog.format(
        'grant %%s%%s on %%s %%I.%%I to %%s%%s',
        privilege.privilege_type,
        case when privileges.column_name is null then '' else pg_catalog.format(' (%%I)', privileges.column_name) end,
        case when privileges.relkind = 'S' then 'sequence' else 'table' end,
        new_namespace.nspname,
        new_class.relname,
        case when privilege.grantee = 0 then 'public' else privilege.grantee::regrole::text end,
        case when privilege.is_grantable then ' with grant option' else '' end
    ) as statement
from privileges
cross join lateral pg_catalog.aclexplode(privileges.acl) as privilege
inner join pg_catalog.pg_class as new_class
    on privileges.relname = new_class.relname and new_class.oid = any(%(new_oids)s::oid[])
inner join pg_catalog.pg_namespace as new_namespace on new_class.relnamespace = new_namespace.oid
inner join unnest(%(old_schemas)s::text[], %(new_schemas)s::text[]) as pair (old_schema, new_schema)
    on privileges.schema_name = pair.old_schema and new_namespace.nspname = pair.new_schema
left join pg_catalog.pg_attribute as new_column
    on new_class.oid = new_column.attrelid and privileges.column_name = new_column.attname
where
    privilege.grantee <> privileges.owner_oid
    and (privileges.column_name is null or new_column.attnum > 0)
order by statement
