{{ config(materialized='view') }}

select
    upper(title) as title,
    version
from {{ ref('titles') }}
