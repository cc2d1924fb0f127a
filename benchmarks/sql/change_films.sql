-- No row: changes one film in a hundred.
update public.films
set price = price + 0.01
where mod(film_id, 100) = 0;
