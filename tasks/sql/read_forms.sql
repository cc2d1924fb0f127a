-- One row per object of a list: a digest of what the catalogues say of it and of its parts, wherever it lives, whoever
-- may use it. Of foreign keys only those between two of these objects count, whatever they are called.
with recursive given as (
    select
        object.classid::oid as classid,
        object.objid::oid as objid
    from unnest(%(classids)s::bigint[], %(objids)s::bigint[]) as object (classid, objid)
),

family as (
    select
        given.classid as root_classid,
        given.objid as root_objid,
        given.classid,
        given.objid
    from given
    union
    select
        family.root_classid,
        family.root_objid,
        dependency.classid,
        dependency.objid
    from family
    inner join pg_catalog.pg_depend as dependency
        on
            family.classid = dependency.refclassid
            and family.objid = dependency.refobjid
            and dependency.deptype in ('a', 'i', 'P', 'S')
),

described as (
    select
        'pg_catalog.pg_class'::regclass::oid as classid,
        class.oid as objid,
        pg_catalog.jsonb_build_array(
            class.relname, class.relkind, class.relpersistence, class.reloptions, class.relam, class.relispartition,
            class.relpartbound, class.relrowsecurity, class.relforcerowsecurity, class.relreplident
        ) as content
    from pg_catalog.pg_class as class
    union all
    select
        'pg_catalog.pg_class'::regclass as classid,
        attribute.attrelid as objid,
        pg_catalog.jsonb_build_array(
            attribute.attnum, attribute.attname, attribute.atttypid, attribute.atttypmod, attribute.attnotnull,
            attribute.attisdropped, attribute.attgenerated, attribute.attidentity, attribute.attcollation,
            attribute.attstorage, attribute.attinhcount
        ) as content
    from pg_catalog.pg_attribute as attribute
    where attribute.attnum > 0
    union all
    select
        'pg_catalog.pg_class'::regclass as classid,
        entry.indexrelid as objid,
        pg_catalog.to_jsonb(entry) - '{indexrelid, indrelid, indcheckxmin}'::text[] as content
    from pg_catalog.pg_index as entry
    union all
    select
        'pg_catalog.pg_class'::regclass as classid,
        sequence.seqrelid as objid,
        pg_catalog.to_jsonb(sequence) - 'seqrelid' as content
    from pg_catalog.pg_sequence as sequence
    union all
    select
        'pg_catalog.pg_attrdef'::regclass as classid,
        value.oid as objid,
        pg_catalog.jsonb_build_array(value.adnum, value.adbin) as content
    from pg_catalog.pg_attrdef as value
    union all
    select
        'pg_catalog.pg_constraint'::regclass as classid,
        pg_constraint.oid as objid,
        pg_catalog.jsonb_build_array(
            pg_constraint.contype, pg_constraint.conkey, pg_constraint.condeferrable, pg_constraint.condeferred,
            pg_constraint.convalidated, pg_constraint.connoinherit, pg_constraint.conbin, pg_constraint.conexclop,
            referenced.relname, pg_constraint.confkey, pg_constraint.confupdtype, pg_constraint.confdeltype,
            pg_constraint.confmatchtype, case when pg_constraint.contype <> 'f' then pg_constraint.conname end
        ) as content
    from pg_catalog.pg_constraint
    left join pg_catalog.pg_class as referenced on pg_constraint.confrelid = referenced.oid
    where
        pg_constraint.contype <> 'f'
        -- A key to a partitioned table has one more constraint for each of its partitions.
        or (
            pg_constraint.conparentid = 0
            and pg_constraint.confrelid in (
                select given.objid from given
                where given.classid = 'pg_catalog.pg_class'::regclass
            )
        )
    union all
    select
        'pg_catalog.pg_trigger'::regclass as classid,
        trigger.oid as objid,
        pg_catalog.jsonb_build_array(
            trigger.tgname, trigger.tgtype, trigger.tgfoid, trigger.tgenabled, trigger.tgattr, trigger.tgargs,
            trigger.tgqual, trigger.tgdeferrable, trigger.tginitdeferred
        ) as content
    from pg_catalog.pg_trigger as trigger
    where not trigger.tgisinternal
    union all
    select
        'pg_catalog.pg_rewrite'::regclass as classid,
        rule.oid as objid,
        pg_catalog.to_jsonb(rule) - '{oid, ev_class}'::text[] as content
    from pg_catalog.pg_rewrite as rule
    union all
    select
        'pg_catalog.pg_type'::regclass as classid,
        type.oid as objid,
        pg_catalog.jsonb_build_array(
            type.typname, type.typtype, type.typnotnull, type.typbasetype, type.typtypmod, type.typdefaultbin,
            type.typcollation
        ) as content
    from pg_catalog.pg_type as type
    union all
    select
        'pg_catalog.pg_type'::regclass as classid,
        label.enumtypid as objid,
        pg_catalog.jsonb_build_array(label.enumsortorder, label.enumlabel) as content
    from pg_catalog.pg_enum as label
    union all
    select
        'pg_catalog.pg_proc'::regclass as classid,
        routine.oid as objid,
        pg_catalog.to_jsonb(routine) - '{oid, pronamespace, proowner, proacl}'::text[] as content
    from pg_catalog.pg_proc as routine
)

select
    family.root_classid::bigint as classid,
    family.root_objid::bigint as objid,
    pg_catalog.encode(
        pg_catalog.sha256(
            pg_catalog.convert_to(
                coalesce(
                    pg_catalog.string_agg(described.content::text, ' ' order by described.content), ''
                ),
                'UTF8'
            )
        ),
        'hex'
    ) as form
from family
left join described on family.classid = described.classid and family.objid = described.objid
group by family.root_classid, family.root_objid
