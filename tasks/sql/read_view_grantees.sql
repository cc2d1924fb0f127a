-- One row per statement that takes from a new view what its maker's default privileges have given.
select distinct
    pg_catalog.format(
        'revoke all on %%s from %%s',
        class.oid::regclass,
        case when privilege.grantee = 0 then 'public' else privilege.grantee::regrole::text end
    ) as statement
from pg_catalog.pg_class as class
cross join
    lateral
    pg_catalog.aclexplode(coalesce(class.relacl, pg_catalog.acldefault('r', class.relowner))) as privilege
where class.oid = pg_catalog.to_regclass(%(view)s)
