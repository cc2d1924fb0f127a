-- Views on views, and materialized views in the only order in which they can be filled.

create table films (id integer primary key, title text, price numeric);
insert into films select number, 'Film ' || number, number from generate_series(1, 20) as number;

-- Named so that the order of names is not the order of dependencies.
create materialized view z_first as select id, title, price from films where price > 5;
create view y_second as select id, upper(title) as title, price from z_first;
create materialized view x_third as select count(*) as films, sum(price) as total from y_second;
create view w_fourth with (security_barrier) as select films, total / films as mean from x_third;
create materialized view a_fifth as select mean, (select max(id) from z_first) as last from w_fourth with data;
create unique index on z_first (id) include (price);
create index on a_fifth (mean) where last > 1;

-- Rows in it that the table no longer has: it is filled anew.
create materialized view never_filled as select id from films with no data;
create index on never_filled (id);
create view of_nothing as select title from films where false;

-- What needs a primary key, and so comes after it: a view, a materialized one, a function, and what reads them.
create view by_key as select films.id, films.title, count(*) as others
from films inner join films as other on other.id <= films.id group by films.id;
create materialized view by_key_filled as select films.title, sum(other.price) as total
from films inner join films as other on other.id <= films.id group by films.id;
create view of_by_key as select sum(total) as total from by_key_filled;
create materialized view of_of_by_key as select total from of_by_key;
create index on of_of_by_key (total);

-- A function whose tables nobody can see from outside.
create function public.cheapest() returns numeric language plpgsql stable as $$
begin
    return (select min(price) from public.films);
end
$$;
create materialized view by_function as select public.cheapest() as cheapest;

-- Two views that refer to each other by way of a row's type, and rows of a view in a table.
create view typed as select id, title from films;
create function public.titles_of(typed) returns text language sql stable as $$ select $1.title $$;
create view of_typed as select public.titles_of(typed) as title from typed;
create table rows_of_a_view (seen typed, all_seen typed[]);
insert into rows_of_a_view select typed, array[typed, null] from typed where id < 3;

create recursive view ladder (id, height) as
select 1, 1 union all select id + 1, height + 1 from ladder where id < 5;
create view with_check as select id, price from films where price > 3 with cascaded check option;
create view checked with (security_invoker = true) as select * from with_check;
