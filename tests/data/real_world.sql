-- A database with one thing of each kind which real databases have.
--
-- Load it as a superuser into an empty database (template0, UTF8), PostgreSQL
-- 15 or later:
--
--     psql --single-transaction --set ON_ERROR_STOP=1 --file real_world.sql
--
-- Names are chosen to hurt: upper case, letters outside of ASCII, quotes,
-- percent signs, dots, semicolons. No schema name is longer than 40 bytes, so
-- that a suffix still fits into the 63 bytes of a name.

-- A restore runs with an empty search path, so everything here has to work
-- with one too: every name which is not in pg_catalog is qualified.
select pg_catalog.set_config('search_path', '', false);
set client_min_messages = warning;
set client_encoding = 'UTF8';
-- Constants of type timestamptz must not depend on who loads the file.
set timezone = 'UTC';


-- Schemas and extensions ----------------------------------------------------

create schema "Sales";
create schema "prêt-à-porter";
create schema "it's ""ours""";
create schema extensions;
-- A schema without anything in it has to survive as well.
create schema "empty 100%";

-- One extension shares a schema with tables, the others live apart.
create extension citext schema public;
create extension hstore schema extensions;
create extension pg_trgm schema extensions;


-- Types ---------------------------------------------------------------------

create type "Sales".status as enum ('new', 'in progress', 'paid', 'it''s "done"', 'zurück');
-- A value added later sorts by its position, not by its oid. No row has it:
-- PostgreSQL 15 and 16 refuse to use it in the transaction which adds it.
alter type "Sales".status add value 'on hold' before 'in progress';

create domain public.positive as integer
    default 1
    constraint "must be > 0" check (value > 0);

create type "Sales"."Address" as (
    street text,
    "zip.code" character varying(10),
    "Größe in %" numeric(6, 2)
);

create function "Sales".price_distance(a numeric, b numeric) returns double precision
    language sql immutable strict parallel safe
    as $$ select (a - b)::pg_catalog.float8 $$;

-- The type brings five functions and a multirange type with it.
create type "Sales".price_span as range (
    subtype = numeric,
    subtype_diff = "Sales".price_distance,
    multirange_type_name = "Sales"."price spans"
);

-- A domain over an array over a composite type: the types nest.
create domain "prêt-à-porter".addresses as "Sales"."Address"[]
    check (pg_catalog.cardinality(value) < 10);


-- Functions which tables need -----------------------------------------------

create function "Sales".slug(title text) returns text
    language sql immutable strict parallel safe
    as $$ select pg_catalog.lower(pg_catalog.regexp_replace(title, '[^[:alnum:]]+', '-', 'g')) $$;

create function "it's ""ours""".is_code(code text) returns boolean
    language plpgsql immutable
    as $$
begin
    -- A quote ' and a dollar quote $body$ must not end this body.
    return code is null or code ~ '^[A-Z]{2}-[0-9]+$';
end
$$;

create function public.with_tax(price numeric, rate numeric default 0.19) returns numeric
    language plpgsql immutable parallel safe
    as $$
begin
    return pg_catalog.round(price * (1 + rate), 2);
end
$$;

create sequence "it's ""ours""".free_numbers
    as smallint increment by -3 minvalue -1000 maxvalue 1000 start with 1000 cycle cache 5;

create function public.next_code() returns text
    language sql volatile
    as $$ select 'AB-' || pg_catalog.abs(pg_catalog.nextval('"it''s ""ours""".free_numbers')) $$;


-- Collation, operators, aggregates, text search -----------------------------

-- Taken from the C locale: other locales do not exist on every machine.
create collation "Sales"."Byte Order" (provider = libc, locale = 'C');

create function public.same_letters(a text, b text) returns boolean
    language sql immutable strict parallel safe
    as $$ select pg_catalog.lower(a) = pg_catalog.lower(b) $$;

create operator public.=~= (
    function = public.same_letters,
    leftarg = text,
    rightarg = text,
    commutator = operator(public.=~=)
);

