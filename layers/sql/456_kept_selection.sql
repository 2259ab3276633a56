-- Features that somebody selected, more of them than an address can name. The name is a hash of what is selected.
CREATE TABLE IF NOT EXISTS gis.kept_selection (
  selection text PRIMARY KEY CHECK (selection ~ '^[0-9a-f]{24}$'),
  layer text NOT NULL,
  fids bigint[] NOT NULL,
  kept_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX IF NOT EXISTS kept_selection_age ON gis.kept_selection (kept_at);

-- The features of a selection, for the filters of all readers: each sees of them what his own row policies leave him.
CREATE OR REPLACE FUNCTION gis.selected(p_selection text) RETURNS SETOF bigint LANGUAGE sql STABLE ROWS 5000 AS $$
  SELECT unnest(fids) FROM gis.kept_selection WHERE selection = p_selection
$$;
