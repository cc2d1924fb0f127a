-- No row: makes the film database with so many ratings, the same rows each time; all else in proportion.
select setseed(0.5);

create table public.films (
    film_id integer not null,
    title text not null,
    released date not null,
    price numeric(6, 2) not null check (price >= 0)
);

create table public.actors (
    actor_id integer not null,
    actor_name text not null,
    born date
);

create table public.film_actors (
    film_id integer not null,
    actor_id integer not null,
    billing smallint not null
);

create table public.users (
    user_id integer not null,
    user_name text not null,
    email text not null,
    joined_at timestamptz not null
);

create table public.ratings (
    rating_id bigint not null,
    user_id integer not null,
    film_id integer not null,
    stars smallint not null check (stars between 1 and 5),
    rated_at timestamptz not null,
    -- Null where nobody had anything to say.
    remark text
);

insert into public.films
select
    number as film_id,
    split_part('The A Our His Her No One Last', ' ', 1 + floor(random() * 8)::integer)
    || split_part(', lost, long, quiet, red, second, golden, cold', ',', 1 + floor(random() * 8)::integer)
    || split_part(' river, summer, city, letter, road, garden, house, night', ',', 1 + floor(random() * 8)::integer)
    || ' ' || number as title,
    date '1950-01-01' + floor(random() * 27000)::integer as released,
    round((random() * 20)::numeric, 2) as price
from generate_series(1, greatest(%(ratings)s / 160, 1)) as number;

insert into public.actors
select
    number as actor_id,
    initcap(substr(md5(random()::text), 1, 7)) || ' ' || initcap(substr(md5(random()::text), 1, 9)) as actor_name,
    case when random() < 0.9 then date '1920-01-01' + floor(random() * 30000)::integer end as born
from generate_series(1, greatest(%(ratings)s / 80, 1)) as number;

insert into public.film_actors
select
    films.film_id,
    1 + floor(random() * greatest(%(ratings)s / 80, 1))::integer as actor_id,
    billing
from public.films
cross join generate_series(1, 10) as billing;

insert into public.users
select
    number as user_id,
    initcap(substr(md5(random()::text), 1, 8)) as user_name,
    'user.' || number || '@example.com' as email,
    timestamptz '2010-01-01 00:00:00+00' + random() * interval '15 years' as joined_at
from generate_series(1, greatest(%(ratings)s / 16, 1)) as number;

insert into public.ratings
select
    number as rating_id,
    1 + floor(random() * greatest(%(ratings)s / 16, 1))::integer as user_id,
    -- Some films are rated far more often than others.
    1 + floor(random() * random() * greatest(%(ratings)s / 160, 1))::integer as film_id,
    1 + floor(sqrt(random()) * 5)::smallint as stars,
    timestamptz '2015-01-01 00:00:00+00' + number * interval '39 seconds' + random() * interval '1 day' as rated_at,
    case
        when random() < 0.9
            then
                split_part('A slow,A fine,Hardly a,No,The,Her kind of,A loud', ',', 1 + floor(random() * 7)::integer)
                || split_part(' start, plot, cast, score, ending, script, pace', ',', 1 + floor(random() * 7)::integer)
                || split_part(', and yet;, but; still;, all in all; which is', ';', 1 + floor(random() * 5)::integer)
                || ' ' || substr(md5(random()::text), 1, 16)
    end as remark
from generate_series(1, %(ratings)s) as number;

alter table public.films add primary key (film_id);
alter table public.actors add primary key (actor_id);
alter table public.film_actors add primary key (film_id, billing);
alter table public.users add primary key (user_id);
alter table public.ratings add primary key (rating_id);

create index film_actors_actor_id on public.film_actors (actor_id);
create index ratings_user_id on public.ratings (user_id);
create index ratings_film_id_rated_at on public.ratings (film_id, rated_at);

alter table public.film_actors add foreign key (film_id) references public.films (film_id);
alter table public.film_actors add foreign key (actor_id) references public.actors (actor_id);
alter table public.ratings add foreign key (user_id) references public.users (user_id);
alter table public.ratings add foreign key (film_id) references public.films (film_id);
