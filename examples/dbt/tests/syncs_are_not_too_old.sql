-- Every stream has a sync that succeeded within max_age_hours: one that is not read any more shows here, and so do runs
-- that left no row.
with streams as (
    select stream, max(case when {{ succeeded() }} then synced_at end) as last_success
    from ({{ ranked_syncs() }}) as syncs
    group by stream
)
select stream, last_success
from streams
where last_success is null or last_success < {{ dbt.dateadd('hour', -var('max_age_hours'), utc_now()) }}
union all
select 'no sync at all' as stream, null as last_success
where not exists (select 1 from streams)
