{{ config(materialized='view') }}

select
    title,
    version
from {{ ref('ratings') }}
