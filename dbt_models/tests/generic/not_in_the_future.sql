{% test not_in_the_future(model, column_name) %}

select {{ column_name }}
from {{ model }}
where {{ column_name }} > current_date

{% endtest %}
