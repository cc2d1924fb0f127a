{{ config(materialized='view') }}

select films from {{ ref('fixed') }}
