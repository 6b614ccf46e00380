-- 0010_living.sql - what is remembered of a catalog and its sources between runs.

-- May the group of the files read them? Whoever runs the indexer has said so once.
ALTER TABLE catalog ADD COLUMN is_shared INTEGER NOT NULL DEFAULT 0
  CHECK (is_shared IN (0, 1));

-- What is left out of a source: patterns of the shell, see core/image/left_out.h.
CREATE TABLE source_exclusion (
  source_id INTEGER NOT NULL REFERENCES source (id) ON DELETE CASCADE,
  pattern   BLOB    NOT NULL,
  PRIMARY KEY (source_id, pattern)
) WITHOUT ROWID;

-- Longer than the model reads: its vector is that of the beginning. Texts that were
-- embedded before are not looked at again.
ALTER TABLE caption_text ADD COLUMN is_cut INTEGER NOT NULL DEFAULT 0
  CHECK (is_cut IN (0, 1));
CREATE INDEX caption_text_cut ON caption_text (id) WHERE is_cut = 1;
