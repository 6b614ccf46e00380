-- 0017_fields.sql - words of titles, diagnoses, keywords, attributes and file names, too.
--
-- The index has a row for each caption, with the words of what else is said of its image,
-- each of these behind the mark of its field (core/words/fields.h): one row, so that one
-- word of a question may stand in a caption and another in a title; one column, for the
-- reason that 0013 gives. And a row for each image that no caption is shown at.
--
-- The index keeps no copy of the words, which took more room than all else of it. What
-- they were made of is in words_row, so that a row can be taken out of it again.
DROP TABLE caption_word;
CREATE VIRTUAL TABLE caption_word USING fts5 (
  words,   -- a stem per word; each word as it was, for prefixes; one per compound
  content = '',
  tokenize = "ascii tokenchars '.='"
);

-- One row of the index each, under its id: that of a caption, or, below 0, that of an
-- image.
CREATE TABLE words_row (
  id              INTEGER PRIMARY KEY,
  caption_text_id INTEGER,         -- NULL for an image. May point nowhere for a while
  fields          TEXT    NOT NULL -- a line for each other text, its mark before it
);

-- What the index says, for answers that it could give only by being read through: all
-- words that captions have as they are written, those of one length side by side, each
-- with how many rows have it, as four characters;
CREATE TABLE words_list (
  id    INTEGER PRIMARY KEY,       -- 65536 times the length, and a number
  words TEXT NOT NULL
);
-- and how many rows have a word that many have.
CREATE TABLE words_common (
  word TEXT    PRIMARY KEY,
  n    INTEGER NOT NULL
) WITHOUT ROWID;

-- The digest of the words is another: the next publish makes it.
DELETE FROM digest;
