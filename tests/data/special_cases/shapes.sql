-- Tables of odd shapes.

create table no_columns ();
insert into no_columns select from generate_series(1, 3);
create table columns_gone (a integer, b text);
insert into columns_gone values (1, 'a'), (2, 'b');
alter table columns_gone drop column a, drop column b;
create unlogged table unlogged (id integer primary key, word text) with (fillfactor = 50);
insert into unlogged select number, 'word ' || number from generate_series(1, 50) as number;
create unlogged table unlogged_and_empty (id integer);
create table empty (id integer primary key, word text);
create table emptied (id integer primary key, word text);
insert into emptied select number, 'word' from generate_series(1, 1000) as number;
delete from emptied;

-- Dropped at the front, in the middle and at the end; a type changed, a default that older rows never stored.
create table much_altered (a integer, b text, c numeric, d date, e text);
insert into much_altered values (1, 'b', 3, '2024-01-01', 'e');
alter table much_altered drop column a, drop column c, drop column e;
alter table much_altered add column f integer not null default 6, add column b2 text;
alter table much_altered alter column d type timestamptz using d::timestamptz;
insert into much_altered values ('b', '2024-01-02 03:04:05+00', 7, 'b2');

-- Names that differ in their case, their schema, or a blank only.
create schema "PUBLIC";
create table "Empty" (id integer);
insert into "Empty" values (1);
create table "empty " (id integer);
insert into "empty " values (2);
create table "PUBLIC".empty (id integer);
insert into "PUBLIC".empty values (3);
-- What psql would take for a variable, a file or a command of its own.
create table ":name" (":'quoted'" text, ":""double""" text, "\copy" text, "'" text);
insert into ":name" values (':name', ':''name''', '\! false', ':"name"');

-- As wide as tables may be, and with names as long: its columns in one list have more bytes than an argument may.
select format(
    'create table widest (%s)',
    string_agg(format('%I integer', repeat('"', 40) || lpad(number::text, 23, '_')), ', ' order by number)
)
from generate_series(1, 1600) as number
\gexec
select format('insert into widest select %s', string_agg(number::text, ', ')) from generate_series(1, 1600) as number
\gexec

-- Values of many megabytes, which compress well and which do not; a bytea has twice as many letters as bytes.
create table large_values (id integer, word text, raw bytea);
insert into large_values values
(1, repeat('é', 5000000), null),
(2, null, decode(repeat('00ff5c0a', 2500000), 'hex')),
(3, (select string_agg(md5(number::text), chr(10)) from generate_series(1, 100000) as number), '');
alter table large_values add column external text;
alter table large_values alter column external set storage external;
update large_values set external = repeat('x', 100000);
