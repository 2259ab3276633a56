-- Files of coverages (imagery, elevation): which raster shows a layer over which time, and since when that is known.

CREATE TABLE IF NOT EXISTS gis.coverage_file (
  file_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  layer text NOT NULL,
  path text NOT NULL,                       -- below the city's own folder; what is in a file never changes
  valid tstzrange NOT NULL CHECK (NOT isempty(valid)),
  envelope geometry(Polygon, 4326) NOT NULL,
  facts jsonb NOT NULL,
  seq_from bigint NOT NULL REFERENCES gis.changeset,
  seq_to bigint REFERENCES gis.changeset
);
CREATE INDEX IF NOT EXISTS coverage_file_layer ON gis.coverage_file (layer, seq_from);
COMMENT ON TABLE gis.coverage_file IS 'Rasters of coverage layers, on both axes of time';

-- Note what a changeset did to the files of a coverage and wake whoever listens.
CREATE OR REPLACE FUNCTION gis.note_coverage(p_seq bigint) RETURNS void LANGUAGE sql AS $$
  INSERT INTO gis.changeset_layer (seq, layer, added, closed, envelope, valid)
  SELECT p_seq, layer, count(*) FILTER (WHERE seq_from = p_seq), count(*) FILTER (WHERE seq_to = p_seq),
         gis.as_polygon(ST_SetSRID(ST_Extent(envelope)::geometry, 4326)), range_merge(range_agg(valid))
  FROM gis.coverage_file WHERE seq_from = p_seq OR seq_to = p_seq GROUP BY layer;
  SELECT pg_notify('gis_changeset', p_seq::text)
$$;

-- Add a file to a coverage and withdraw those that it replaces, as one changeset; give its number.
CREATE OR REPLACE FUNCTION gis.add_coverage_file(p_layer text, p_path text, p_valid tstzrange, p_envelope geometry, p_facts jsonb,
                                                 p_replaces bigint[], p_actor text, p_reason text, p_source jsonb)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  v_seq bigint := gis.open_changeset(p_actor, p_reason, 'import', p_source);
BEGIN
  UPDATE gis.coverage_file SET seq_to = v_seq WHERE layer = p_layer AND file_id = ANY (p_replaces) AND seq_to IS NULL;
  INSERT INTO gis.coverage_file (layer, path, valid, envelope, facts, seq_from)
  VALUES (p_layer, p_path, p_valid, p_envelope, p_facts, v_seq);
  PERFORM gis.note_coverage(v_seq);
  RETURN v_seq;
END $$;

-- Withdraw files of a coverage: they are shown no more, and stay known to have been shown. NULL where none was there.
CREATE OR REPLACE FUNCTION gis.withdraw_coverage_files(p_layer text, p_files bigint[], p_actor text, p_reason text)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  v_seq bigint;
BEGIN
  IF NOT EXISTS (SELECT FROM gis.coverage_file WHERE layer = p_layer AND file_id = ANY (p_files) AND seq_to IS NULL) THEN
    RETURN NULL;
  END IF;
  v_seq := gis.open_changeset(p_actor, p_reason, 'edit');
  UPDATE gis.coverage_file SET seq_to = v_seq WHERE layer = p_layer AND file_id = ANY (p_files) AND seq_to IS NULL;
  PERFORM gis.note_coverage(v_seq);
  RETURN v_seq;
END $$;

-- Undo a changeset of files: what it added is withdrawn, what it withdrew is shown again. Raises GS409 where later ones stand on it.
CREATE OR REPLACE FUNCTION gis.undo_coverage_changeset(p_target bigint, p_actor text, p_reason text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  v_seq bigint := gis.open_changeset(p_actor, p_reason, 'undo', NULL, p_target);
  v_dependents jsonb := (
    SELECT coalesce(jsonb_agg(DISTINCT jsonb_build_object('seq', seq)), '[]')
    FROM (SELECT seq_to AS seq FROM gis.coverage_file WHERE seq_from = p_target AND seq_to IS NOT NULL
          UNION ALL SELECT c.seq FROM gis.changeset c WHERE c.undoes = p_target AND c.seq < v_seq
                    AND NOT EXISTS (SELECT FROM gis.changeset u WHERE u.undoes = c.seq)) later);
BEGIN
  IF v_dependents <> '[]' THEN
    PERFORM gis.refuse('GS409', 'later edits depend on it', v_dependents);
  END IF;
  UPDATE gis.coverage_file SET seq_to = v_seq WHERE seq_from = p_target;
  INSERT INTO gis.coverage_file (layer, path, valid, envelope, facts, seq_from)
  SELECT layer, path, valid, envelope, facts, v_seq FROM gis.coverage_file WHERE seq_to = p_target ORDER BY file_id;
  PERFORM gis.note_coverage(v_seq);
  RETURN v_seq;
END $$;

-- The files that show a coverage at a moment, or at any moment of an interval, as known at a changeset; the topmost first: the
-- newest picture lies on top, of two of one time the one that came later.
CREATE OR REPLACE FUNCTION gis.coverage_files(p_layer text, p_during tstzrange, p_known bigint)
RETURNS SETOF gis.coverage_file LANGUAGE sql STABLE AS $$
  SELECT * FROM gis.coverage_file
  WHERE layer = p_layer AND valid && coalesce(p_during, tstzrange(now(), now(), '[]'))
    AND CASE WHEN p_known IS NULL THEN seq_to IS NULL ELSE seq_from <= p_known AND (seq_to IS NULL OR seq_to > p_known) END
  ORDER BY lower(valid) DESC NULLS LAST, file_id DESC
$$;
