-- The search: names, addresses and codes of all layers, one entry per feature, field and value.
--
-- PostgreSQL's parser does not cut Chinese into words and trigrams cannot find two characters, so an entry carries its own
-- keys: `norm` (what is compared), `initials` (of its pinyin) and `grams`, whole numbers that stand for two neighbouring
-- characters, three neighbouring initials, and so on (see 410). One entry per field and value: a row policy on (layer, field,
-- district_code) keeps masked fields and foreign districts out of the search itself.

-- Where an entry can lie, numbered. Indexes begin with this number, so that a question looks only where the reader may
-- find something, and every probe is bounded, however common the word.
CREATE TABLE IF NOT EXISTS gis.search_scope (
  scope integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  layer text NOT NULL,
  field text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('name', 'address', 'code')),
  district_code text NOT NULL,
  UNIQUE (layer, field, kind, district_code)
);

CREATE TABLE IF NOT EXISTS gis.search_entry (
  fid bigint NOT NULL,
  scope integer NOT NULL,
  layer text NOT NULL,
  field text NOT NULL,
  kind text NOT NULL,
  district_code text NOT NULL,     -- '' where the feature is in none
  valid tstzrange NOT NULL,        -- when the feature had this value; a value that ended and came back is two entries
  label text NOT NULL,             -- as it is written
  norm text COLLATE "C" NOT NULL,
  initials text COLLATE "C",       -- NULL where there is nothing Chinese
  grams integer[]                  -- NULL for codes, which are found by their beginning
);

CREATE INDEX IF NOT EXISTS search_entry_fid ON gis.search_entry (fid);
CREATE INDEX IF NOT EXISTS search_entry_norm ON gis.search_entry (scope, norm);
CREATE INDEX IF NOT EXISTS search_entry_initials ON gis.search_entry (scope, initials) WHERE kind = 'name' AND initials IS NOT NULL;
CREATE INDEX IF NOT EXISTS search_entry_grams ON gis.search_entry USING gin (grams) WHERE kind <> 'code';

-- First letters of pinyin for U+4E00 to U+9FFF, filled by layers/pinyin.py: element n is of code point 19967 + n and holds
-- the ASCII code of the usual reading's letter, plus 128 times that of a second reading that place names may have, 0 for none.
CREATE TABLE IF NOT EXISTS gis.pinyin (
  only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
  edition text NOT NULL,
  initials smallint[] NOT NULL
);
