-- catalog.epoch: what of the catalog the answers depend on (data 15).

-- name: move_epoch
-- Announce that answers change, a minute ahead, for all changes until then (data 15). One announcement stands at a time,
-- so this writes once a minute at most; a change in its last ten seconds might be committed after it, so that one makes
-- it count now and announces the next.
UPDATE catalog.epoch
   SET epoch = epoch + 1, moves_at = %(now)s::timestamptz + interval '1 minute'
 WHERE moves_at <= %(now)s::timestamptz + interval '10 seconds'