-- A prefix operator has no left argument.
create function "Sales".half(a integer) returns numeric
    language sql immutable strict parallel safe
    as $$ select a / 2.0 $$;

create operator "Sales".// (function = "Sales".half, rightarg = integer);

create function "Sales".compare_backwards(a integer, b integer) returns integer
    language sql immutable strict parallel safe
    as $$ select pg_catalog.btint4cmp(b, a) $$;

create operator family "Sales".backwards using btree;

create operator class "Sales".int4_backwards for type integer
    using btree family "Sales".backwards as
    operator 1 pg_catalog.>,
    operator 2 pg_catalog.>=,
    operator 3 pg_catalog.=,
    operator 4 pg_catalog.<=,
    operator 5 pg_catalog.<,
    function 1 "Sales".compare_backwards(integer, integer);

-- Without a family of its own it gets one of the same name, which nobody wrote.
create function "Sales".compare_dates_backwards(a date, b date) returns integer
    language sql immutable strict parallel safe
    as $$ select pg_catalog.date_cmp(b, a) $$;

create operator class "Sales".date_backwards for type date
    using btree as
    operator 1 pg_catalog.>,
    operator 2 pg_catalog.>=,
    operator 3 pg_catalog.=,
    operator 4 pg_catalog.<=,
    operator 5 pg_catalog.<,
    function 1 "Sales".compare_dates_backwards(date, date);

create function public.count_one_more(state bigint) returns bigint
    language sql immutable strict parallel safe
    as $$ select state + 1 $$;

create aggregate public.rows_seen(*) (
    sfunc = public.count_one_more, stype = bigint, initcond = '0'
);

create function public.add_up(state numeric, value numeric) returns numeric
    language sql immutable parallel safe
    as $$ select state + coalesce(value, 0) $$;

create aggregate public."Total"(numeric) (
    sfunc = public.add_up, stype = numeric, initcond = '0'
);

create aggregate public.middle(double precision order by double precision) (
    sfunc = pg_catalog.ordered_set_transition,
    stype = internal,
    finalfunc = pg_catalog.percentile_cont_float8_final
);

create text search dictionary public.plain_words (
    template = pg_catalog.simple, stopwords = 'english'
);

create text search configuration "Sales"."Shop Search" (copy = pg_catalog.english);

alter text search configuration "Sales"."Shop Search"
    alter mapping for asciiword, word with public.plain_words, pg_catalog.english_stem;


-- Tables --------------------------------------------------------------------

-- Every type which prints in more than one way, and every edge of it.
create table public.all_types (
    id integer primary key,
    note text,
    flag boolean,
    small smallint,
    big bigint,
    exact numeric,
    price numeric(10, 2),
    single real,
    double double precision,
    cash_like money,
    raw bytea,
    fixed character(5),
    short character varying(20),
    "char" "char",
    identifier uuid,
    address inet,
    network cidr,
    mac macaddr,
    day date,
    moment timestamp without time zone,
    instant timestamp with time zone,
    clock time with time zone,
    span interval,
    plain_json json,
    binary_json jsonb,
    -- Stays null: not every server is built with libxml.
    markup xml,
    bits bit varying(12),
    place point,
    area polygon,
    words tsvector,
    question tsquery,
    path jsonpath,
    days daterange,
    many_days datemultirange,
    relation regclass,
    log_position pg_lsn,
    grid integer[][],
    texts text[],
    state "Sales".status,
    states "Sales".status[],
    amount public.positive,
    home "Sales"."Address",
    homes "prêt-à-porter".addresses,
    span_of_prices "Sales".price_span,
    spans_of_prices "Sales"."price spans",
    email public.citext,
    attributes extensions.hstore
);

