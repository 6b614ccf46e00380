-- 0002_words.sql - search by words.

-- The words of each caption text, under the id of its row: what core/words/terms.c
-- makes of the text, parted by spaces. FTS5 has nothing left to decide; dots are part of
-- numbers. It keeps the three columns itself, so that a row can go without anybody
-- knowing what was in it. Rows come with pf_store_put_caption_text(), for texts that were
-- there before from the program that runs this migration, and go in pf_store_sweep(). No
-- trigger sees to that: a virtual table may not be used by a schema that is not trusted.
CREATE VIRTUAL TABLE caption_word USING fts5 (
  stem,    -- one per word
  whole,   -- one per compound: t2weighted
  plain,   -- the words before they were stemmed, for prefixes
  tokenize = "ascii tokenchars '.'"
);
