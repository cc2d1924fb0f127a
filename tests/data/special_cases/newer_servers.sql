-- What servers before PostgreSQL 18 do not have, nor those without the extensions of the embedded ones.

create table virtual_columns (
    first integer,
    total integer generated always as (first + last) virtual,
    stored integer generated always as (first * 10) stored,
    last integer
);
insert into virtual_columns (first, last) values (1, 2), (3, null);

create table only_virtual (one integer generated always as (1) virtual);
insert into only_virtual default values;

-- Rows that came before a constraint, and break it.
create table not_null_later (id integer, name text);
insert into not_null_later values (1, null), (null, 'x');
alter table not_null_later add constraint named not null name not valid;

-- Rows that a constraint forbids, which nobody enforces.
create table not_enforced (
    id integer primary key,
    amount integer constraint positive check (amount > 0) not enforced,
    boss integer constraint of_the_house references not_enforced not enforced
);
insert into not_enforced values (1, -1, 99), (2, 5, 1);

create extension btree_gist;
create table prices (
    article integer,
    valid daterange,
    price numeric,
    primary key (article, valid without overlaps)
);
create table sales (
    article integer,
    during daterange,
    foreign key (article, period during) references prices (article, period valid)
);
insert into prices values (1, '[2024-01-01,2024-06-01)', 5), (1, '[2024-06-01,2025-01-01)', 6);
insert into sales values (1, '[2024-05-01,2024-07-01)');

create table parted (id integer, amount integer) partition by hash (id);
create table parted_0 partition of parted for values with (modulus 2, remainder 0);
create table parted_1 partition of parted for values with (modulus 2, remainder 1);
create table parents (id integer primary key);
insert into parents values (1);
insert into parted values (1, 1), (2, 2), (3, 3);
alter table parted add foreign key (amount) references parents not valid;

create schema extensions;
create extension vector schema extensions;
create table embeddings (
    id integer, whole extensions.vector(3), half extensions.halfvec(2), sparse extensions.sparsevec(5),
    many extensions.vector[]
);
insert into embeddings values
(1, '[1,2.5,-0]', '[1,65504]', '{1:1.5,5:-2}/5', array['[1,2]', null]::extensions.vector[]), (2, null, null, '{}/5', '{}');
create index on embeddings using hnsw (whole extensions.vector_l2_ops);

create table squares (id integer, square integer generated always as (id * id) stored);
-- The child works the same column out in its own way.
create table cubes (cube integer generated always as (id * id * id) stored,
    square integer generated always as (-id * id) stored) inherits (squares);
insert into squares (id) values (3);
insert into cubes (id) values (2);
