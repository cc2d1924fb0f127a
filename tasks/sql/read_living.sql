-- One row per object that lives in one of these schemas by itself and is no extension's: what it is, whose it is.
-- Indexes, constraints, triggers, row types and the sequences of serial and identity columns follow their table.
select
    dependency.classid::bigint as classid,
    dependency.objid::bigint as objid,
    object.type as object_type,
    namespace.nspname as schema_name,
    object.identity,
    -- The bootstrap superuser owns what pg_shdepend does not mention.
    coalesce(ownership.refobjid, 10) = role.oid as is_owned,
    pg_catalog.pg_get_userbyid(coalesce(ownership.refobjid, 10)) as owner_name
from pg_catalog.pg_depend as dependency
inner join pg_catalog.pg_namespace as namespace on dependency.refobjid = namespace.oid
cross join lateral pg_catalog.pg_identify_object(dependency.classid, dependency.objid, 0) as object
inner join pg_catalog.pg_roles as role on current_user = role.rolname
left join pg_catalog.pg_shdepend as ownership
    on
        ownership.dbid = (
            select database.oid from pg_catalog.pg_database as database
            where database.datname = pg_catalog.current_database()
        )
        and dependency.classid = ownership.classid
        and dependency.objid = ownership.objid
        and ownership.objsubid = 0
        and ownership.deptype = 'o'
where
    dependency.refclassid = 'pg_catalog.pg_namespace'::regclass
    and dependency.deptype = 'n'
    and namespace.nspname = any(%(schemas)s)
    and object.type not in ('extension', 'default acl', 'publication namespace')
    and not exists (
        select 1
        from pg_catalog.pg_depend as tie
        where
            tie.classid = dependency.classid
            and tie.objid = dependency.objid
            and (
                tie.deptype = 'e'
                or (
                    object.type = 'sequence'
                    and tie.refclassid = 'pg_catalog.pg_class'::regclass
                    and tie.refobjsubid > 0
                    and tie.deptype in ('a', 'i')
                )
            )
    )
order by
    -- Whatever has argument types in its identity goes before any type has moved.
    dependency.classid not in ('pg_catalog.pg_proc'::regclass, 'pg_catalog.pg_operator'::regclass),
    object.type,
    object.identity
