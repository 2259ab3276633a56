-- The catalogue, the changesets and the lineage: what every layer shares.

CREATE EXTENSION IF NOT EXISTS postgis;
CREATE EXTENSION IF NOT EXISTS btree_gist;

CREATE SCHEMA IF NOT EXISTS gis;
CREATE SCHEMA IF NOT EXISTS city;
CREATE SCHEMA IF NOT EXISTS city_stage;

COMMENT ON SCHEMA gis IS 'Catalogue, changesets, accounts and audit of the city''s layers';
COMMENT ON SCHEMA city IS 'Two tables per layer: the present belief, and <layer>_past, the closed one';
COMMENT ON SCHEMA city_stage IS 'Rows on their way in, per layer and batch; unlogged';

CREATE SEQUENCE IF NOT EXISTS gis.fid;
CREATE SEQUENCE IF NOT EXISTS gis.version;
CREATE SEQUENCE IF NOT EXISTS gis.batch;

CREATE TABLE IF NOT EXISTS gis.city (
  only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
  definition jsonb NOT NULL,
  storage_srid integer NOT NULL,
  projected_srid integer NOT NULL,
  extent geometry NOT NULL
);

CREATE TABLE IF NOT EXISTS gis.layer_definition (
  layer text NOT NULL,
  version integer NOT NULL,
  definition jsonb NOT NULL,
  written json NOT NULL,            -- the same as it was written: jsonb forgets the order of codes
  applied_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  is_present boolean NOT NULL DEFAULT true,
  PRIMARY KEY (layer, version)
);
CREATE UNIQUE INDEX IF NOT EXISTS layer_definition_present ON gis.layer_definition (layer) WHERE is_present;

-- Counts every change of the catalogue, so that a process knows cheaply whether its own copy is still true.
CREATE TABLE IF NOT EXISTS gis.catalogue_state (
  only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
  version bigint NOT NULL
);
INSERT INTO gis.catalogue_state (version) VALUES (0) ON CONFLICT DO NOTHING;

CREATE TABLE IF NOT EXISTS gis.code_scheme (
  scheme text PRIMARY KEY,
  definition jsonb NOT NULL
);

CREATE TABLE IF NOT EXISTS gis.changeset (
  seq bigint PRIMARY KEY,
  recorded_at timestamptz NOT NULL,
  actor text NOT NULL,
  reason text,
  kind text NOT NULL DEFAULT 'edit' CHECK (kind IN ('edit', 'import', 'demo', 'job', 'undo')),
  source jsonb,
  undoes bigint REFERENCES gis.changeset
);
CREATE INDEX IF NOT EXISTS changeset_recorded_at ON gis.changeset (recorded_at);
CREATE INDEX IF NOT EXISTS changeset_undoes ON gis.changeset (undoes) WHERE undoes IS NOT NULL;

-- What a changeset touched in one layer: the envelope (CRS84) and the span of valid time of all it added and closed.
CREATE TABLE IF NOT EXISTS gis.changeset_layer (
  seq bigint NOT NULL REFERENCES gis.changeset,
  layer text NOT NULL,
  added bigint NOT NULL,
  closed bigint NOT NULL,
  envelope geometry(Polygon, 4326),
  valid tstzrange,
  PRIMARY KEY (seq, layer)
);

CREATE TABLE IF NOT EXISTS gis.lineage_event (
  event_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  seq bigint NOT NULL REFERENCES gis.changeset,
  kind text NOT NULL CHECK (kind IN ('split', 'merge', 'adjust', 'renumber', 'transfer', 'build', 'rebuild', 'demolish')),
  at timestamptz,
  at_precision "char" NOT NULL DEFAULT 's',
  undone_by bigint REFERENCES gis.changeset
);
CREATE INDEX IF NOT EXISTS lineage_event_seq ON gis.lineage_event (seq);

CREATE TABLE IF NOT EXISTS gis.lineage_edge (
  event_id bigint NOT NULL REFERENCES gis.lineage_event,
  side text NOT NULL CHECK (side IN ('predecessor', 'successor')),
  layer text NOT NULL,
  fid bigint NOT NULL,
  PRIMARY KEY (event_id, side, layer, fid)
);
CREATE INDEX IF NOT EXISTS lineage_edge_feature ON gis.lineage_edge (fid, layer);
