{{ config(materialized='ephemeral') }}

select
    film_id,
    price
from public.films
where user_rating is not null
