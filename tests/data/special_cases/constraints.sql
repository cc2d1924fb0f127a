-- Constraints that rows keep only together, or that came after the rows.

create extension btree_gist;
create table banned (word text);
insert into banned values ('damn');
create function public.is_decent(word text) returns boolean language plpgsql stable as $$
begin
    -- Reads another table, which may have no rows yet.
    return not exists (select from public.banned where banned.word = is_decent.word);
end
$$;
create table comments (id integer primary key, word text check (public.is_decent(word)));
insert into comments values (1, 'oh'), (2, null);

create table bookings (
    room integer, during tsrange, guest text,
    constraint no_overlap exclude using gist (room with =, during with &&) where (guest <> 'staff'),
    constraint one_each exclude (guest with =) deferrable initially deferred
);
insert into bookings values (1, '[2024-01-01,2024-01-02)', 'a'), (1, '[2024-01-02,2024-01-03)', 'b'),
(1, '[2024-01-01,2024-01-03)', 'staff');

-- Each refers to the other, and to itself; the first row to the last.
create table hens (id integer primary key, egg integer not null, mother integer references hens on delete cascade);
create table eggs (id integer primary key, hen integer not null references hens deferrable initially deferred);
insert into hens values (1, 10, 3), (2, 11, 1), (3, 12, null);
insert into eggs values (10, 1), (11, 2), (12, 3);
alter table hens add constraint of_an_egg foreign key (egg) references eggs initially deferred deferrable;

-- Rows that break what came after them.
create table legacy (id integer, amount integer, hen integer);
insert into legacy values (1, -1, 99), (2, 2, 2);
alter table legacy add constraint positive check (amount > 0) not valid;
alter table legacy add constraint of_a_hen foreign key (hen) references hens not valid;
create domain code as text;
create table coded (code code, codes code[]);
insert into coded values ('lower', '{lower,UPPER}'), (null, null);
alter domain code add constraint upper_case check (value = upper(value)) not valid;

create table nulls (a integer, b integer, unique nulls not distinct (a), unique (b));
insert into nulls values (null, null), (1, null);
create unique index nulls_partial on nulls (b) where a is null;

create table positions (id integer primary key, position integer unique deferrable initially immediate);
insert into positions select number, 10 - number from generate_series(1, 9) as number;
set constraints all deferred;
update positions set position = position + 1;
set constraints all immediate;

-- A key by an index that was there before, a match full, a set null of one column.
create table pairs (a integer not null, b integer not null);
insert into pairs values (1, 1), (1, 2);
create unique index pairs_b_a on pairs (b desc, a) include (b) with (fillfactor = 70);
alter table pairs add unique (a, b);
create table of_pairs (
    a integer, b integer,
    foreign key (a, b) references pairs (a, b) match full on update cascade,
    constraint one_column foreign key (a, b) references pairs (a, b) on delete set null (b)
);
insert into of_pairs values (1, 1), (null, null);
