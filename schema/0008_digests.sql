-- 0008_digests.sql - how it is known that all is still as it was published.

-- One row per part of what readers see (core/catalog/store_digest.c has the parts): the
-- sum of its rows' hashes. Made by each publish.
CREATE TABLE digest (
  part   TEXT    PRIMARY KEY,
  n_rows INTEGER NOT NULL CHECK (n_rows >= 0),
  digest BLOB    NOT NULL CHECK (typeof(digest) = 'blob' AND length(digest) = 16)
) WITHOUT ROWID;

-- Of its thumbnail, which is too much to be read with each publish. NULL: it has none.
ALTER TABLE picture ADD COLUMN thumbnail_hash BLOB
  CHECK (thumbnail_hash IS NULL OR length(thumbnail_hash) = 16);

-- The highest ids there were when the run began: what is above them it has embedded.
ALTER TABLE run ADD COLUMN first_picture INTEGER NOT NULL DEFAULT 0;
ALTER TABLE run ADD COLUMN first_text INTEGER NOT NULL DEFAULT 0;
