{{ config(materialized='table', schema='reports') }}

select count(*) as films from public.films
