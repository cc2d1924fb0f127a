#!/bin/sh
# What Towpath stands beside: check, dump, restore and dbt build, as one writes it in ten minutes.
#
#     sample.sh SOURCE DESTINATION WORK-FOLDER DBT-PROJECT
#
# SOURCE and DESTINATION are connection strings; TOWPATH_HOST and its like tell dbt of the destination. It proves nothing,
# keeps no version to go back to, and its readers see empty tables while it loads.
set -eu
source=$1 destination=$2 work=$3 project=$4

for database in "$source" "$destination"; do
    until pg_isready --quiet --dbname="$database"; do
        sleep 0.1
    done
done

pg_dump --dbname="$source" --format=custom --no-owner --schema=public --file="$work/dump"
psql --dbname="$destination" --no-psqlrc --quiet --set=ON_ERROR_STOP=1 \
    --command='set client_min_messages = warning; drop schema if exists public cascade;'
pg_restore --dbname="$destination" --no-owner --exit-on-error "$work/dump"

dbt --quiet build --project-dir="$project" --profiles-dir="$project" \
    --target-path="$work/target" --log-path="$work/logs"
