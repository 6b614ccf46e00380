-- 0003_thumbnails.sql - pictures to look at.

-- A small JPEG of a picture, made when it was embedded. One that could not be made, and
-- pictures from before this table was there, have no row: whoever shows pictures then
-- takes the file itself. Rows go with their picture.
CREATE TABLE thumbnail (
  picture_id INTEGER PRIMARY KEY REFERENCES picture (id) ON DELETE CASCADE,
  jpeg       BLOB    NOT NULL
             CHECK (typeof(jpeg) = 'blob' AND length(jpeg) BETWEEN 4 AND 131072)
);
