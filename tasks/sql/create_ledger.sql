-- No row: makes the ledger where it is not yet; everything in it outlives the loads that it tells of.
create schema if not exists towpath;

comment on schema towpath is 'What Towpath remembers of its loads and versions. Its objects are its own; do not edit.';

create table if not exists towpath.loads (
    load_id bigint generated always as identity primary key,
    run text not null,
    source text not null,
    dump_digest text not null,
    snapshot_at timestamptz not null,
    state text not null check (state in ('restoring', 'restored', 'built', 'published', 'set aside', 'dropped')),
    place text check (place in ('landing', 'previous')),
    schemas text[] not null,
    table_count integer not null,
    row_count bigint not null,
    started_at timestamptz not null default clock_timestamp(),
    restored_at timestamptz,
    published_at timestamptz
);

create table if not exists towpath.versions (
    version_id bigint generated always as identity primary key,
    load_id bigint not null references towpath.loads,
    run text not null,
    dbt_digest text not null,
    target text not null,
    state text not null check (state in ('building', 'built', 'published', 'previous', 'dropped')),
    schemas text[] not null default '{}',
    built_schemas text[] not null default '{}',
    stateful text[] not null default '{}',
    in_place text[] not null default '{}',
    built_at timestamptz,
    published_at timestamptz
);

-- One row per object, or part of one, that a load or a version consists of. While a load is being restored the
-- numbers are not known yet: then a row is what the dump will bring.
create table if not exists towpath.objects (
    load_id bigint references towpath.loads,
    version_id bigint references towpath.versions,
    object_type text,
    identity text,
    classid bigint,
    objid bigint,
    object_name text,
    check (num_nonnulls(load_id, version_id) = 1)
);

create index if not exists objects_load_id on towpath.objects (load_id);

create index if not exists objects_version_id on towpath.objects (version_id);

-- One row per load that is in place: its tables, their columns, types and keys, as they were at the source.
create table if not exists towpath.catalogues (
    load_id bigint primary key references towpath.loads,
    catalogue jsonb not null
);

-- One row per landed table and model of a version in place that reads it directly, by the name that readers know.
create table if not exists towpath.readers (
    version_id bigint not null references towpath.versions,
    schema_name text not null,
    table_name text not null,
    model text not null,
    primary key (version_id, schema_name, table_name, model)
);

create table if not exists towpath.steps (
    step_id bigint generated always as identity primary key,
    run text not null,
    step text not null,
    outcome text not null check (outcome in ('done', 'failed')),
    message text,
    started_at timestamptz not null,
    seconds numeric not null
);

-- Always empty: an index is made on it to wait for the snapshots of readers.
create table if not exists towpath.readers_gate (nothing integer);

-- One row: the ledger's own numbers in the catalogues, by which it is known whether it is still where it was made.
create table if not exists towpath.home (
    is_only boolean primary key default true check (is_only),
    numbers bigint[] not null
);

insert into towpath.home (numbers)
select array['towpath.loads', 'towpath.objects', 'towpath.steps']::regclass[]::bigint[]
on conflict (is_only) do nothing;

-- One row per load in place: a digest of the definitions and settings by which it was made.
create table if not exists towpath.recipes (
    load_id bigint primary key references towpath.loads,
    recipe text not null
);

-- One row per object of a load in place, by its name in the landing: a digest of what the catalogues say of it; of a
-- table, what its rows came from, and the transaction that wrote them. What is still so need not be loaded again.
create table if not exists towpath.contents (
    load_id bigint not null references towpath.loads,
    object_type text not null,
    identity text not null,
    classid bigint not null,
    objid bigint not null,
    form text not null,
    content text,
    row_count bigint,
    written_by bigint,
    primary key (load_id, classid, objid)
);
