-- The event of a start, in its transaction.
INSERT INTO outbox (user_id, revision, n, id, aggregatetype, type, payload, shard, written_at)
VALUES (
    :user_id, (extract(EPOCH FROM clock_timestamp()) * 1000000)::bigint, 0, :session_id, 'playtime-events',
    'library.session.started', json_build_object('session_id', :session_id, 'game_id', :game_id), 0, now()
)
    ON CONFLICT DO NOTHING