insert into public.all_types values (
    1, 'all set', true, -32768, 9223372036854775807, 12345678901234567890.123456789000, 0.10,
    1.1754944e-38, 0.1, '12.30', '\x00ff5c0a0927', 'ab', 'Straße', 'x',
    'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '192.168.0.1/24', '2001:db8::/32',
    '08:00:2b:01:02:03', '2024-02-29', '2024-12-31 23:59:59.999999',
    '2024-03-31 02:30:00.123456+02', '04:05:06.789-08', '1 year -2 mons 3 days -04:05:06.7',
    '{"b" : 1,  "a": [1, 2], "a": "kept twice \u00e9"}', '{"b": {"ü": null}, "a": 1.10}',
    null, B'1010', '(1.5,-2)', '((0,0),(1,1),(1,0))',
    'fat:2A cat:3', 'fat & !(cat <-> rat)', '$."a b"[*] ? (@ > 1)',
    '[2024-01-01,2024-02-01)', '{[2024-01-01,2024-02-01),[2024-03-01,)}',
    'pg_catalog.pg_class', '16/B374D848', '[0:1][2:3]={{1,2},{3,null}}',
    array['', null, 'null', 'a,b', '{"x"}', E'back\\slash'],
    'paid', array['zurück', 'new']::"Sales".status[], 7,
    row('Hauptstraße 1, "hinten"', '', null),
    array[row('a', null, 1), row(null, 'b', 2.50)]::"Sales"."Address"[],
    '[1.50,2.5)', '{[1,2),(3,)}',
    'Ann@Example.org', '"a b"=>"c=>d", empty=>"", missing=>NULL'
);

insert into public.all_types
    (id, note, exact, single, double, day, moment, instant, days, texts)
values
    (2, 'not a number', 'NaN', 'NaN', 'NaN', 'infinity', 'infinity', 'infinity', 'empty', '{}'),
    (3, 'infinity', 'Infinity', 'Infinity', 'Infinity', '-infinity', '-infinity', '-infinity',
        '(,)', null),
    (4, 'minus', '-Infinity', '-Infinity', '-0', '4713-01-01 BC', '0001-01-01',
        '1969-12-31 23:59:59.999999+00', '[,2024-01-01]', '{null}');

insert into public.all_types (id, double, exact, short) values
    (5, '4.9406564584124654e-324', '0.000', ''),
    (6, '1.7976931348623157e308', 1e300, null);

-- Text which the format of COPY has to escape, or which looks like its end.
create table "Sales"."Odd ""texts"" 100%; a.b" (
    "Key" text collate "Sales"."Byte Order" primary key,
    "100 % ""sure""" text,
    "semi;colon.dot" text,
    "Größe" text,
    "日本語" text,
    "%s %(name)s {0} $1" text
);

