{{ config(materialized=var('following', 'table')) }}

select films from {{ ref('fixed') }}
