-- What people keep for a layer: a query by a name of their own, or a thematic style, which others may use when it is shared.

CREATE TABLE IF NOT EXISTS gis.kept_work (
  work_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('query', 'theme')),
  layer text NOT NULL,
  account_id bigint NOT NULL REFERENCES gis.account ON DELETE CASCADE,
  title text NOT NULL CHECK (length(title) BETWEEN 1 AND 80),
  definition jsonb NOT NULL CHECK (jsonb_typeof(definition) IN ('object', 'array')),
  is_shared boolean NOT NULL DEFAULT false,
  changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  UNIQUE (account_id, kind, layer, title)
);
CREATE INDEX IF NOT EXISTS kept_work_layer ON gis.kept_work (kind, layer) WHERE is_shared;