insert into "Sales"."Odd ""texts"" 100%; a.b" values
    ('newline', E'one\ntwo', E'\n', E'\r\n', E'\r', null),
    ('tab', E'one\ttwo', E'\t', '   ', ' trailing ', ''),
    ('backslash', '\', '\\', '\N', '\n', E'\\\n'),
    ('end of data', '\.', E'first\n\\.\nlast', E'\\.\n', E'\n\\.', '\\.'),
    ('empty or null', '', null, 'null', 'NULL', '\N'),
    ('quotes', '''', '"', '''''', '""', '$$ $a$ ` ´'),
    ('not ASCII', 'ÄÖÜ ß', '€', '价格', E'e\u0301', '🚢'),
    ('control', E'\x01\x02\x7f', E'\x08\x0b\x0c', '%s', '%%', '--/* ;');

-- The longest name there is: 63 bytes, with a letter of two bytes at its end.
create table "Sales"."une_table_dont_le_nom_prend_tout_juste_soixante-trois_octets_é" (
    id bigserial primary key,
    valeur text
);

insert into "Sales"."une_table_dont_le_nom_prend_tout_juste_soixante-trois_octets_é" (valeur)
    values ('a'), ('b'), ('c');
delete from "Sales"."une_table_dont_le_nom_prend_tout_juste_soixante-trois_octets_é" where id = 3;

-- Generated columns, identities, defaults and checks with functions.
create table "Sales"."Article" (
    "Id" integer generated always as identity (start with 100 increment by 10) primary key,
    code text not null default public.next_code()
        constraint "code's check" check ("it's ""ours""".is_code(code)),
    title text not null,
    price numeric(10, 2) not null default 1.00,
    gross numeric generated always as (public.with_tax(price)) stored,
    slug text generated always as ("Sales".slug(title)) stored,
    prices "Sales".price_span not null default "Sales".price_span(0, 1),
    state "Sales".status not null default 'new',
    dropped text,
    stock public.positive not null,
    tags text[] not null default '{}',
    constraint article_prices check ("Sales".price_span(0, null) operator(pg_catalog.@>) prices)
);

-- A dropped column leaves a gap in the numbers of the columns.
alter table "Sales"."Article" drop column dropped;

insert into "Sales"."Article" (title, price, stock, tags, state) values
    ('Änderungs-Schneiderei', 10.00, 1, '{a,b}', 'new'),
    ('Blue Shirt 100%', 19.99, 2, '{}', 'paid'),
    ('Canal Boat', 12345.67, 3, '{"c d"}', 'zurück');
insert into "Sales"."Article" ("Id", title, stock) overriding system value values (7, 'By hand', 4);

create unique index "Article slug"
    on "Sales"."Article" ("Sales".slug(title) collate "Sales"."Byte Order")
    include (price) with (fillfactor = 80);
create index article_partial on "Sales"."Article" (state desc nulls last) where stock > 1;
create index article_title_trgm on "Sales"."Article" using gin (title extensions.gin_trgm_ops);
create index article_words on "Sales"."Article"
    using gin (pg_catalog.to_tsvector('"Sales"."Shop Search"'::regconfig, title));
create index article_stock_backwards
    on "Sales"."Article" ((stock::integer) "Sales".int4_backwards);
alter table "Sales"."Article" cluster on "Article_pkey";
alter table "Sales"."Article" alter column title set statistics 500;
alter table "Sales"."Article" alter column title set storage external;

create statistics "Sales"."Article statistics" (ndistinct, dependencies, mcv)
    on state, price from "Sales"."Article";
-- Statistics need not live where their table does.
create statistics public.article_expression
    on ("Sales".slug(title)) from "Sales"."Article";

create table public.counted (
    id smallint generated by default as identity primary key,
    owned integer not null,
    given date not null default '2024-01-01'
);

create sequence public.counted_owned start with 5 owned by public.counted.owned;
alter table public.counted alter column owned set default pg_catalog.nextval('public.counted_owned');
insert into public.counted (given) values ('2024-01-01'), ('2024-01-02');
insert into public.counted (id, given) values (50, '2024-01-03');
create index counted_backwards on public.counted (given "Sales".date_backwards);

-- A sequence which was set, but not called yet.
create sequence public."Never called";
select pg_catalog.setval('public."Never called"', 4711, false);

-- Two tables in two schemas which refer to each other.
create table public.department (
    id integer primary key,
    name public.citext not null unique,
    head integer not null
);

create table "prêt-à-porter"."Employé" (
    id integer primary key,
    department integer not null references public.department deferrable initially deferred,
    boss integer references "prêt-à-porter"."Employé" on delete set null,
    "position" integer not null,
    constraint "one at each position" unique (department, "position") deferrable initially immediate
);

alter table public.department add constraint department_head
    foreign key (head) references "prêt-à-porter"."Employé" deferrable initially deferred;

insert into public.department values (1, 'Sales', 11), (2, 'Harbour', 13);
-- The first one refers to the last one: no order of the rows is right.
insert into "prêt-à-porter"."Employé" values (11, 1, 13, 1), (12, 1, 11, 2), (13, 2, null, 1);

-- Partitions of partitions; one lives in another schema than its parent, and
-- its columns are in another order.
create table "Sales"."Orders" (
    id bigint not null,
    ordered date not null,
    region text not null,
    article integer references "Sales"."Article",
    amount numeric not null default 0,
    primary key (id, ordered, region)
) partition by range (ordered);

create table "Sales"."Orders 2023" partition of "Sales"."Orders"
    for values from ('2023-01-01') to ('2024-01-01')
    partition by list (region);
create table "Sales"."Orders 2023 EU" partition of "Sales"."Orders 2023" for values in ('de', 'fr');
create table "Sales"."Orders 2023 rest" partition of "Sales"."Orders 2023" default;

create table "prêt-à-porter"."Orders 2024" (
    amount numeric not null default 0,
    region text not null,
    gone integer,
    id bigint not null,
    article integer,
    ordered date not null
);
alter table "prêt-à-porter"."Orders 2024" drop column gone;
alter table "Sales"."Orders" attach partition "prêt-à-porter"."Orders 2024"
    for values from ('2024-01-01') to ('2025-01-01');

create table public.orders_default partition of "Sales"."Orders" default;

create index orders_amount on "Sales"."Orders" (amount);

insert into "Sales"."Orders" values
    (1, '2023-05-01', 'de', 100, 1.5),
    (2, '2023-05-02', 'us', 110, 2.5),
    (3, '2024-05-01', 'de', 120, 3.5),
    (4, '2024-12-31', 'fr', null, 4.5),
    (5, '1999-01-01', 'jp', 7, 5.5);

-- A foreign key to a partitioned table.
create table "Sales".invoice (
    number integer primary key,
    id bigint,
    ordered date,
    region text,
    foreign key (id, ordered, region) references "Sales"."Orders" match full
);

insert into "Sales".invoice values (1, 3, '2024-05-01', 'de'), (2, null, null, null);

-- Inheritance: the parent has rows of its own, the child one more column.
create table public.vessel (
    name text not null,
    length numeric check (length > 0)
);
create table "it's ""ours""".barge (
    cargo text default 'coal'
) inherits (public.vessel);
insert into public.vessel values ('Punt', 4.2);
insert into "it's ""ours""".barge values ('Narrow', 21.3, 'tea'), ('Wide', 17.4, default);

-- Three rows without a single column.
create table public.no_columns ();
insert into public.no_columns default values;
insert into public.no_columns default values;
insert into public.no_columns default values;

create table public.no_rows (
    id integer primary key,
    attributes extensions.hstore default '"a"=>"1"'::extensions.hstore
);

-- Without a primary key, and with two rows which are the same.
create table "it's ""ours"""."it's a log" (
    "what happened?" text,
    happened timestamp with time zone
);
alter table "it's ""ours"""."it's a log" replica identity full;
insert into "it's ""ours"""."it's a log" values
    ('same', '2024-01-01 00:00:00+00'), ('same', '2024-01-01 00:00:00+00'), (null, null);

create unlogged table public.scratch (
    id integer primary key,
    value text
) with (fillfactor = 70, autovacuum_enabled = false);
insert into public.scratch values (1, 'kept'), (2, 'kept too');

create table "Sales".booking (
    room integer not null,
    during "Sales".price_span not null,
    seat integer,
    exclude using gist (during with &&),
    constraint seat_once unique nulls not distinct (seat)
);
insert into "Sales".booking values (1, '[1,2)', null), (2, '[2,3)', 1);

-- Unique, but null as often as one likes.
create table public.nulls (
    code text unique
);
insert into public.nulls values (null), (null), ('x');

-- Rows which came before a constraint and break it: a restore has to load
-- them and to leave the constraint unchecked.
create table public.legacy (
    id integer primary key,
    article integer,
    amount integer
);
insert into public.legacy values (1, 999999, -1), (2, 100, 1);
alter table public.legacy add constraint amount_positive check (amount > 0) not valid;
alter table public.legacy add constraint legacy_article
    foreign key (article) references "Sales"."Article" not valid;

-- A table of a type.
create table public.warehouse of "Sales"."Address" (
    primary key (street)
);
insert into public.warehouse values ('Quai 1', '75001', 12.50);

-- A row of one table as a value in another.
create table public.archived (
    was public.vessel,
    were public.vessel[]
);
insert into public.archived values (
    row('Raft', 2)::public.vessel, array[row('A', 1), row('B', null)]::public.vessel[]
);

-- The superuser reads all rows, whatever the policy says.
create table public.secret (
    owner text not null default current_user,
    content text
);
insert into public.secret values ('nobody here', 'hidden'), ('somebody', null);
alter table public.secret enable row level security;
create policy "own rows; 100%" on public.secret for select to public using (owner = current_user);
create policy not_empty on public.secret as restrictive for insert to public
    with check (public.same_letters(owner, current_user));


-- Triggers and rules --------------------------------------------------------

create table public.watched (
    id integer primary key,
    value text,
    changes integer not null default 0
);
insert into public.watched values (1, 'one', 0), (2, 'two', 5);

create table public.watched_log (
    id integer,
    value text
);

create function "it's ""ours""".count_changes() returns trigger
    language plpgsql
    as $$
begin
    new.changes := 1000 + new.changes;
    insert into public.watched_log values (new.id, tg_argv[0]);
    return new;
end
$$;

create function public.refuse() returns trigger
    language plpgsql
    as $$
begin
    raise exception 'no % on %', tg_op, tg_table_name;
end
$$;

-- If this fired while the rows are restored, they would differ.
create trigger "count; 'changes'" before insert or update of value on public.watched
    for each row when (new.id > 0)
    execute function "it's ""ours""".count_changes('an ''argument''');
-- This one would even fail.
create trigger refuse_all after insert or delete or truncate on public.watched
    for each statement execute function public.refuse();
create trigger disabled before insert on public.watched
    for each row execute function public.refuse();
alter table public.watched disable trigger disabled;
create trigger on_replicas_only before insert on public.watched
    for each row execute function public.refuse();
alter table public.watched enable replica trigger on_replicas_only;
create constraint trigger check_late after insert on public.watched
    deferrable initially deferred
    for each row execute function public.refuse();

-- A trigger of a partitioned table has a copy at each partition.
create trigger orders_refused before delete on "Sales"."Orders"
    for each row execute function public.refuse();

create rule keep_log as on delete to public.watched_log do instead nothing;
create rule "also log" as on insert to public.no_rows
    do also insert into public.watched_log values (new.id, 'by a rule');


-- Views ---------------------------------------------------------------------

create function public.articles_in(wanted "Sales".status) returns setof "Sales"."Article"
    language sql stable
    as $$ select * from "Sales"."Article" where state = wanted order by "Id" $$;

create view public.article_names as
    select "Id" as id, "Sales".slug(title) as name, public.with_tax(price) as "with tax %",
        operator("Sales".//) stock::integer as half_of_stock
    from "Sales"."Article"
    where not title operator(public.=~=) 'by HAND';

create view "prêt-à-porter"."Vue ""d'ensemble""" with (security_barrier) as
    select names.*, public_orders.total, public_orders.rows
    from public.article_names as names
    left join (
        select article, public."Total"(amount) as total, public.rows_seen(*) as rows
        from "Sales"."Orders" group by article
    ) as public_orders on public_orders.article = names.id;

create view public.new_articles as select * from public.articles_in('new');

create recursive view "prêt-à-porter".chain (id, depth) as
    select id, 1 from "prêt-à-porter"."Employé" where boss is null
    union all
    select e.id, c.depth + 1
    from "prêt-à-porter"."Employé" as e
    join chain as c on e.boss = c.id;

create view public.open_secrets as
    select owner, content from public.secret where content is not null
    with local check option;

-- A view which can be written to, through its trigger.
create trigger instead_of instead of insert on public.article_names
    for each row execute function public.refuse();

create materialized view public."Sums" as
    select region, public."Total"(amount) as total,
        public.middle(0.5) within group (order by amount::double precision)
    from "Sales"."Orders"
    group by region;

-- A materialized view on another one: the order of the refreshes matters.
create materialized view "Sales"."A sums of sums" as
    select pg_catalog.count(*) as regions, pg_catalog.sum(total) as total from public."Sums";

create unique index sums_region on public."Sums" (region);
create index on "Sales"."A sums of sums" (total);


-- More functions ------------------------------------------------------------

-- Two functions of one name.
create function "Sales".slug(title text, suffix text) returns text
    language sql immutable
    as $$ select "Sales".slug(title) || '-' || suffix $$;

-- A body which is kept parsed follows what it refers to.
create function public.count_articles() returns bigint
    language sql stable
begin atomic
    select count(*) from "Sales"."Article";
end;

create function public.many_arguments(
    inout a integer, out b text, variadic c "Sales".status[] default '{}'
)
    language plpgsql
    set work_mem = '8MB'
    set search_path = 'Sales', pg_temp
    as $$
begin
    b := pg_catalog.cardinality(c)::text || 'x';
end
$$;

create function public.listing(max integer default 10)
    returns table ("Id" integer, "it's" text)
    language sql stable security definer rows 5
    as $$ select "Id", title from "Sales"."Article" order by 1 limit max $$;

create procedure "Sales"."Raise prices"(percent numeric, inout raised integer default 0)
    language plpgsql
    as $$
begin
    update "Sales"."Article" set price = price * (1 + percent / 100);
    get diagnostics raised = row_count;
end
$$;


-- Comments and grants -------------------------------------------------------

comment on schema "Sales" is 'What is sold: 100% of it; it''s "all" here';
comment on table "Sales"."Article" is E'two\nlines';
comment on column "Sales"."Article"."Id" is 'counts by 10';
comment on constraint "code's check" on "Sales"."Article" is 'AB-1';
comment on index "Sales"."Article slug" is 'unique';
comment on type "Sales".status is 'grows';
comment on domain public.positive is 'not zero';
comment on constraint "must be > 0" on domain public.positive is 'really';
comment on column "Sales"."Address"."zip.code" is 'a column of a type';
comment on sequence "it's ""ours""".free_numbers is 'downwards';
comment on function "Sales".slug(text) is 'one argument';
comment on procedure "Sales"."Raise prices"(numeric, integer) is 'up';
comment on aggregate public.rows_seen(*) is 'no argument';
comment on operator public.=~= (text, text) is 'about the same';
comment on operator "Sales".// (none, integer) is 'half';
comment on operator class "Sales".int4_backwards using btree is 'class';
comment on operator family "Sales".backwards using btree is 'family';
comment on collation "Sales"."Byte Order" is 'C';
comment on text search configuration "Sales"."Shop Search" is 'search';
comment on text search dictionary public.plain_words is 'words';
comment on statistics "Sales"."Article statistics" is 'statistics';
comment on trigger "count; 'changes'" on public.watched is 'counts';
comment on rule "also log" on public.no_rows is 'rule';
comment on policy "own rows; 100%" on public.secret is 'policy';
comment on view public.article_names is 'view';
comment on materialized view public."Sums" is 'materialized';

-- Only to public: roles would be left behind in the cluster.
grant usage on schema "Sales" to public;
grant select, insert on "Sales"."Article" to public;
grant update (title) on "Sales"."Article" to public;
grant usage on sequence public.counted_owned to public;
grant usage on type "Sales".status to public;
revoke execute on function public.listing(integer) from public;
alter default privileges in schema "Sales" grant select on tables to public;


-- Things of the whole database ----------------------------------------------
--
-- A copy into schemas leaves these out. Nothing above depends on them.

create function public.address_text(address "Sales"."Address") returns text
    language sql immutable
    as $$ select pg_catalog.concat_ws(', ', address.street, address."zip.code") $$;

create cast ("Sales"."Address" as text) with function public.address_text("Sales"."Address");

-- A server which does not write a log for it warns, but creates it anyway.
set client_min_messages = error;
create publication "All articles" for table "Sales"."Article" with (publish = 'insert');
set client_min_messages = warning;

-- Without a handler: it can be described, but not be read.
create foreign data wrapper dummy;
create server "Far away" foreign data wrapper dummy options (host 'nowhere');
create user mapping for public server "Far away" options (user 'guest');
create foreign table "Sales".far_away (
    id integer,
    value text
) server "Far away" options (name 'there');

-- Last, so that it does not fire for anything above.
create function public.after_command() returns event_trigger
    language plpgsql
    as $$
begin
    -- Nothing: its being there is enough.
end
$$;

create event trigger after_command on ddl_command_end execute function public.after_command();
