-- The journal and what stands beside it. Only `journal` and `evidence` are the truth; `tree` and `checkpoint` prove it,
-- and the state (one table per kind of row, made by tables.py) and `about` are an index that can be dropped and rebuilt.

CREATE TABLE journal (
    seq    INTEGER PRIMARY KEY,   -- from 0, without gaps
    kind   TEXT NOT NULL,         -- name and version of the fact
    at     TEXT NOT NULL,         -- instant, never before the one of the fact before
    record BLOB NOT NULL,         -- canonical bytes; private
    nonce  BLOB NOT NULL,         -- 32 random bytes; private
    leaf   BLOB NOT NULL,         -- commitment to nonce and record; public
    key    INTEGER                -- slot of the person's key that seals nonce and record, which then stand in record
);

CREATE INDEX journal_sealed ON journal (key) WHERE key IS NOT NULL;

CREATE TABLE evidence (
    seal       TEXT PRIMARY KEY,  -- named by a fact
    media_type TEXT NOT NULL,
    salt       BLOB NOT NULL,
    bytes      BLOB NOT NULL
) WITHOUT ROWID;

CREATE TABLE tree (               -- hashes of complete subtrees of 2^level leaves, level 1 and up
    level INTEGER NOT NULL,
    idx   INTEGER NOT NULL,
    hash  BLOB NOT NULL,
    PRIMARY KEY (level, idx)
) WITHOUT ROWID;

CREATE TABLE checkpoint (         -- signed notes; one key signs one size once
    size INTEGER PRIMARY KEY,
    note TEXT NOT NULL
);

CREATE TABLE about (              -- whose history a fact belongs in
    party TEXT NOT NULL,
    seq   INTEGER NOT NULL,
    PRIMARY KEY (party, seq)
) WITHOUT ROWID;
CREATE INDEX about_by_place ON about (seq);

CREATE TABLE epoch (              -- what persons' counts were at the end of an epoch; see core/proof/tally.py
    number      INTEGER PRIMARY KEY,
    seed        BLOB NOT NULL,    -- what the random leaves among the others are made from
    slips       BLOB NOT NULL,    -- tag and commitment of each slip
    slips_room  INTEGER NOT NULL,
    counts      BLOB,             -- tag and commitment of each person's count; of the newest epoch only
    counts_room INTEGER NOT NULL
);

CREATE TABLE tally (              -- how many records a person has, and the head of their chain, by the slot of her key
    key   INTEGER PRIMARY KEY,
    count INTEGER NOT NULL,
    head  BLOB NOT NULL
);

CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TRIGGER journal_is_never_changed BEFORE UPDATE ON journal
BEGIN SELECT RAISE(ABORT, 'facts are never changed'); END;
CREATE TRIGGER journal_is_never_shortened BEFORE DELETE ON journal
BEGIN SELECT RAISE(ABORT, 'facts are never deleted'); END;
CREATE TRIGGER checkpoint_is_never_changed BEFORE UPDATE ON checkpoint
BEGIN SELECT RAISE(ABORT, 'one key signs one size once'); END;
CREATE TRIGGER checkpoint_is_never_deleted BEFORE DELETE ON checkpoint
BEGIN SELECT RAISE(ABORT, 'checkpoints are never deleted'); END;
