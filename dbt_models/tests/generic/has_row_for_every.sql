{% test has_row_for_every(model, column_name, to, field) %}

select expected.{{ field }}
from {{ to }} as expected
where
    not exists (
        select 1
        from {{ model }} as found
        where found.{{ column_name }} = expected.{{ field }}
    )

{% endtest %}
