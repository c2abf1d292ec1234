-- active_sessions, copy_leases and what an end leaves: the record and its sums (data 5 to 8).

-- fragment: session_members
-- What a session is made of.
live.session_id AS id, live.user_id, live.game_id, live.library_item_id, live.owner_id, live.device_id, live.platform,
       live.game_version, live.start_time, live.clock_skew_seconds, live.last_heartbeat_at, live.last_input_at,
       live.active_first_day, live.active_second_day, live.afk_seconds, live.suspended_seconds, live.told_idle

-- fragment: session
SELECT {session_members}
  FROM active_sessions AS live

-- fragment: not_erased
-- What an erased user still plays is nobody's: it is being deleted. A heartbeat takes no mutex, so it is asked here (data 29).
NOT EXISTS (
           SELECT
             FROM user_revisions AS erased
            WHERE erased.user_id = live.user_id AND erased.erased_at IS NOT NULL
       )

-- fragment: into_days
INTO playtime_stats_daily AS stored (
        user_id, date, game_id, library_item_id, total_playtime, sessions_count, longest_session_seconds, last_played_at,
        revision, created_at, updated_at
    )

-- fragment: onto_day
ON CONFLICT (user_id, date, game_id) DO UPDATE
   SET total_playtime = stored.total_playtime + excluded.total_playtime,
       sessions_count = stored.sessions_count + excluded.sessions_count,
       longest_session_seconds = greatest(stored.longest_session_seconds, excluded.longest_session_seconds),
       last_played_at = greatest(stored.last_played_at, excluded.last_played_at),
       revision = excluded.revision,
       updated_at = excluded.updated_at

-- fragment: into_months
INTO playtime_stats_monthly AS stored (
        user_id, game_id, year, month, library_item_id, total_playtime, sessions_count, longest_session_seconds,
        first_played_at, last_played_at, revision, created_at, updated_at
    )

-- fragment: onto_month
ON CONFLICT (user_id, game_id, year, month) DO UPDATE
   SET total_playtime = stored.total_playtime + excluded.total_playtime,
       sessions_count = stored.sessions_count + excluded.sessions_count,
       longest_session_seconds = greatest(stored.longest_session_seconds, excluded.longest_session_seconds),
       first_played_at = least(stored.first_played_at, excluded.first_played_at),
       last_played_at = greatest(stored.last_played_at, excluded.last_played_at),
       revision = excluded.revision,
       updated_at = excluded.updated_at

-- fragment: onto_recent
-- The newest first, and the eleventh goes (contract 2): the sessions of a game end in the order in which they began.
ON CONFLICT (user_id, game_id) DO UPDATE
   SET sessions = (excluded.sessions || stored.sessions) - 10, revision = excluded.revision

-- fragment: into_records
INTO playtime_sessions (
        id, user_id, game_id, library_item_id, owner_id, device_id, platform, game_version, start_time, end_time,
        last_heartbeat_at, clock_skew_seconds, end_reason, over_since, duration, active_first_day, afk_seconds,
        suspended_seconds, told_idle, total_playtime_after, revision, created_at, updated_at
    )

-- name: running
-- One running session, locked: by its row alone, a heartbeat takes nothing else.
{session}
 WHERE live.user_id = %(user_id)s AND live.session_id = %(session_id)s
   AND {not_erased}
   FOR UPDATE

-- name: running_game
-- The running session of one game, locked.
{session}
 WHERE live.user_id = %(user_id)s AND live.game_id = %(game_id)s
   FOR UPDATE

-- name: all_running
-- All of them, locked in the order of their keys.
{session}
 WHERE live.user_id = %(user_id)s
 ORDER BY live.session_id
   FOR UPDATE

-- name: ended
-- The record of one session: its start, which the id bears, says in which partition it is.
SELECT id, user_id, game_id, library_item_id, owner_id, device_id, platform, game_version, start_time, end_time,
       last_heartbeat_at, clock_skew_seconds, end_reason, over_since, duration, active_first_day, afk_seconds,
       suspended_seconds, told_idle, total_playtime_after
  FROM playtime_sessions
 WHERE user_id = %(user_id)s AND id = %(session_id)s AND start_time = %(start_time)s

