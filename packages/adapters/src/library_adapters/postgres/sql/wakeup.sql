-- The call that wakes the relay (data 19).

-- name: notify
-- Sent on a connection of its own, never in a business transaction.
NOTIFY library_outbox
