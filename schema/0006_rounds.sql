-- 0006_rounds.sql - a model's rounds of --rebuild.

-- Until now a round stood behind the fingerprint: "<hash>/2", "<hash>/3", ... Vectors of
-- the same model in another round are others, as those of another model are.
CREATE TABLE model_new (
  id             INTEGER PRIMARY KEY AUTOINCREMENT,
  fingerprint    TEXT    NOT NULL,         -- hash of weights, config, preprocessing, tokenizer
  round          INTEGER NOT NULL DEFAULT 1 CHECK (round >= 1),
  path           TEXT    NOT NULL,         -- where it was when it was last used
  preprocess     TEXT    NOT NULL,         -- clip | pubmedclip-train
  dim            INTEGER NOT NULL CHECK (dim BETWEEN 1 AND 65536),
  logit_scale    REAL    NOT NULL,         -- as in the checkpoint: before exp()
  description    TEXT    NOT NULL,
  stamp          TEXT    NOT NULL,         -- size and time of its files: unchanged weights
                                           -- are recognised without hashing them again
  tokenizer      BLOB,                     -- where its vocabulary is; NULL: beside it
  UNIQUE (fingerprint, round)
);
INSERT INTO sqlite_sequence (name, seq)
  SELECT 'model_new', seq FROM sqlite_sequence WHERE name = 'model';
INSERT INTO model_new
  SELECT id,
         substr(fingerprint, 1, instr(fingerprint || '/', '/') - 1),
         max(1, CAST(substr(fingerprint, instr(fingerprint || '/', '/') + 1) AS INTEGER)),
         path, preprocess, dim, logit_scale, description, stamp, tokenizer
  FROM model ORDER BY id;

-- Triggers may not name a table that is not there while another is renamed.
DROP TRIGGER picture_vector;
DROP TRIGGER caption_text_vector;
DROP TABLE model;
ALTER TABLE model_new RENAME TO model;

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
