-- 0013_one_column.sql - the words of a text in one column.
--
-- There were three, and questions named the one that they meant. But SQLite 3.40 writes
-- past a buffer when it filters damaged postings by column: a question must need no
-- filter. So a word as it was before it was stemmed has a mark, '=', and its own place
-- between the stems and the compounds, and there is one column. FTS5's scores stay as
-- they were: they are made from the number of words of all columns.
DROP TABLE caption_word;
CREATE VIRTUAL TABLE caption_word USING fts5 (
  words,   -- a stem per word; each word as it was, for prefixes; one per compound
  tokenize = "ascii tokenchars '.='"
);

-- The digest of the words has another column now: the next publish makes it.
DELETE FROM digest;
