-- Styles of layers that somebody has published: fixed classes and colours, for all who may read the layer and what the classes are of.

CREATE TABLE IF NOT EXISTS gis.layer_style (
  style_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  layer text NOT NULL,
  title text NOT NULL CHECK (length(title) BETWEEN 1 AND 80),
  definition jsonb NOT NULL CHECK (jsonb_typeof(definition) = 'object'),
  version integer NOT NULL DEFAULT 1,             -- counts every change, also being withdrawn
  account_id bigint REFERENCES gis.account ON DELETE SET NULL,
  changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  withdrawn_at timestamptz,                       -- kept, so that the count of the layer's changes never falls
  UNIQUE (layer, title)
);
COMMENT ON TABLE gis.layer_style IS 'Styles of layers that were published, those withdrawn among them';

-- How often the styles of a layer have changed; added to the number of its definition it tells the tiles that were made before.
CREATE OR REPLACE FUNCTION gis.style_changes() RETURNS TABLE (layer text, changes bigint) LANGUAGE sql STABLE AS $$
  SELECT s.layer, sum(s.version) FROM gis.layer_style s GROUP BY s.layer
$$;
