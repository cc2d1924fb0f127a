{{ config(materialized='table') }}

select
    film_id,
    title,
    user_rating
from {{ source('public', 'films') }}