-- name: open
-- Begin a session; returns the one that is there then, which is another if the game is played already.
INSERT INTO active_sessions (
    user_id, session_id, game_id, library_item_id, owner_id, device_id, platform, game_version, start_time,
    clock_skew_seconds, last_heartbeat_at, last_input_at, active_first_day, active_second_day, afk_seconds,
    suspended_seconds, told_idle, revision
)
VALUES (
    %(user_id)s, %(id)s, %(game_id)s, %(library_item_id)s, %(owner_id)s, %(device_id)s, %(platform)s, %(game_version)s,
    %(start_time)s, %(clock_skew_seconds)s, %(last_heartbeat_at)s, %(last_input_at)s, %(active_first_day)s,
    %(active_second_day)s, %(afk_seconds)s, %(suspended_seconds)s, %(told_idle)s, %(revision)s
)
ON CONFLICT (user_id, game_id) DO UPDATE
   SET revision = active_sessions.revision
RETURNING session_id, device_id, start_time

-- name: lease
-- Take the copy; returns who has it then.
INSERT INTO copy_leases (user_id, game_id, session_id, player_id, since)
VALUES (%(owner_id)s, %(game_id)s, %(id)s, %(user_id)s, %(start_time)s)
ON CONFLICT (user_id, game_id) DO UPDATE
   SET session_id = copy_leases.session_id
RETURNING session_id, player_id, since

-- name: keep
-- A sign of life. No column of an index changes.
UPDATE active_sessions
   SET last_heartbeat_at = %(last_heartbeat_at)s,
       last_input_at = %(last_input_at)s,
       active_first_day = %(active_first_day)s,
       active_second_day = %(active_second_day)s,
       afk_seconds = %(afk_seconds)s,
       suspended_seconds = %(suspended_seconds)s,
       told_idle = %(told_idle)s
 WHERE user_id = %(user_id)s AND session_id = %(id)s

-- name: end
-- Who deletes the row owns the end.
DELETE FROM active_sessions
 WHERE user_id = %(user_id)s AND session_id = %(id)s
RETURNING session_id

-- name: release
-- Give the copy back.
DELETE FROM copy_leases
 WHERE user_id = %(owner_id)s AND game_id = %(game_id)s AND session_id = %(id)s

-- name: add_to_item
-- What the library shows of it.
UPDATE user_libraries
   SET total_playtime = total_playtime + %(duration)s,
       last_played_at = greatest(last_played_at, %(end_time)s),
       revision = %(revision)s,
       updated_at = %(now)s
 WHERE user_id = %(user_id)s AND id = %(library_item_id)s

-- name: record
-- What is told of the session from now on; the game's playtime is read after the session was added to it.
INSERT {into_records}
SELECT %(id)s, owned.user_id, %(game_id)s, owned.id, %(owner_id)s, %(device_id)s, %(platform)s, %(game_version)s,
       %(start_time)s, %(end_time)s, %(last_heartbeat_at)s, %(clock_skew_seconds)s, %(end_reason)s, %(over_since)s,
       %(duration)s, %(active_first_day)s, %(afk_seconds)s, %(suspended_seconds)s, %(told_idle)s, owned.total_playtime,
       %(revision)s, %(now)s, %(now)s
  FROM user_libraries AS owned
 WHERE owned.user_id = %(user_id)s AND owned.id = %(library_item_id)s
RETURNING total_playtime_after

-- name: add_to_day
-- One of the at most two days that it touched.
INSERT {into_days}
VALUES (
    %(user_id)s, %(date)s, %(game_id)s, %(library_item_id)s, %(seconds)s, %(sessions)s, %(longest)s, %(end_time)s,
    %(revision)s, %(now)s, %(now)s
)
{onto_day}

-- name: add_to_month
-- One of the at most two months.
INSERT {into_months}
VALUES (
    %(user_id)s, %(game_id)s, %(year)s, %(month)s, %(library_item_id)s, %(seconds)s, %(sessions)s, %(longest)s,
    %(start_time)s, %(end_time)s, %(revision)s, %(now)s, %(now)s
)
{onto_month}

