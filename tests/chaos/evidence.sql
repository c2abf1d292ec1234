-- Outbox rows go away when they are published. This keeps what was ever committed: written by a trigger in the same
-- transaction, so that it is there exactly when the row was.
CREATE SCHEMA evidence;

CREATE TABLE evidence.outbox (id uuid NOT NULL, user_id uuid NOT NULL, revision bigint NOT NULL, n integer NOT NULL);

CREATE FUNCTION evidence.keep() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    INSERT INTO evidence.outbox (id, user_id, revision, n) VALUES (NEW.id, NEW.user_id, NEW.revision, NEW.n);
    RETURN NULL;
END
$$;

CREATE TRIGGER keep AFTER INSERT ON outbox FOR EACH ROW EXECUTE FUNCTION evidence.keep();
