{{ config(alias='Mixed Case, 100%') }}

select
    film_id as "Film Id",
    version
from {{ ref('ratings') }}
