-- Types of extensions: their numbers differ between servers, some have no binary form, some live apart.

create schema extensions;
create extension citext schema extensions;
create extension hstore schema extensions;
create extension ltree;
create extension cube;
create extension earthdistance;
create extension isn schema extensions;
create extension seg;
create extension lo;
create extension intarray;
create extension pg_trgm;

create domain email as extensions.citext check (value like '%@%');
create type contact as (mail extensions.citext, notes extensions.hstore, path ltree);

create table of_extensions (
    id integer, word extensions.citext, words extensions.citext[], notes extensions.hstore,
    all_notes extensions.hstore[], path ltree, paths ltree[], pattern lquery, question ltxtquery, cube cube,
    place earth, book extensions.isbn13, other extensions.ean13, weak extensions.issn, measured seg, large lo,
    wanted query_int, mail email, mails email[], contact contact, contacts contact[]
);
insert into of_extensions values
(
    1, 'Word', '{A,NULL,"b c"}', '"a b"=>"c=>d", empty=>"", missing=>NULL, "é"=>"\"\\"', array['a=>1', '']::extensions.hstore[],
    'Top.Science', '{A.B,NULL}', '*.a|b*@{1,2}.!c', 'a & !b@*', '(1,2),(3,4.5)', '(6378168,0,0)', '978-0-393-04002-9',
    '4012345678901', '1436-4522', '~6.25 .. <7e10', 4294967295, '1&(2|!3)', 'Ann@Example.org', '{a@b,NULL}',
    ('M@x', 'a=>NULL', 'a.b'), array[('M@x', '', '')::contact, null]
),
(2, '', '{}', '', '{}', '', '{}', '*', 'a', '()', null, null, null, null, '1 (+-) 0.5', null, null, null, '{}', null, '{}');
create index on of_extensions using gist (path);
create index on of_extensions using gin (notes extensions.gin_hstore_ops);
create unique index on of_extensions (word);