-- name: add_to_recent
-- What the item shows of it.
INSERT INTO recent_sessions AS stored (user_id, game_id, sessions, revision)
VALUES (
    %(user_id)s, %(game_id)s,
    jsonb_build_array(
        jsonb_build_object(
            'id', %(id)s::uuid,
            'start_time', %(start_time)s::timestamptz,
            'end_time', %(end_time)s::timestamptz,
            'duration_seconds', %(duration)s::bigint
        )
    ),
    %(revision)s
)
{onto_recent}

-- name: sums_of_days
-- What was played on these days, of all games.
SELECT date, sum(total_playtime)::bigint AS seconds
  FROM playtime_stats_daily
 WHERE user_id = %(user_id)s AND date = ANY(%(dates)s::date[])
 GROUP BY date

-- name: long_running
-- How many sessions run since before that moment.
SELECT count(*) AS sessions
  FROM active_sessions
 WHERE user_id = %(user_id)s AND start_time < %(before)s

-- name: platform_of
-- What Download told last of this device.
SELECT platform
  FROM user_installations
 WHERE user_id = %(user_id)s AND device_id = %(device_id)s AND platform IS NOT NULL
 ORDER BY event_at DESC, event_id DESC
 LIMIT 1

-- name: stale
-- Sessions that seem to be over, in the order of the key. Those of an erased user nobody may end: they are being deleted.
-- That is asked of each that was found, a join might ask it of everybody.
-- citus: many users, no locks: candidates only.
SELECT user_id, session_id
  FROM active_sessions AS running
 WHERE (user_id, session_id) > (%(after_user_id)s, %(after_session_id)s) AND user_id < %(before_user_id)s
   AND (last_heartbeat_at < %(silent_since)s OR last_input_at <= %(idle_since)s OR start_time <= %(started_before)s)
   AND (SELECT erased_at FROM user_revisions AS revised WHERE revised.user_id = running.user_id) IS NULL
 ORDER BY user_id, session_id
 LIMIT %(limit)s

-- name: count
-- How many sessions run: with somebody there at the last sign of life, with nobody there, and over without an end.
-- citus: many users, no locks: a number.
SELECT count(*) FILTER (WHERE NOT is_over AND idle_seconds <= %(afk_after)s) AS active,
       count(*) FILTER (WHERE NOT is_over AND idle_seconds > %(afk_after)s) AS afk,
       count(*) FILTER (WHERE is_over) AS over
  FROM active_sessions
 CROSS JOIN LATERAL (
           SELECT last_heartbeat_at < %(silent_since)s OR last_input_at <= %(idle_since)s
                  OR start_time <= %(started_before)s AS is_over,
                  -- What was neither played nor slept through nor settled as away.
                  extract(EPOCH FROM last_heartbeat_at - start_time)
                  - active_first_day - active_second_day - suspended_seconds - afk_seconds AS idle_seconds
       ) AS shown

-- What follows is the quick way, over the shared connections (data 31): sessions of many users in one statement. What is read
-- there is decided on in the domain, and what is written counts only where it still is as it was read. Who is locked by
-- another is passed over, and goes the ordinary way. On Citus it is off, by configuration.

-- name: quick_running
-- A running session, and the version of its row, which every write changes.
-- in batches by user_id uuid, session_id uuid
SELECT {session_members}, live.xmin::text::bigint AS sign
  FROM active_sessions AS live
 WHERE live.user_id = %(user_id)s AND live.session_id = %(session_id)s
   AND {not_erased}

