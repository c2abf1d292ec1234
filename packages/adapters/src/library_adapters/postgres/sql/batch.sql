-- The frame of a read for many (see statements.py): whom it is about stands in arrays of equal length, one line each, and
-- every row of the answer says whose it is. The rows of one keep the order that its read gives them.
SELECT member.n, answer.*
  FROM unnest({arrays}) WITH ORDINALITY AS member ({names}, n)
 CROSS JOIN LATERAL (
           SELECT row_number() OVER () AS place, one.*
             FROM (
{read}
                  ) AS one
       ) AS answer
 ORDER BY member.n, answer.place
