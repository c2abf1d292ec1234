-- active_sessions, copy_leases and what an end leaves: the record and its sums (data 5 to 8).

-- fragment: session_members
-- What a session is made of.
live.session_id AS id, live.user_id, live.game_id, live.library_item_id, live.owner_id, live.device_id, live.platform,
       live.game_version, live.start_time, live.clock_skew_seconds, live.last_heartbeat_at, live.last_input_at,
       live.active_first_day, live.active_second_day, live.afk_seconds, live.suspended_seconds, live.told_idle

-- fragment: session
SELECT {session_members}
  FROM active_sessions AS live

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
