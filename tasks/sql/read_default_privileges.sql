-- One row per statement that gives the second schema the default privileges that we have set in the first.
select
    pg_catalog.format(
        'alter default privileges in schema %%I grant %%s on %%s to %%s%%s',
        %(new_schema)s::text,
        privilege.privilege_type,
        case default_privileges.defaclobjtype
            when 'r' then 'tables' when 'S' then 'sequences' when 'f' then 'functions' else 'types'
        end,
        case when privilege.grantee = 0 then 'public' else privilege.grantee::regrole::text end,
        case when privilege.is_grantable then ' with grant option' else '' end
    ) as statement
from pg_catalog.pg_default_acl as default_privileges
inner join pg_catalog.pg_namespace as namespace on default_privileges.defaclnamespace = namespace.oid
inner join pg_catalog.pg_roles as role on default_privileges.defaclrole = role.oid
cross join lateral pg_catalog.aclexplode(default_privileges.defaclacl) as privilege
where
    namespace.nspname = %(old_schema)s
    and role.rolname = current_user
order by statement
