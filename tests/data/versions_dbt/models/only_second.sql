{{ config(enabled=(var('version') == 'second')) }}

select count(*) as films from public.films
