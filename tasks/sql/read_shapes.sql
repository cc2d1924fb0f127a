-- One row per table and view among those given, a partitioned table without its partitions: its kind, columns, keys.
with given as (
    select
        relation.oid::oid as oid,
        relation.row_count
    from unnest(%(oids)s::bigint[], %(row_counts)s::bigint[]) as relation (oid, row_count)
),

-- A partition has its parent's columns, comes and goes with time, and its rows are its parent's.
relations as (
    select
        coalesce(root.oid, given.oid) as oid,
        sum(given.row_count)::bigint as row_count
    from given
    left join given as root on pg_catalog.pg_partition_root(given.oid) = root.oid
    group by coalesce(root.oid, given.oid)
),

columns as (
    select
        attribute.attrelid as oid,
        pg_catalog.jsonb_agg(
            pg_catalog.jsonb_build_object(
                'number', attribute.attnum,
                'name', attribute.attname,
                'type', pg_catalog.format_type(attribute.atttypid, attribute.atttypmod),
                'is_never_null', attribute.attnotnull
            )
            order by attribute.attnum
        ) as described
    from pg_catalog.pg_attribute as attribute
    inner join relations on attribute.attrelid = relations.oid
    where attribute.attnum > 0 and not attribute.attisdropped
    group by attribute.attrelid
),

-- Not pg_get_constraintdef: it looks past this transaction's snapshot, and its text hides which names are columns.
constraints as (
    select
        pg_constraint.conrelid as oid,
        pg_constraint.conname,
        case pg_constraint.contype
            when 'p' then 'primary key'
            when 'u' then 'unique key'
            else 'foreign key'
        end as kind,
        (
            select pg_catalog.jsonb_agg(attribute.attname order by position.number)
            from unnest(pg_constraint.conkey) with ordinality as position (attnum, number)
            inner join pg_catalog.pg_attribute as attribute
                on pg_constraint.conrelid = attribute.attrelid and position.attnum = attribute.attnum
        ) as column_names,
        (
            select pg_catalog.jsonb_build_array(namespace.nspname, class.relname)
            from pg_catalog.pg_class as class
            inner join pg_catalog.pg_namespace as namespace on class.relnamespace = namespace.oid
            where class.oid = pg_constraint.confrelid
        ) as referenced_table,
        (
            select coalesce(pg_catalog.jsonb_agg(attribute.attname order by position.number), '[]')
            from unnest(pg_constraint.confkey) with ordinality as position (attnum, number)
            inner join pg_catalog.pg_attribute as attribute
                on pg_constraint.confrelid = attribute.attrelid and position.attnum = attribute.attnum
        ) as referenced_columns
    from pg_catalog.pg_constraint
    inner join relations on pg_constraint.conrelid = relations.oid
    where
        pg_constraint.contype in ('p', 'u', 'f')
        -- A key to a partitioned table has one more constraint for each of its partitions.
        and pg_constraint.conparentid = 0
),

keys as (
    select
        constraints.oid,
        pg_catalog.jsonb_agg(
            pg_catalog.jsonb_build_object(
                'kind', constraints.kind,
                'columns', constraints.column_names,
                'referenced_table', constraints.referenced_table,
                'referenced_columns', constraints.referenced_columns
            )
            order by constraints.conname
        ) as described
    from constraints
    group by constraints.oid
)

select
    class.oid::bigint as oid,
    namespace.nspname::text as schema_name,
    class.relname::text as relation_name,
    case class.relkind when 'v' then 'view' when 'm' then 'materialized view' else 'table' end as kind,
    case when class.relkind in ('r', 'p') then relations.row_count end as row_count,
    coalesce(columns.described, '[]') as columns,
    coalesce(keys.described, '[]') as keys
from relations
inner join pg_catalog.pg_class as class on relations.oid = class.oid
inner join pg_catalog.pg_namespace as namespace on class.relnamespace = namespace.oid
left join columns on relations.oid = columns.oid
left join keys on relations.oid = keys.oid
where class.relkind in ('r', 'p', 'v', 'm')
order by namespace.nspname, class.relname
