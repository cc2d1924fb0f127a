{#- A bound that is left out is null: nothing is less or greater than that. -#}
{% test accepted_range(model, column_name, minimum='null', maximum='null') %}

select {{ column_name }}
from {{ model }}
where
    {{ column_name }} < {{ minimum }}
    or {{ column_name }} > {{ maximum }}

{% endtest %}
