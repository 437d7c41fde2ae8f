-- What PostgreSQL has beside the tables of journal.sql: who leads, blocks of key slots, and the triggers that keep the
-- journal append-only. The triggers fire also where a session asks not to be told of triggers (ENABLE ALWAYS).

CREATE TABLE leader (               -- one row; a writing transaction holds it, so that a new term waits for its end
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    term  INTEGER NOT NULL,         -- how often the lead was taken; only the newest term may write
    since TEXT NOT NULL,
    who   TEXT NOT NULL
);

INSERT INTO leader VALUES (1, 0, '', '');

CREATE SEQUENCE key_slots MINVALUE 0 INCREMENT BY 32;

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'facts and checkpoints are never changed or deleted';
END
$$;

CREATE TRIGGER journal_is_never_changed BEFORE DELETE OR UPDATE OR TRUNCATE ON journal
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER checkpoint_is_never_changed BEFORE DELETE OR UPDATE OR TRUNCATE ON checkpoint
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE journal ENABLE ALWAYS TRIGGER journal_is_never_changed;
ALTER TABLE checkpoint ENABLE ALWAYS TRIGGER checkpoint_is_never_changed;