-- name: quick_before_end
-- What the end of a running session is decided on. Its days are the one on which it began and the next.
-- in batches by user_id uuid, session_id uuid, long_before timestamptz
SELECT {session_members}, live.xmin::text::bigint AS sign,
       revised.revision, revised.changed_at, game.name AS game_name, owned.total_playtime,
       (
           SELECT coalesce(sum(daily.total_playtime), 0)::bigint
             FROM playtime_stats_daily AS daily
            WHERE daily.user_id = live.user_id AND daily.date = (live.start_time AT TIME ZONE 'UTC')::date
       ) AS first_day,
       (
           SELECT coalesce(sum(daily.total_playtime), 0)::bigint
             FROM playtime_stats_daily AS daily
            WHERE daily.user_id = live.user_id AND daily.date = (live.start_time AT TIME ZONE 'UTC')::date + 1
       ) AS second_day,
       (
           SELECT count(*)
             FROM active_sessions AS other
            WHERE other.user_id = live.user_id
              AND other.session_id <> live.session_id
              AND other.start_time < %(long_before)s
       ) AS long_running
  FROM active_sessions AS live
  JOIN user_revisions AS revised ON revised.user_id = live.user_id AND revised.erased_at IS NULL
  JOIN user_libraries AS owned ON owned.user_id = live.user_id AND owned.id = live.library_item_id
  LEFT JOIN catalog.games AS game ON game.game_id = live.game_id
 WHERE live.user_id = %(user_id)s AND live.session_id = %(session_id)s

-- name: quick_before_start
-- What the start of a session is decided on, beside the rights.
-- in batches by user_id uuid, game_id uuid
SELECT owned.id AS library_item_id, coalesce(game.product_type, owned.product_type) AS kind, game.name AS game_name,
       owned.last_played_at, revised.revision, revised.changed_at,
       NOT EXISTS (
           SELECT
             FROM active_sessions AS live
            WHERE live.user_id = owned.user_id AND live.game_id = owned.game_id
       )
       AND NOT EXISTS (
           SELECT
             FROM copy_leases AS lent
            WHERE lent.user_id = owned.user_id AND lent.game_id = owned.game_id
       ) AS is_free
  FROM user_libraries AS owned
  JOIN user_revisions AS revised ON revised.user_id = owned.user_id AND revised.erased_at IS NULL
  LEFT JOIN catalog.games AS game ON game.game_id = owned.game_id
 WHERE owned.user_id = %(user_id)s AND owned.game_id = %(game_id)s

-- name: quick_keep
-- Signs of life.
-- not on citus: rows of many users are locked
WITH told AS (
    SELECT *
      FROM unnest(
               %(each_user_id)s::uuid[], %(each_session_id)s::uuid[], %(each_sign)s::bigint[],
               %(each_last_heartbeat_at)s::timestamptz[], %(each_last_input_at)s::timestamptz[],
               %(each_active_first_day)s::integer[], %(each_active_second_day)s::integer[],
               %(each_afk_seconds)s::integer[], %(each_suspended_seconds)s::integer[], %(each_told_idle)s::boolean[]
           ) WITH ORDINALITY AS told (
               user_id, session_id, sign, last_heartbeat_at, last_input_at, active_first_day, active_second_day,
               afk_seconds, suspended_seconds, told_idle, n
           )
), held AS MATERIALIZED (
    SELECT told.*
      FROM told
      JOIN active_sessions AS live ON live.user_id = told.user_id AND live.session_id = told.session_id
     WHERE live.xmin::text::bigint = told.sign
     ORDER BY live.user_id, live.session_id
       FOR UPDATE OF live SKIP LOCKED
)
UPDATE active_sessions AS live
   SET last_heartbeat_at = held.last_heartbeat_at,
       last_input_at = held.last_input_at,
       active_first_day = held.active_first_day,
       active_second_day = held.active_second_day,
       afk_seconds = held.afk_seconds,
       suspended_seconds = held.suspended_seconds,
       told_idle = held.told_idle
  FROM held
 WHERE live.user_id = held.user_id AND live.session_id = held.session_id
RETURNING held.n, 1::bigint AS place

