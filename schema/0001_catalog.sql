-- 0001_catalog.sql - the first format of catalog.db. Invariants are in README.md.
--
-- A migration runs once, in one transaction, and is never edited after a release: what
-- comes later goes into 0002_*.sql.

-- One row per model whose vectors are here. There is one, but for the time in which an
-- index is rebuilt with another one; catalog.model_id says which one readers see.
CREATE TABLE model (
  id             INTEGER PRIMARY KEY AUTOINCREMENT,
  fingerprint    TEXT    NOT NULL UNIQUE,  -- hash of weights, config, preprocessing, tokenizer
  path           TEXT    NOT NULL,         -- where it was when it was last used
  preprocess     TEXT    NOT NULL,         -- clip | pubmedclip-train
  dim            INTEGER NOT NULL CHECK (dim BETWEEN 1 AND 65536),
  logit_scale    REAL    NOT NULL,         -- as in the checkpoint: before exp()
  description    TEXT    NOT NULL,
  stamp          TEXT    NOT NULL,         -- size and time of its files: unchanged weights
                                           -- are recognised without hashing them again
  tokenizer      BLOB                      -- where its vocabulary is; NULL: beside it
);

-- Exactly one row: what is true of the catalog as a whole.
CREATE TABLE catalog (
  id         INTEGER PRIMARY KEY CHECK (id = 1),
  generation INTEGER NOT NULL CHECK (generation >= 0),  -- +1 with each publish
  model_id   INTEGER REFERENCES model (id),
  created_at INTEGER NOT NULL,                          -- seconds since 1970
  created_by TEXT    NOT NULL                           -- program version
);

CREATE TABLE source (
  id            INTEGER PRIMARY KEY AUTOINCREMENT,
  path          BLOB    NOT NULL UNIQUE,   -- absolute; a file name is bytes, not text
  kind          TEXT    NOT NULL,          -- folder | mirc | dicom
  captions_path BLOB,
  captions_hash BLOB    NOT NULL CHECK (length(captions_hash) = 16),  -- when last taken in
  added_at      INTEGER NOT NULL
);

-- Embeddings, by content: a cache that fills while a run goes on. A picture no image
-- points to is invisible to readers and is swept away by the next publish.
CREATE TABLE picture (
  id           INTEGER PRIMARY KEY AUTOINCREMENT,
  model_id     INTEGER NOT NULL REFERENCES model (id) ON DELETE CASCADE,
  content_hash BLOB    NOT NULL CHECK (length(content_hash) = 16),
  frame        INTEGER NOT NULL CHECK (frame >= 0),
  width        INTEGER NOT NULL CHECK (width > 0),   -- pixels, as decoded
  height       INTEGER NOT NULL CHECK (height > 0),
  format       TEXT    NOT NULL,                     -- jpeg, png, dicom, ...
  vector       BLOB    NOT NULL,                     -- float32, little-endian, length 1
  UNIQUE (model_id, content_hash, frame)
);

CREATE TABLE caption_text (
  id        INTEGER PRIMARY KEY AUTOINCREMENT,
  model_id  INTEGER NOT NULL REFERENCES model (id) ON DELETE CASCADE,
  text_hash BLOB    NOT NULL CHECK (length(text_hash) = 16),
  text      TEXT    NOT NULL,
  vector    BLOB    NOT NULL,
  UNIQUE (model_id, text_hash)
);

CREATE TRIGGER picture_vector BEFORE INSERT ON picture
WHEN typeof(NEW.vector) <> 'blob'
  OR length(NEW.vector) <> 4 * (SELECT dim FROM model WHERE id = NEW.model_id)
BEGIN
  SELECT RAISE(ABORT, 'the vector of a picture has another length than its model gives');
END;

CREATE TRIGGER caption_text_vector BEFORE INSERT ON caption_text
WHEN typeof(NEW.vector) <> 'blob'
  OR length(NEW.vector) <> 4 * (SELECT dim FROM model WHERE id = NEW.model_id)
BEGIN
  SELECT RAISE(ABORT, 'the vector of a caption has another length than its model gives');
