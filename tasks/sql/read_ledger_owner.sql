-- One row per owner, but for this role and those of which it is a member, of a schema towpath or of a table in it.
select pg_catalog.pg_get_userbyid(owned.owner_oid) as owner_name
from (
    select namespace.nspowner as owner_oid
    from pg_catalog.pg_namespace as namespace
    where namespace.nspname = 'towpath'
    union
    select class.relowner
    from pg_catalog.pg_class as class
    inner join pg_catalog.pg_namespace as namespace on class.relnamespace = namespace.oid
    where namespace.nspname = 'towpath' and class.relkind = 'r'
) as owned
where not pg_catalog.pg_has_role(owned.owner_oid, 'usage')
order by owner_name
