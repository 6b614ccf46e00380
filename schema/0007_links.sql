-- 0007_links.sql - sources whose links may lead anywhere.

-- Whoever may write to a share must not be able to put files from elsewhere into the
-- catalog: links that lead out of their source are passed over, unless it was named with
-- --follow-links.
ALTER TABLE source ADD COLUMN follows_links INTEGER NOT NULL DEFAULT 0
  CHECK (follows_links IN (0, 1));
