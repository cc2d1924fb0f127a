-- The example source: a small film shop. It stands for the database that is copied, so nothing in the
-- pipeline may depend on what is in here.
--
-- Run once, in an empty database, by docker's /docker-entrypoint-initdb.d or by
-- `psql --single-transaction --set ON_ERROR_STOP=1 --file init.sql`; therefore no transaction, no database
-- and no psql command of its own.

-- The names have letters beyond ASCII, and this file is UTF-8 whatever the client believes.
set client_encoding = 'UTF8';

create table films (
    film_id integer primary key,
    title text not null,
    release_date date not null,
    price numeric(6, 2) not null check (price >= 0),
    rating text not null check (rating in ('G', 'PG', 'PG-13', 'R', 'NC-17')),
    -- Null until somebody has rated the film. No scale: numeric(2, 1) would store 4.49 as 4.5.
    user_rating numeric check (user_rating between 0 and 5)
);

create table actors (
    actor_id integer primary key,
    -- Not unique: two people may bear one name.
    actor_name text not null
);

create table film_actors (
    film_id integer not null references films (film_id),
    actor_id integer not null references actors (actor_id),
    primary key (film_id, actor_id)
);

-- The primary key serves look-ups by film; this one serves those by actor.
create index film_actors_actor_id on film_actors (actor_id);

create table film_category (
    -- Numbers the pair of film and category, in spite of its name: 'Drama' has many a category_id.
    category_id integer primary key,
    film_id integer not null references films (film_id),
    category_name text not null,
    unique (film_id, category_name)
);

create table users (
    id integer primary key,
    first_name text not null,
    last_name text not null,
    email text not null unique,
    date_of_birth date not null
);

insert into films (film_id, title, release_date, price, rating, user_rating)
values
(1, 'Inception', '2010-07-16', 12.99, 'PG-13', 4.8),
(2, 'The Shawshank Redemption', '1994-09-23', 9.99, 'R', 4.9),
(3, 'The Godfather', '1972-03-24', 14.99, 'R', 4.7),
(4, 'The Dark Knight', '2008-07-18', 11.99, 'PG-13', 4.8),
(5, 'Pulp Fiction', '1994-10-14', 10.99, 'R', 4.6),
(6, 'The Matrix', '1999-03-31', 9.99, 'R', 4.7),
(7, 'Forrest Gump', '1994-07-06', 8.99, 'PG-13', 4.5),
(8, 'Toy Story', '1995-11-22', 7.99, 'G', 4.4),
(9, 'Jurassic Park', '1993-06-11', 9.99, 'PG-13', 4.3),
(10, 'Avatar', '2009-12-18', 12.99, 'PG-13', 4.2),
(11, 'Blade Runner 2049', '2017-10-06', 13.99, 'R', 4.3),
(12, 'Mad Max: Fury Road', '2015-05-15', 11.99, 'R', 4.6),
(13, 'Coco', '2017-11-22', 9.99, 'PG', 4.8),
(14, 'Dunkirk', '2017-07-21', 12.99, 'PG-13', 4.5),
(15, 'Spider-Man: Into the Spider-Verse', '2018-12-14', 10.99, 'PG', 4.9),
(16, 'Parasite', '2019-10-11', 14.99, 'R', 4.6),
(17, 'Whiplash', '2014-10-10', 9.99, 'R', 4.7),
(18, 'Inside Out', '2015-06-19', 9.99, 'PG', 4.8),
(19, 'The Grand Budapest Hotel', '2014-03-28', 10.99, 'R', 4.4),
(20, 'La La Land', '2016-12-09', 11.99, 'PG-13', 4.5);

insert into actors (actor_id, actor_name)
values
(1, 'Leonardo DiCaprio'),
(2, 'Joseph Gordon-Levitt'),
(3, 'Elliot Page'),
(4, 'Tim Robbins'),
(5, 'Morgan Freeman'),
(6, 'Bob Gunton'),
(7, 'Marlon Brando'),
(8, 'Al Pacino'),
(9, 'James Caan'),
(10, 'Christian Bale'),
(11, 'Heath Ledger'),
(12, 'Aaron Eckhart'),
(13, 'John Travolta'),
(14, 'Uma Thurman'),
(15, 'Samuel L. Jackson'),
(16, 'Keanu Reeves'),
(17, 'Laurence Fishburne'),
(18, 'Carrie-Anne Moss'),
(19, 'Tom Hanks'),
(20, 'Robin Wright'),
(21, 'Gary Sinise'),
(22, 'Tim Allen'),
(23, 'Don Rickles'),
(24, 'Sam Neill'),
(25, 'Laura Dern'),
(26, 'Jeff Goldblum'),
(27, 'Sam Worthington'),
(28, 'Zoe Saldaña'),
(29, 'Sigourney Weaver'),
(30, 'Ryan Gosling'),
(31, 'Harrison Ford'),
(32, 'Ana de Armas'),
(33, 'Tom Hardy'),
(34, 'Charlize Theron'),
(35, 'Nicholas Hoult'),
(36, 'Anthony Gonzalez'),
(37, 'Gael García Bernal'),
(38, 'Benjamin Bratt'),
(39, 'Fionn Whitehead'),
(40, 'Mark Rylance'),
(41, 'Shameik Moore'),
(42, 'Jake Johnson'),
(43, 'Hailee Steinfeld'),
(44, 'Song Kang-ho'),
(45, 'Lee Sun-kyun'),
(46, 'Cho Yeo-jeong'),
(47, 'Miles Teller'),
(48, 'J. K. Simmons'),
(49, 'Melissa Benoist'),
(50, 'Amy Poehler'),
(51, 'Phyllis Smith'),
(52, 'Bill Hader'),
(53, 'Ralph Fiennes'),
(54, 'Tony Revolori'),
(55, 'Saoirse Ronan'),
(56, 'Emma Stone');

