-- 0005_cases.sql - captions of a whole case; failures of one frame.
--
-- SQLite changes a constraint only by making the table anew. sqlite_sequence goes along,
-- so that ids are never used again.

-- A text is about an image or about a case, never both.
CREATE TABLE caption_new (
  id              INTEGER PRIMARY KEY AUTOINCREMENT, -- never used again
  image_id        INTEGER REFERENCES image (id) ON DELETE CASCADE,
  case_id         INTEGER REFERENCES teaching_case (id) ON DELETE CASCADE,
  caption_text_id INTEGER NOT NULL REFERENCES caption_text (id),
  CHECK ((image_id IS NULL) <> (case_id IS NULL))
);
INSERT INTO sqlite_sequence (name, seq)
  SELECT 'caption_new', seq FROM sqlite_sequence WHERE name = 'caption';
INSERT INTO caption_new (id, image_id, caption_text_id)
  SELECT id, image_id, caption_text_id FROM caption ORDER BY id;
DROP TABLE caption;
ALTER TABLE caption_new RENAME TO caption;
CREATE UNIQUE INDEX caption_by_image ON caption (image_id, caption_text_id)
  WHERE image_id IS NOT NULL;
CREATE UNIQUE INDEX caption_by_case ON caption (case_id, caption_text_id)
  WHERE case_id IS NOT NULL;
CREATE INDEX caption_by_text ON caption (caption_text_id);

-- The one place that says which image stands for a caption: its own, or the first of its
-- case.
CREATE VIEW caption_image (caption_id, image_id, caption_text_id) AS
  SELECT id,
         coalesce(image_id, (SELECT min(image.id) FROM image
                             WHERE image.case_id = caption.case_id)),
         caption_text_id
  FROM caption;

-- Of a file with several frames some may be readable.
CREATE TABLE failure_new (
  source_id INTEGER NOT NULL REFERENCES source (id) ON DELETE CASCADE,
  path      BLOB    NOT NULL,
  frame     INTEGER NOT NULL DEFAULT 0 CHECK (frame >= 0),
  reason    TEXT    NOT NULL,
  size      INTEGER NOT NULL,
  mtime_ns  INTEGER NOT NULL,
  UNIQUE (path, frame)
);
INSERT INTO failure_new (source_id, path, reason, size, mtime_ns)
  SELECT source_id, path, reason, size, mtime_ns FROM failure;
DROP TABLE failure;
ALTER TABLE failure_new RENAME TO failure;
CREATE INDEX failure_by_source ON failure (source_id);
