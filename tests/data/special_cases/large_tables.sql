-- What a large table may be besides large: each of these travels by itself, most in binary.

-- 8,000 letters that pglz does not compress.
select string_agg(md5(part::text), '') as letters from generate_series(1, 250) as part
\gset

create type mood as enum ('good', 'bad');
create domain positive as integer check (value > 0);

-- Every type that travels in binary, with its edges, and arrays of them.
create table of_types (
    flag boolean, short smallint, whole integer, long bigint, single real, double float8, exact numeric, word text,
    varying character varying(20), fixed character(5), raw bytea, day date, clock time, zoned_clock timetz,
    moment timestamp, instant timestamptz, identifier uuid, plain json, binary_json jsonb, address inet, network cidr,
    mac macaddr, flags boolean[], numbers integer[], exacts numeric[], words text[], grid text[][], raws bytea[],
    instants timestamptz[], plains json[], identifiers uuid[], filling text
);
insert into of_types values
(
    true, -32768, -2147483648, -9223372036854775808, '-0', '-0', 'NaN', E'\\.\n\t\\N', '', 'a b', '\x', 'infinity',
    '24:00:00', '00:00:00+15:59:59', '-infinity', '4714-11-24 00:00:00+00 BC', 'ffffffff-ffff-ffff-ffff-ffffffffffff',
    '  {"b" : 1, "a":[ ], "b":2}  ', '{"a": 1.50, "é": "\" \\"}', '::1/64', '::/0', 'ff:ff:ff:ff:ff:ff',
    '{t,NULL,f}', '[-1:0][5:6]={{1,2},{3,NULL}}', '{NaN,Infinity,1.10,0.000}', '{"",NULL,"NULL","é"}',
    '{{a,b},{c,d}}', array['', '\x00ff', null]::bytea[], '{infinity,"0001-01-01 BC",NULL}', array['{ }', null]::json[],
    '{00000000-0000-0000-0000-000000000000}', null
),
(
    false, 32767, 2147483647, 9223372036854775807, 'NaN', 'Infinity', '-Infinity', '', repeat('é', 20), 'éßü漢字',
    '\x00', '4714-11-24 BC', '00:00:00', '24:00:00-15:59:59', '294276-12-31 23:59:59.999999', 'infinity',
    '00000000-0000-0000-0000-000000000000', 'null', '[]', '0.0.0.0/0', '10.0.0.0/8', '00:00:00:00:00:00',
    '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', ''
),
(null, null, null, null, '1.4e-45', '5e-324', 1e131071 - 1, null, null, null, null, null, null, null, null, null, null,
    null, null, null, null, null, null, null, null, null, null, null, null, null, null, null),
(null, 0, 0, 0, 0.1, 0.1, -10000.00010000, E'\x01\r\n', ' ', '', '\x5c2e0a', '2024-02-29', '23:59:59.999999', null,
    '1969-12-31 23:59:59.999999', '1883-11-18 12:03:58-04:56:02', null, '""', '1e400', '2001:db8::1/64', null, null,
    null, null, '{1e-16383}', null, null, null, null, null, null, null);
insert into of_types (whole, filling) select number, number || :'letters' from generate_series(1, 600) as number;

-- Every column null but for one row; many columns; a dropped one, a generated one, others added since.
create table of_columns (gone integer, total bigint generated always as (id * 2) stored, id integer, filling text);
insert into of_columns (gone, id, filling) select number, number, number || :'letters'
from generate_series(1, 600) as number;
alter table of_columns drop column gone, add column added text default 'é', add column nothing text;
insert into of_columns (id, added) values (0, null);
create index on of_columns (total);

-- As text, because of one column, whatever the others hold.
create table of_text (id integer, mood mood, moods mood[], positive positive, span interval, cash money, filling text);
insert into of_text select number, 'bad', '{good,NULL}', number, '-1 mons +2 days -00:00:00.5', 12.30,
    E'\\.\n\\N\t\\' || number || :'letters'
from generate_series(1, 600) as number;
insert into of_text values (0, null, '{}', null, null, null, ''), (0, 'good', null, 1, null, null, '\.');

create table no_columns ();
insert into no_columns select from generate_series(1, 160000);
create table all_generated (filling text generated always as (:'letters') stored);
insert into all_generated select from generate_series(1, 600);

create table parents (id integer, filling text);
create table children (own text) inherits (parents);
create table grandchildren () inherits (children);
alter table parents add column late integer;
insert into parents select number, number || :'letters', 1 from generate_series(1, 600) as number;
insert into children select number, number || :'letters', 'own', 2 from generate_series(1, 700) as number;
insert into grandchildren values (1, 'small', 'own', 3);

create table parted (id integer, region text, filling text) partition by list (region);
create table parted_eu partition of parted for values in ('eu');
create table parted_us (filling text, gone integer, region text, id integer);
alter table parted_us drop column gone;
alter table parted attach partition parted_us for values in ('us');
insert into parted select number, (array['eu', 'us'])[1 + number % 2], number || :'letters'
from generate_series(1, 1200) as number;

create unlogged table unlogged (id integer generated always as identity primary key, filling text);
insert into unlogged (filling) select number || :'letters' from generate_series(1, 600) as number;

create table watched (id integer, filling text);
insert into watched select number, number || :'letters' from generate_series(1, 600) as number;
create rule nothing_goes_in as on insert to watched do instead nothing;
alter table watched enable row level security;