insert into film_actors (film_id, actor_id)
values
(1, 1),
(1, 2),
(1, 3),
(2, 4),
(2, 5),
(2, 6),
(3, 7),
(3, 8),
(3, 9),
(4, 10),
(4, 11),
(4, 12),
(4, 5),
(5, 13),
(5, 14),
(5, 15),
(6, 16),
(6, 17),
(6, 18),
(7, 19),
(7, 20),
(7, 21),
(8, 19),
(8, 22),
(8, 23),
(9, 24),
(9, 25),
(9, 26),
(9, 15),
(10, 27),
(10, 28),
(10, 29),
(11, 30),
(11, 31),
(11, 32),
(12, 33),
(12, 34),
(12, 35),
(13, 36),
(13, 37),
(13, 38),
(14, 39),
(14, 33),
(14, 40),
(15, 41),
(15, 42),
(15, 43),
(16, 44),
(16, 45),
(16, 46),
(17, 47),
(17, 48),
(17, 49),
(18, 50),
(18, 51),
(18, 52),
(19, 53),
(19, 54),
(19, 55),
(20, 30),
(20, 56),
(20, 48);

insert into film_category (category_id, film_id, category_name)
values
(1, 1, 'Sci-Fi'),
(2, 1, 'Thriller'),
(3, 2, 'Drama'),
(4, 3, 'Crime'),
(5, 3, 'Drama'),
(6, 4, 'Action'),
(7, 4, 'Thriller'),
(8, 5, 'Crime'),
(9, 5, 'Drama'),
(10, 6, 'Sci-Fi'),
(11, 6, 'Action'),
(12, 7, 'Drama'),
(13, 7, 'Romance'),
(14, 8, 'Animation'),
(15, 8, 'Family'),
(16, 9, 'Action'),
(17, 9, 'Adventure'),
(18, 10, 'Sci-Fi'),
(19, 10, 'Adventure'),
(20, 11, 'Sci-Fi'),
(21, 11, 'Drama'),
(22, 12, 'Action'),
(23, 12, 'Adventure'),
(24, 13, 'Animation'),
(25, 13, 'Family'),
(26, 14, 'War'),
(27, 14, 'Drama'),
(28, 15, 'Animation'),
(29, 15, 'Action'),
(30, 16, 'Drama'),
(31, 16, 'Thriller'),
(32, 17, 'Drama'),
(33, 17, 'Music'),
(34, 18, 'Animation'),
(35, 18, 'Family'),
(36, 19, 'Comedy'),
(37, 19, 'Drama'),
(38, 20, 'Drama'),
(39, 20, 'Music');

-- Nobody: the names are made up, and example.com is reserved for examples (RFC 2606).
insert into users (id, first_name, last_name, email, date_of_birth)
values
(1, 'Ada', 'Example', 'ada.example@example.com', '1984-02-29'),
(2, 'Ben', 'Sample', 'ben.sample@example.com', '1991-07-14'),
(3, 'Cleo', 'Placeholder', 'cleo.placeholder@example.com', '1978-11-03'),
(4, 'Dev', 'Testcase', 'dev.testcase@example.com', '2001-01-31'),
(5, 'Elsa', 'Dummy', 'elsa.dummy@example.com', '1969-05-20'),
(6, 'Finn', 'Fixture', 'finn.fixture@example.com', '1995-09-09'),
(7, 'Greta', 'Mockingham', 'greta.mockingham@example.com', '1988-12-25'),
(8, 'Hugo', 'Specimen', 'hugo.specimen@example.com', '1973-04-01'),
(9, 'Ines', 'Prototype', 'ines.prototype@example.com', '1999-08-17'),
(10, 'Jonas', 'Lorem', 'jonas.lorem@example.com', '1982-06-06'),
(11, 'Kira', 'Ipsum', 'kira.ipsum@example.com', '1990-10-30'),
(12, 'Luca', 'Foobar', 'luca.foobar@example.com', '2003-03-12'),
(13, 'Mona', 'Bazqux', 'mona.bazqux@example.com', '1965-01-08'),
(14, 'Nils', 'Nobody', 'nils.nobody@example.com', '1997-11-11');
