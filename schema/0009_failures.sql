-- 0009_failures.sql - since when, and how often.

-- A failure that may pass is tried again by each run; a lasting one when its file, or the
-- program, is another one, or when somebody asks for it.
ALTER TABLE failure ADD COLUMN first_at INTEGER NOT NULL DEFAULT 0;  -- seconds since 1970
ALTER TABLE failure ADD COLUMN last_at INTEGER NOT NULL DEFAULT 0;   -- when last tried
ALTER TABLE failure ADD COLUMN tries INTEGER NOT NULL DEFAULT 1 CHECK (tries >= 1);
ALTER TABLE failure ADD COLUMN is_lasting INTEGER NOT NULL DEFAULT 0
  CHECK (is_lasting IN (0, 1));
ALTER TABLE failure ADD COLUMN tried_by TEXT NOT NULL DEFAULT '';    -- program version
