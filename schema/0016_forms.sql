-- 0016_forms.sql - British spelling, Latin plurals, roman numerals and sizes: a text has
-- other words now (core/words/stem.c, terms.c), made when this has run.
DELETE FROM caption_word;

-- The digest of the words is another: the next publish makes it.
DELETE FROM digest;
