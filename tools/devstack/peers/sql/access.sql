-- May this player play this game now, by what right and until when; if not, why? A DLC needs its base game too.
SELECT held.live > 0 AND NOT base.missing AS allowed,
       CASE WHEN held.live > 0 AND NOT base.missing
            THEN CASE held.best WHEN 3 THEN 'subscription' WHEN 5 THEN 'family' ELSE 'owned' END
       END AS via,
       CASE WHEN held.live > 0 AND NOT base.missing THEN NULL
            WHEN held.known = 0 THEN 'not_owned'
            WHEN held.live = 0 AND held.ran_out THEN 'expired'
            WHEN held.live = 0 THEN 'revoked'
            ELSE 'base_game_missing'
       END AS reason,
       CASE WHEN held.live > 0 AND NOT base.missing THEN least(held.ends, base.ends) END AS expires_at,
       CASE WHEN held.live > 0 AND NOT base.missing AND held.best = 5 THEN held.lender END AS owner_id
  FROM (
           SELECT count(*) AS known,
                  count(*) FILTER (WHERE lent.is_live) AS live,
                  min(lent.strength) FILTER (WHERE lent.is_live) AS best,
                  min(lent.source_id) FILTER (WHERE lent.is_live) AS lender,
                  coalesce(bool_or(lent.revoked_at IS NULL AND NOT lent.is_live), false) AS ran_out,
                  CASE WHEN bool_and(lent.expires_at IS NOT NULL) FILTER (WHERE lent.is_live)
                       THEN max(lent.expires_at) FILTER (WHERE lent.is_live)
                  END AS ends
             FROM (
                      SELECT source_id, revoked_at, expires_at,
                             array_position(
                                 ARRAY['purchase', 'gift', 'subscription', 'free', 'family'], acquisition_type
                             ) AS strength,
                             revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now()) AS is_live
                        FROM library_grants
                       WHERE user_id = :user_id AND game_id = :game_id
                  ) AS lent
       ) AS held
 CROSS JOIN (
           SELECT coalesce(bool_or(NOT coalesce(base.is_live, false)), false) AS missing, max(base.expires_at) AS ends
             FROM (
                      SELECT bool_or(
                                 lent.revoked_at IS NULL AND (lent.expires_at IS NULL OR lent.expires_at > now())
                             ) AS is_live,
                             CASE WHEN bool_and(lent.expires_at IS NOT NULL) THEN max(lent.expires_at) END AS expires_at
                        FROM catalog.games AS game
                        LEFT JOIN library_grants AS lent
                          ON lent.user_id = :user_id AND lent.game_id = game.parent_game_id
                       WHERE game.game_id = :game_id AND game.product_type = 'dlc' AND game.parent_game_id IS NOT NULL
                       GROUP BY game.game_id
                  ) AS base
       ) AS base