END;

-- From here on everything is what readers see, and changes only in a publish.

CREATE TABLE teaching_case (
  id        INTEGER PRIMARY KEY AUTOINCREMENT,
  source_id INTEGER NOT NULL REFERENCES source (id) ON DELETE CASCADE,
  key       TEXT    NOT NULL,        -- stable within its source
  title     TEXT    NOT NULL,
  UNIQUE (source_id, key)
);

CREATE TABLE image (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,      -- never used again
  source_id  INTEGER NOT NULL REFERENCES source (id) ON DELETE CASCADE,
  path       BLOB    NOT NULL,                       -- absolute, bytes
  frame      INTEGER NOT NULL CHECK (frame >= 0),
  picture_id INTEGER NOT NULL REFERENCES picture (id),
  case_id    INTEGER REFERENCES teaching_case (id) ON DELETE SET NULL,
  size       INTEGER NOT NULL,                       -- of the file, bytes
  mtime_ns   INTEGER NOT NULL,                       -- since 1970
  UNIQUE (path, frame)
);
CREATE INDEX image_by_source  ON image (source_id);
CREATE INDEX image_by_picture ON image (picture_id);
CREATE INDEX image_by_case    ON image (case_id) WHERE case_id IS NOT NULL;

CREATE TABLE caption (
  id              INTEGER PRIMARY KEY AUTOINCREMENT, -- never used again
  image_id        INTEGER NOT NULL REFERENCES image (id) ON DELETE CASCADE,
  caption_text_id INTEGER NOT NULL REFERENCES caption_text (id),
  UNIQUE (image_id, caption_text_id)
);
CREATE INDEX caption_by_text ON caption (caption_text_id);

CREATE TABLE image_attribute (
  image_id INTEGER NOT NULL REFERENCES image (id) ON DELETE CASCADE,
  key      TEXT    NOT NULL,
  value    TEXT    NOT NULL,
  PRIMARY KEY (image_id, key, value)
) WITHOUT ROWID;
CREATE INDEX image_attribute_by_key ON image_attribute (key, value);

CREATE TABLE case_attribute (
  case_id INTEGER NOT NULL REFERENCES teaching_case (id) ON DELETE CASCADE,
  key     TEXT    NOT NULL,
  value   TEXT    NOT NULL,
  PRIMARY KEY (case_id, key, value)
) WITHOUT ROWID;
CREATE INDEX case_attribute_by_key ON case_attribute (key, value);

-- The FAISS files that belong to the generation in catalog.
CREATE TABLE index_file (
  kind       TEXT    PRIMARY KEY CHECK (kind IN ('images', 'captions')),
  generation INTEGER NOT NULL,
  name       TEXT    NOT NULL,                       -- in the catalog's folder
  checksum   BLOB    NOT NULL CHECK (length(checksum) = 16),  -- of the whole file
  count      INTEGER NOT NULL CHECK (count >= 0),
  dim        INTEGER NOT NULL
) WITHOUT ROWID;

-- The diary: one row per run of the indexer, and the files that could not be read. A
-- failure stands until its file changes, is read, or goes away.
CREATE TABLE run (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  started_at  INTEGER NOT NULL,
  finished_at INTEGER,
  state       TEXT    NOT NULL CHECK (state IN ('running', 'done', 'failed', 'interrupted')),
  added       INTEGER NOT NULL DEFAULT 0,
  updated     INTEGER NOT NULL DEFAULT 0,
  moved       INTEGER NOT NULL DEFAULT 0,
  removed     INTEGER NOT NULL DEFAULT 0,
  unchanged   INTEGER NOT NULL DEFAULT 0,
  failed      INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE failure (
  source_id INTEGER NOT NULL REFERENCES source (id) ON DELETE CASCADE,
  path      BLOB    NOT NULL UNIQUE,
  reason    TEXT    NOT NULL,
  size      INTEGER NOT NULL,
  mtime_ns  INTEGER NOT NULL
);
CREATE INDEX failure_by_source ON failure (source_id);
