-- How many library rows and games there are: whether a database is the one that a run wants.
SELECT (SELECT count(*) FROM user_libraries), (SELECT count(*) FROM catalog.games)
