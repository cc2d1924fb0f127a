{{ config(materialized='view') }}

select
    film_id,
    price
from public.films
where film_id <= 2
