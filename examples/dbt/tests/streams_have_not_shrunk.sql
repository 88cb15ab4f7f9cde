-- No stream has lost more rows, from one sync that succeeded to the next, than the brake of the tap allows. The brake
-- holds only where deletes are on. After a large delete that is meant, this fails until the next sync.
with successes as ({{ ranked_syncs("status = 'complete' and failure is null") }})
select latest.stream, previous.row_count as rows_before, latest.row_count as rows_now
from successes as latest
inner join successes as previous on previous.stream = latest.stream and previous.place = 2
where latest.place = 1
  and (
    (
        previous.row_count - latest.row_count > {{ var('max_delete_count') }}
        and (previous.row_count - latest.row_count) * 100 > previous.row_count * {{ var('max_delete_percent') }}
    )
    or (latest.row_count = 0 and previous.row_count > 0 and {{ var('max_delete_percent') }} < 100)
  )
