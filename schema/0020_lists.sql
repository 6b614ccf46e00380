-- 0020_lists.sql - Indexes whose vectors lie in lists, of which a search looks into some.

-- What was asked for: 'auto', 'SQ8,RFlat' (no lists), or 'IVF<n>,SQ8,RFlat'.
ALTER TABLE catalog ADD COLUMN index_spec TEXT NOT NULL DEFAULT 'auto'
  CHECK (index_spec = 'auto' OR index_spec GLOB '*SQ8,RFlat');

ALTER TABLE index_file ADD COLUMN n_lists INTEGER NOT NULL DEFAULT 0
  CHECK (n_lists BETWEEN 0 AND 65536);   -- 0: the vectors of the file are in none
ALTER TABLE index_file ADD COLUMN n_probe INTEGER NOT NULL DEFAULT 0
  CHECK (n_probe BETWEEN 0 AND 65536);   -- of these a search looks into so many
ALTER TABLE index_file ADD COLUMN recall REAL NOT NULL DEFAULT 1
  CHECK (recall BETWEEN 0 AND 1);        -- and so finds this share of the ten nearest
ALTER TABLE index_file ADD COLUMN trained INTEGER NOT NULL DEFAULT 0
  CHECK (trained >= 0);                  -- vectors there were when the lists were found,
                                         -- or found to be of no use; 0: neither
