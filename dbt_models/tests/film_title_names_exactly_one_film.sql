-- A row is the film chosen by the variable film_title. One row is success, so that the failure says how many
-- there were: "Got 0 results, configured to fail if != 1" means that no film has this title.
{{ config(fail_calc='count(*)', error_if='!= 1', warn_if='!= 1') }}

select
    film_id,
    title
from {{ ref('specific_movie') }}
