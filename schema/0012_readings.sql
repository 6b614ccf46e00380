-- 0012_readings.sql - how a source is read: which frames of a file with several, and
-- whether pictures that may show a patient's name are passed over.
ALTER TABLE source ADD COLUMN frames TEXT NOT NULL DEFAULT 'middle';
ALTER TABLE source ADD COLUMN refuses_burned_in INTEGER NOT NULL DEFAULT 0
  CHECK (refuses_burned_in IN (0, 1));

-- The digest of the sources has other columns now: the next publish makes it.
DELETE FROM digest;
