-- 0019_chance.sql - what the catalog's own captions and images find in it.

-- New kinds of histograms. Of the nearest that a caption, or an image, has in the catalog:
-- caption-best (among images, its own one too), caption-other (its own, and what belongs to
-- that, left out), image-best (the image of a caption, among captions), image-other (the
-- image of a case, among images of other cases).
CREATE TABLE new_background (
  kind      TEXT    PRIMARY KEY
            CHECK (kind IN ('image-image', 'caption-image', 'caption-caption', 'caption-own',
                            'caption-best', 'caption-other', 'image-best', 'image-other')),
  pairs     INTEGER NOT NULL CHECK (pairs >= 0),
  first_bin INTEGER NOT NULL CHECK (first_bin BETWEEN 0 AND 1999),
  counts    BLOB    NOT NULL    -- uint32, little-endian, of first_bin and those behind it
) WITHOUT ROWID;
INSERT INTO new_background SELECT * FROM background;
DROP TABLE background;
ALTER TABLE new_background RENAME TO background;