-- name: quick_open
-- Sessions that begin, each with its copy and its event, of users whose mutex is free and who are as they were.
-- not on citus: rows of many users are locked
WITH told AS (
    SELECT *
      FROM unnest(
               %(each_user_id)s::uuid[], %(each_revision)s::bigint[], %(each_written_at)s::timestamptz[],
               %(each_session_id)s::uuid[], %(each_game_id)s::uuid[], %(each_library_item_id)s::uuid[],
               %(each_device_id)s::text[], %(each_platform)s::text[], %(each_game_version)s::text[],
               %(each_start_time)s::timestamptz[], %(each_clock_skew_seconds)s::bigint[], %(each_event_id)s::uuid[],
               %(each_topic)s::text[], %(each_type)s::text[], %(each_payload)s::text[], %(each_headers)s::text[],
               %(each_shard)s::integer[]
           ) WITH ORDINALITY AS told (
               user_id, revision, written_at, session_id, game_id, library_item_id, device_id, platform, game_version,
               start_time, clock_skew_seconds, event_id, topic, type, payload, headers, shard, n
           )
), held AS MATERIALIZED (
    SELECT told.*
      FROM told
      JOIN user_revisions AS revised ON revised.user_id = told.user_id
     WHERE revised.revision = told.revision - 1 AND revised.erased_at IS NULL
     ORDER BY revised.user_id
       FOR UPDATE OF revised SKIP LOCKED
), raised AS (
    UPDATE user_revisions AS revised
       SET revision = held.revision, changed_at = held.written_at
      FROM held
     WHERE revised.user_id = held.user_id
), begun AS (
    INSERT INTO active_sessions (
        user_id, session_id, game_id, library_item_id, owner_id, device_id, platform, game_version, start_time,
        clock_skew_seconds, last_heartbeat_at, last_input_at, revision
    )
    SELECT user_id, session_id, game_id, library_item_id, user_id, device_id, platform, game_version, start_time,
           clock_skew_seconds, start_time, start_time, revision
      FROM held
), taken AS (
    INSERT INTO copy_leases (user_id, game_id, session_id, player_id, since)
    SELECT user_id, game_id, session_id, user_id, start_time
      FROM held
), published AS (
    INSERT INTO outbox (user_id, revision, n, id, aggregatetype, type, payload, headers, shard, written_at)
    SELECT user_id, revision, 0, event_id, topic, type, payload::json, headers::jsonb, shard, written_at
      FROM held
)
SELECT n, 1::bigint AS place
  FROM held

