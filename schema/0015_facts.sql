-- 0015_facts.sql - what files said of themselves when they were last read: while size,
-- time and program stay the same, a night need not read the headers of an archive again.
CREATE TABLE file_facts (
  source_id INTEGER NOT NULL REFERENCES source (id) ON DELETE CASCADE,
  path      BLOB    NOT NULL,
  size      INTEGER NOT NULL,
  mtime_ns  INTEGER NOT NULL,
  version   TEXT    NOT NULL,  -- of the program that read it
  facts     TEXT    NOT NULL,  -- as indexer/known_facts.c writes them
  PRIMARY KEY (source_id, path)
) WITHOUT ROWID;
