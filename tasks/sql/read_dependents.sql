-- One row per object that depends on one of `objects` and is not among `allowed`: what it is, what it needs, whose.
-- An index of an allowed table is allowed by name too, because REINDEX CONCURRENTLY gives it a new number.
with objects as (
    select
        given.classid::oid as classid,
        given.objid::oid as objid
    from unnest(%(classids)s::bigint[], %(objids)s::bigint[]) as given (classid, objid)
),

allowed as (
    select
        given.classid::oid as classid,
        given.objid::oid as objid,
        given.object_name
    from
        unnest(%(allowed_classids)s::bigint[], %(allowed_objids)s::bigint[], %(allowed_names)s::text[])
            as given (classid, objid, object_name)
),

dependents as (
    select distinct on (dependency.classid, dependency.objid)
        dependency.classid,
        dependency.objid,
        dependency.refclassid,
        dependency.refobjid
    from pg_catalog.pg_depend as dependency
    inner join objects on dependency.refclassid = objects.classid and dependency.refobjid = objects.objid
    left join allowed on dependency.classid = allowed.classid and dependency.objid = allowed.objid
    where allowed.objid is null
    order by dependency.classid, dependency.objid, dependency.refclassid, dependency.refobjid
),

-- A view depends on its tables through its rule, which nobody knows by name.
named as (
    select
        coalesce(relation.tableoid, dependents.classid) as classid,
        coalesce(relation.oid, dependents.objid) as objid,
        dependents.refclassid,
        dependents.refobjid
    from dependents
    left join pg_catalog.pg_rewrite as rule
        on dependents.classid = 'pg_catalog.pg_rewrite'::regclass and dependents.objid = rule.oid
    left join pg_catalog.pg_class as relation on rule.ev_class = relation.oid and rule.rulename = '_RETURN'
)

select distinct
    named.classid::bigint as classid,
    named.objid::bigint as objid,
    object.type as object_type,
    object.identity,
    needed.identity as needed_identity,
    coalesce(owner.rolname, '') as owner
from named
cross join lateral pg_catalog.pg_identify_object(named.classid, named.objid, 0) as object
cross join lateral pg_catalog.pg_identify_object_as_address(named.classid, named.objid, 0) as address
cross join lateral pg_catalog.pg_identify_object(named.refclassid, named.refobjid, 0) as needed
left join pg_catalog.pg_constraint as key
    on named.classid = 'pg_catalog.pg_constraint'::regclass and named.objid = key.oid
left join pg_catalog.pg_attrdef as value
    on named.classid = 'pg_catalog.pg_attrdef'::regclass and named.objid = value.oid
left join pg_catalog.pg_class as relation
    on
        case
            when named.classid = 'pg_catalog.pg_class'::regclass then named.objid
            else coalesce(key.conrelid, value.adrelid)
        end = relation.oid
left join pg_catalog.pg_proc as routine
    on named.classid = 'pg_catalog.pg_proc'::regclass and named.objid = routine.oid
left join pg_catalog.pg_type as type
    on named.classid = 'pg_catalog.pg_type'::regclass and named.objid = type.oid
left join pg_catalog.pg_roles as owner on coalesce(relation.relowner, routine.proowner, type.typowner) = owner.oid
where
    not exists (
        select 1 from allowed
        where allowed.classid = named.classid and allowed.objid = named.objid
    )
    and not exists (
        select 1
        from allowed
        inner join pg_catalog.pg_index as index_entry on named.objid = index_entry.indexrelid
        inner join allowed as indexed on index_entry.indrelid = indexed.objid
        where
            named.classid = 'pg_catalog.pg_class'::regclass
            and indexed.classid = named.classid
            and allowed.object_name = address.object_names[pg_catalog.array_upper(address.object_names, 1)]
    )
order by object.type, object.identity
