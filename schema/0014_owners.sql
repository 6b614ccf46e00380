-- 0014_owners.sql - sources that are read as their owners see them.

-- Teaching files hide documents, and parts of them, from all but their owners; a source
-- that was named with --as-owner is read with these.
ALTER TABLE source ADD COLUMN reads_as_owner INTEGER NOT NULL DEFAULT 0
  CHECK (reads_as_owner IN (0, 1));

-- The digest of the sources has another column now: the next publish makes it.
DELETE FROM digest;
