-- 0004_background.sql - how near to each other unrelated pictures and captions are.

-- Cosines, counted in 2000 bins of 0.001 from -1 to 1: what a score is compared with to say
-- whether it is more than chance. Of random pairs that do not belong together, and
-- (caption-own) of captions with the image they belong to. Made anew by each publish, one
-- row of each kind; a catalog that has not been published since this migration has none.
CREATE TABLE background (
  kind      TEXT    PRIMARY KEY
            CHECK (kind IN ('image-image', 'caption-image', 'caption-caption', 'caption-own')),
  pairs     INTEGER NOT NULL CHECK (pairs >= 0),
  first_bin INTEGER NOT NULL CHECK (first_bin BETWEEN 0 AND 1999),
  counts    BLOB    NOT NULL    -- uint32, little-endian, of first_bin and those behind it
) WITHOUT ROWID;
