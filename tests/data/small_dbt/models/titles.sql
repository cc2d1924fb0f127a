{{ config(materialized='view') }}

select title from {{ ref('ratings') }}
