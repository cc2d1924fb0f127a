{{ config(materialized='incremental', unique_key='run', enabled=var('has_visits')) }}

select
    '{{ var("run") }}' as run,
    count(*) as films
from {{ ref('rated_films') }}
