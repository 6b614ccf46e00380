-- 0011_tables.sql - several tables of captions for a source, and what did not fit.

-- Files the user gave with --captions, in that order. Tables that are found in a source's
-- folders are looked for anew each time.
CREATE TABLE source_table (
  source_id INTEGER NOT NULL REFERENCES source (id) ON DELETE CASCADE,
  place     INTEGER NOT NULL CHECK (place >= 0),
  path      BLOB    NOT NULL,              -- absolute
  PRIMARY KEY (source_id, place)
) WITHOUT ROWID;
INSERT INTO source_table (source_id, place, path)
  SELECT id, 0, captions_path FROM source WHERE captions_path IS NOT NULL;

CREATE TABLE source_new (
  id            INTEGER PRIMARY KEY AUTOINCREMENT,
  path          BLOB    NOT NULL UNIQUE,   -- absolute; a file name is bytes, not text
  kind          TEXT    NOT NULL,          -- folder | mirc | dicom
  texts_hash    BLOB    NOT NULL CHECK (length(texts_hash) = 16),  -- when last taken in
  added_at      INTEGER NOT NULL,
  follows_links INTEGER NOT NULL DEFAULT 0 CHECK (follows_links IN (0, 1)),
  columns       TEXT                       -- of its tables, when the user said: file=...
);
INSERT INTO sqlite_sequence (name, seq)
  SELECT 'source_new', seq FROM sqlite_sequence WHERE name = 'source';
INSERT INTO source_new (id, path, kind, texts_hash, added_at, follows_links)
  SELECT id, path, kind, captions_hash, added_at, follows_links FROM source ORDER BY id;
DROP TABLE source;
ALTER TABLE source_new RENAME TO source;

-- The diary, of the last time the texts of a source were read: rows of tables that are
-- about no picture (or, of a case, about none that has one), and pictures a table should
-- say something of, but does not.
CREATE TABLE stale_row (
  source_id    INTEGER NOT NULL REFERENCES source (id) ON DELETE CASCADE,
  table_path   BLOB    NOT NULL,
  line         INTEGER NOT NULL CHECK (line >= 1),
  name         TEXT    NOT NULL,           -- as it stands in the row
  is_ambiguous INTEGER NOT NULL CHECK (is_ambiguous IN (0, 1)),
  PRIMARY KEY (source_id, table_path, line)
) WITHOUT ROWID;
CREATE TABLE rowless_picture (
  source_id INTEGER NOT NULL REFERENCES source (id) ON DELETE CASCADE,
  path      BLOB    NOT NULL,
  PRIMARY KEY (source_id, path)
) WITHOUT ROWID;

-- The digest of the sources has other columns now: the next publish makes it.
DELETE FROM digest;
