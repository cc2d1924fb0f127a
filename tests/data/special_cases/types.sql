-- Types whose binary form is not safe between two servers, or is easily got wrong, and their edges.

-- Names and numbers of the server's own objects: the numbers are others at the destination. The schema mine and the
-- role that made all this are there too.
create schema mine;
create table mine.thing (id integer);
create function mine.work(integer) returns integer language sql immutable as $$ select $1 $$;
create operator mine.+@ (function = mine.work, rightarg = integer);
create type mine.mood as enum ('good', 'it''s "bad"', 'zu spät');
create type mine.pair as (left_one integer, mood mine.mood, "right one" text[]);
create domain mine.positive as integer check (value > 0);
create domain mine.moods as mine.mood[] check (cardinality(value) < 5);
create domain mine.pairs as mine.pair[] not null default '{}';
create type mine.span as range (subtype = mine.positive, multirange_type_name = mine.spans);
create type mine.nested as (one mine.pair, all_of_them mine.pair[], span mine.span, moods mine.moods);
create type mine.mood_span as range (subtype = mine.mood);
create text search configuration mine.words (copy = pg_catalog.simple);
create text search dictionary mine.plain (template = pg_catalog.simple);

create table of_the_catalogue (
    id integer, relation regclass, kind regtype, function regproc, signature regprocedure, operator regoperator,
    bare_operator regoper, schema regnamespace, "role" regrole, configuration regconfig, dictionary regdictionary,
    collation_of regcollation, relations regclass[], number oid, numbers oid[], vector oidvector, short int2vector,
    grant_of aclitem, grants aclitem[], place tid, transaction xid, command cid
);
insert into of_the_catalogue values
(
    1, 'mine.thing', 'mine.mood', 'mine.work', 'mine.work(integer)', 'mine.+@(none, integer)', 'mine.+@', 'mine',
    current_user::regrole, 'mine.words', 'mine.plain', 'pg_catalog."C"', '{mine.thing,pg_catalog.pg_class,NULL}',
    4294967295, '{0,4294967295}', '1 2 3', '1 -2 3', 'postgres=r*w/postgres', '{=r/postgres}', '(4294967294,65535)',
    '4294967295', '7'
),
(2, '0', '-', '-', '-', '0', '0', '-', '-', '-', '-', '-', '{}', 0, null, '', '', null, null, '(0,1)', '0', '0');
-- A number that belongs to nothing stays the number that it is.
insert into of_the_catalogue (id, relation, kind) values (3, 4000000000::oid::regclass, 4000000000::oid::regtype);

create table of_ours (
    id integer, mood mine.mood, moods mine.mood[], grid mine.mood[][], pair mine.pair, pairs mine.pairs,
    positive mine.positive, span mine.span, spans mine.spans, all_spans mine.spans[], nested mine.nested,
    of_moods mine.moods, mood_span mine.mood_span, thing mine.thing, things mine.thing[]
);
insert into of_ours values
(
    1, 'it''s "bad"', '{good,NULL,"zu spät"}', '[2:3][0:1]={{good,good},{"zu spät",NULL}}',
    (1, 'good', '{a,NULL,"b,c"}'), array[(1, 'good', '{}'), null, (null, null, null)]::mine.pair[], 7, '[1,10)',
    '{[1,2),[5,)}', array['{}', '{[1,2)}']::mine.spans[],
    ((1, 'good', null), array[(2, 'zu spät', '{x}')]::mine.pair[], 'empty', '{good}'), '{}', '[good,"zu spät"]',
    row(5), array[row(6), row(null)]::mine.thing[]
),
(2, null, '{}', '{}', null, '{}', null, null, null, null, null, null, null, null, null),
(3, 'good', null, null, (null, null, null), array[null]::mine.pair[], 1, '(,)', '{(,)}', '{}', (null, null, null, null),
    null, 'empty', row(null), null);
-- A row's type whose columns have changed since.
create table mine.shrinking (a integer, gone text, b mine.mood);
create table of_rows (was mine.shrinking);
insert into of_rows values ((1, 'gone', 'good'));
alter table mine.shrinking drop column gone;
alter table mine.shrinking add column c numeric;
insert into of_rows values ((2, 'zu spät', 1.50));

create table numbers (id integer, exact numeric, scaled numeric(3, -2), tiny numeric(3, 5), single real, double float8,
    cash money, large xid8, place pg_lsn, snapshot pg_snapshot, old_snapshot txid_snapshot, whole bigint);
insert into numbers values
(1, 'NaN', 99900, 0.00123, '-0', '-0', -92233720368547758.08, '18446744073709551615', 'FFFFFFFF/FFFFFFFF',
    '10:20:10,14,15', '10:20:10,14,15', 9223372036854775807),
(2, 'Infinity', -100, -0.00999, 'NaN', 'NaN', 92233720368547758.07, '0', '0/0', '1:1:', '1:1:', -9223372036854775808),
(3, '-Infinity', 0, 0, '1.4e-45', '5e-324', 0, null, null, null, null, 0),
(4, 1e131071 - 1, null, null, '3.4028235e38', '1.7976931348623157e308', null, null, null, null, null, null),
(5, 1e-16383, null, null, '-Infinity', '-Infinity', null, null, null, null, null, null),
(6, 0.000, null, null, 0.1, 0.1, null, null, null, null, null, null),
(7, -10000.00010000, null, null, 16777217, 9007199254740993, null, null, null, null, null, null);