-- name: quick_close
-- Sessions that end. The mutex first, then the row, each unless somebody else has it or has changed it; the row goes, and
-- only then its time is in the sums (data 7).
-- not on citus: rows of many users are locked
WITH told AS (
    SELECT *
      FROM unnest(
               %(each_user_id)s::uuid[], %(each_revision)s::bigint[], %(each_written_at)s::timestamptz[],
               %(each_sign)s::bigint[], %(each_session_id)s::uuid[], %(each_end_time)s::timestamptz[],
               %(each_end_reason)s::text[], %(each_over_since)s::timestamptz[], %(each_first_day)s::date[],
               %(each_first_seconds)s::integer[], %(each_second_day)s::date[], %(each_second_seconds)s::integer[],
               %(each_duration)s::bigint[], %(each_afk_seconds)s::integer[], %(each_suspended_seconds)s::integer[],
               %(each_told_idle)s::boolean[], %(each_total_after)s::bigint[], %(each_event_id)s::uuid[],
               %(each_type)s::text[], %(each_payload)s::text[], %(each_headers)s::text[],
               %(each_other_event_id)s::uuid[], %(each_other_type)s::text[], %(each_other_payload)s::text[],
               %(each_other_headers)s::text[], %(each_topic)s::text[], %(each_shard)s::integer[]
           ) WITH ORDINALITY AS told (
               user_id, revision, written_at, sign, session_id, end_time, end_reason, over_since, first_day,
               first_seconds, second_day, second_seconds, duration, afk_seconds, suspended_seconds, told_idle,
               total_after, event_id, type, payload, headers, other_event_id, other_type, other_payload, other_headers,
               topic, shard, n
           )
), free AS MATERIALIZED (
    SELECT told.*
      FROM told
      JOIN user_revisions AS revised ON revised.user_id = told.user_id
     WHERE revised.revision = told.revision - 1 AND revised.erased_at IS NULL
     ORDER BY revised.user_id
       FOR UPDATE OF revised SKIP LOCKED
), held AS MATERIALIZED (
    SELECT free.*
      FROM free
      JOIN active_sessions AS live ON live.user_id = free.user_id AND live.session_id = free.session_id
     WHERE live.xmin::text::bigint = free.sign
     ORDER BY live.user_id, live.session_id
       FOR UPDATE OF live SKIP LOCKED
), ended AS (
    DELETE FROM active_sessions AS live
     USING held
     WHERE live.user_id = held.user_id AND live.session_id = held.session_id
 RETURNING live.session_id AS id, live.user_id, live.game_id, live.library_item_id, live.owner_id, live.device_id,
           live.platform, live.game_version, live.start_time, live.clock_skew_seconds, live.last_heartbeat_at,
           held.n, held.revision, held.written_at, held.end_time, held.end_reason, held.over_since, held.first_day,
           held.first_seconds, held.second_day, held.second_seconds, held.duration, held.afk_seconds,
           held.suspended_seconds, held.told_idle, held.total_after, held.event_id, held.type, held.payload,
           held.headers, held.other_event_id, held.other_type, held.other_payload, held.other_headers, held.topic,
           held.shard
), raised AS (
    UPDATE user_revisions AS revised
       SET revision = ended.revision, changed_at = ended.written_at
      FROM ended
     WHERE revised.user_id = ended.user_id
), released AS (
    DELETE FROM copy_leases AS lent
     USING ended
     WHERE lent.user_id = ended.user_id AND lent.game_id = ended.game_id AND lent.session_id = ended.id
), shown AS (
    UPDATE user_libraries AS owned
       SET total_playtime = ended.total_after,
           last_played_at = greatest(owned.last_played_at, ended.end_time),
           revision = ended.revision,
           updated_at = ended.written_at
      FROM ended
     WHERE owned.user_id = ended.user_id AND owned.id = ended.library_item_id
), recorded AS (
    INSERT {into_records}
    SELECT id, user_id, game_id, library_item_id, owner_id, device_id, platform, game_version, start_time, end_time,
           last_heartbeat_at, clock_skew_seconds, end_reason, over_since, duration, first_seconds, afk_seconds,
           suspended_seconds, told_idle, total_after, revision, written_at, written_at
      FROM ended
), share AS (
    SELECT user_id, game_id, library_item_id, start_time, end_time, revision, written_at, part.*
      FROM ended
     CROSS JOIN LATERAL (
               VALUES (first_day, first_seconds, 1, duration), (second_day, second_seconds, 0, 0)
           ) AS part (date, seconds, sessions, longest)
     WHERE part.date IS NOT NULL
), in_days AS (
    INSERT {into_days}
    SELECT user_id, date, game_id, library_item_id, seconds, sessions, longest, end_time, revision, written_at, written_at
      FROM share
     ORDER BY user_id, date, game_id
    {onto_day}
), in_months AS (
    INSERT {into_months}
    SELECT user_id, game_id, extract(YEAR FROM date), extract(MONTH FROM date), library_item_id, sum(seconds),
           sum(sessions), max(longest), start_time, end_time, revision, written_at, written_at
      FROM share
     GROUP BY user_id, game_id, extract(YEAR FROM date), extract(MONTH FROM date), library_item_id, start_time, end_time,
              revision, written_at
    {onto_month}
), in_recent AS (
    INSERT INTO recent_sessions AS stored (user_id, game_id, sessions, revision)
    SELECT user_id, game_id,
           jsonb_build_array(
               jsonb_build_object(
                   'id', id, 'start_time', start_time, 'end_time', end_time, 'duration_seconds', duration
               )
           ),
           revision
      FROM ended
    {onto_recent}
), published AS (
    INSERT INTO outbox (user_id, revision, n, id, aggregatetype, type, payload, headers, shard, written_at)
    SELECT user_id, revision, event.n, event.id, topic, event.type, event.payload::json, event.headers::jsonb, shard,
           written_at
      FROM ended
     CROSS JOIN LATERAL (
               VALUES (0, event_id, type, payload, headers),
                      (1, other_event_id, other_type, other_payload, other_headers)
           ) AS event (n, id, type, payload, headers)
)
SELECT n, 1::bigint AS place
  FROM ended
