-- The newest sync of every stream succeeded: complete, or not permitted to this account, and nothing made the run fail.
select stream, synced_at, status, coalesce(failure, reason) as why
from ({{ ranked_syncs() }}) as syncs
where place = 1 and not ({{ succeeded() }})