create table times (id integer, day date, clock time, zoned_clock timetz, short time(2), moment timestamp,
    instant timestamptz, coarse timestamptz(0), span interval, years interval year, seconds interval second(3),
    days datemultirange, instants tstzrange, moments tsrange[]);
insert into times values
(1, 'infinity', '24:00:00', '00:00:00+15:59:59', '23:59:59.99', 'infinity', 'infinity', '-infinity',
    '-1 year -2 mons +3 days -04:05:06.700001', '-3 years', '-1.234 s', '{(,2024-01-01),[2025-01-01,infinity)}',
    '[-infinity,infinity]', '{empty,"(,)","[2024-01-01,2024-01-02)"}'),
(2, '-infinity', '00:00:00', '24:00:00-15:59:59', null, '-infinity', '294276-12-31 23:59:59.999999+00',
    '4714-11-24 00:00:00+00 BC', '178000000 years', null, null, '{}', 'empty', '{}'),
(3, '4714-11-24 BC', '23:59:59.999999', null, null, '4714-11-24 00:00:00 BC', '0001-01-01 BC',
    '1969-12-31 23:59:59+00', '-178000000 years', null, null, null, '(2024-03-31 01:59:59.999999+00,)', null),
(4, '5874897-12-31', null, null, null, '294276-12-31 23:59:59.999999', '1883-11-18 12:03:58-04:56:02', null,
    '-00:00:00.000001', null, null, null, null, null),
(5, null, null, null, null, null, null, null, '1 mon -1 days +00:00:01', null, null, null, null, null);

create table small_things (id integer, letter "char", name name, fixed character(5), empty_fixed character(3),
    bits bit(5), varying_bits bit varying, no_bits bit varying(3), raw bytea, flag boolean, identifier uuid,
    address inet, network cidr, mac macaddr, mac8 macaddr8, cursor refcursor, path jsonpath, plain json, binary_json jsonb,
    words tsvector, question tsquery);
insert into small_things values
(1, 'x', repeat('n', 63)::name, 'a b', '', B'01010', B'1', B'', '', true, 'ffffffff-ffff-ffff-ffff-ffffffffffff',
    '::ffff:1.2.3.4/128', '::/0', 'ff:ff:ff:ff:ff:ff', '08:00:2b:01:02:03:04:05', 'a cursor', 'strict $.a ? (@ > 1)',
    '  {"b" : 1, "a":[ ], "b":2, "é":"\u00e9\n"}  ', '{"b": 1.50, "a": "\"\\ é", "c": [null, true, -0.0, 1e400]}',
    '''it''''s'':1A,2B ''back\\slash'':3 a', 'a & !(''b c'':*AB <2> d | e)'),
(2, E'\\303', '', '', '   ', B'00000', B'', null, '\x00', false, '00000000-0000-0000-0000-000000000000',
    '0.0.0.0/0', '10.0.0.0/8', '00:00:00:00:00:00', '00:00:00:00:00:00:00:00', '', '$', '"\\"', 'null', '', ''),
(3, E'\\000', null, null, null, null, repeat('10', 5000)::bit varying, null, '\x5c2e0a5c4e0d0a00ff', null, null,
    '2001:db8::1/64', null, null, null, null, 'lax $[*].**{2 to last}."é" like_regex "^\\d" flag "i"', 'null', '""',
    null, null);

create table shapes (id integer, place point, line line, segment lseg, box box, path path, area polygon, circle circle,
    places point[], boxes box[]);
insert into shapes values
(1, '(1.1,-0)', '{1,-2,0.5}', '[(0,0),(1e-300,1e300)]', '(2,2),(0,0)', '[(0,0),(1,1)]', '((0,0),(1,1),(1,0))',
    '<(0,0),0>', '{"(NaN,Infinity)"}', '{(1,1),(0,0);(3,3),(2,2)}'),
(2, '(0.1,0.2)', '{-1,0,0}', null, '(0,0),(0,0)', '((0,0),(1,1))', '((0.1,0.1))', '<(1e10,-1e10),1e-10>', '{}', '{}');

create table arrays (id integer, integers integer[], shifted integer[], texts text[], deep text[][][], raws bytea[],
    spans int4range[], many_spans int8multirange[], nums nummultirange, jsons json[], days date[], flags boolean[]);
insert into arrays values
(1, '{1,NULL,3}', '[-1:0][5:6]={{1,2},{3,4}}', array['NULL', 'null', null, '', '{}', '"', '\', E'\t', ',', ' '],
    '{{{a,b},{c,d}},{{e,f},{g,NULL}}}', array['', '\x00', null]::bytea[], '{empty,"[1,5)","(,)"}',
    '{"{[1,3),[5,7)}","{}"}', '{[1.50,2.5],(3,)}', array['{"a" : 1}', null]::json[], '{infinity,2024-01-01}', '{t,f,NULL}'),
(2, '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}');
