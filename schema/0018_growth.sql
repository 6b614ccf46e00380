-- 0018_growth.sql - Publishing costs what changed: an index file may have been written for
-- an older generation, and the vectors that came since are read from the tables. Files of
-- the older kind are of no use: the next publish writes others.
DELETE FROM index_file;
ALTER TABLE index_file ADD COLUMN in_file INTEGER NOT NULL DEFAULT 0
  CHECK (in_file >= 0);                  -- vectors in the file; count is all there are
ALTER TABLE index_file ADD COLUMN last_id INTEGER NOT NULL DEFAULT 0
  CHECK (last_id >= 0);                  -- of these the last; 0: there are none
ALTER TABLE index_file ADD COLUMN is_stale INTEGER NOT NULL DEFAULT 0
  CHECK (is_stale IN (0, 1));            -- one of them has gone, or is another

CREATE TRIGGER index_image_gone AFTER DELETE ON image BEGIN
  UPDATE index_file SET is_stale = 1 WHERE kind = 'images' AND last_id >= OLD.id;
END;
CREATE TRIGGER index_image_other AFTER UPDATE OF picture_id ON image
WHEN NEW.picture_id <> OLD.picture_id
BEGIN
  UPDATE index_file SET is_stale = 1 WHERE kind = 'images' AND last_id >= OLD.id;
END;
CREATE TRIGGER index_caption_gone AFTER DELETE ON caption BEGIN
  UPDATE index_file SET is_stale = 1 WHERE kind = 'captions' AND last_id >= OLD.id;
END;
CREATE TRIGGER index_caption_other AFTER UPDATE OF caption_text_id ON caption
WHEN NEW.caption_text_id <> OLD.caption_text_id
BEGIN
  UPDATE index_file SET is_stale = 1 WHERE kind = 'captions' AND last_id >= OLD.id;
END;
