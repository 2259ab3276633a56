-- Writing: a staged batch becomes one changeset. Versions are split, closed and moved here and nowhere else.
--
-- Operations of a stage row: 'n' new feature; 'p' put: this holds from lower(span) until the next change that is known
-- (so planned futures stay); 'c' correct: this held over exactly span; 'r' retire: nothing holds over span.

-- Give a stage row its district: from its own geometry, or from what it is a part of.
CREATE OR REPLACE FUNCTION gis.stamp_districts(p_layer text, p_batch bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_layer jsonb := gis.layer_json(p_layer);
  v_field text := v_layer ->> 'district';
  v_parent jsonb;
  v_parent_district text;
BEGIN
  IF v_field IS NULL THEN RETURN; END IF;
  SELECT f INTO v_parent FROM jsonb_array_elements(v_layer -> 'fields') f
  WHERE (f ->> 'part_of')::boolean LIMIT 1;
  v_parent_district := gis.layer_json(v_parent ->> 'references') ->> 'district';
  IF v_parent_district IS NOT NULL THEN
    -- The parent may arrive in the same batch.
    EXECUTE format(
      'UPDATE city_stage.%1$I s SET %2$I = coalesce(
         (SELECT x.%3$I FROM city_stage.%4$I x WHERE x.batch = $1 AND x.fid = s.%5$I AND x.%3$I IS NOT NULL LIMIT 1),
         (SELECT x.%3$I FROM city.%4$I x WHERE x.fid = s.%5$I AND x.%3$I IS NOT NULL ORDER BY x.valid DESC LIMIT 1))
       WHERE s.batch = $1 AND s.%2$I IS NULL AND s.op <> ''r''',
      p_layer, v_field, v_parent_district, v_parent ->> 'references', v_parent ->> 'name') USING p_batch;
  END IF;
  IF gis.is_spatial(p_layer) AND p_layer <> 'district' AND gis.layer_json('district') ->> 'district' IS NOT NULL THEN
    EXECUTE format(
      'UPDATE city_stage.%1$I s SET %2$I =
         (SELECT d.%3$I FROM city.district d WHERE d.geom && s.geom AND d.valid @> coalesce(least(now(), upper(s.span) - interval ''1 second''), now())
            AND ST_Intersects(d.geom, ST_PointOnSurface(s.geom)) LIMIT 1)
       WHERE s.batch = $1 AND s.%2$I IS NULL AND s.op <> ''r'' AND s.geom IS NOT NULL AND ST_IsValid(s.geom)',
      p_layer, v_field, gis.layer_json('district') ->> 'district') USING p_batch;
  END IF;
END $$;

-- Let every 'put' hold until the next change that is known.
CREATE OR REPLACE FUNCTION gis.resolve_spans(p_layer text, p_batch bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format(
    'UPDATE city_stage.%1$I s SET (span, end_precision) = (SELECT tstzrange(lower(s.span), n.until), coalesce(n.precision, ''s'')
       FROM (SELECT 1) one LEFT JOIN LATERAL
         (SELECT CASE WHEN c.valid @> lower(s.span) THEN upper(c.valid) ELSE lower(c.valid) END AS until,
                 CASE WHEN c.valid @> lower(s.span) THEN c.end_precision ELSE c.begin_precision END AS precision
          FROM city.%1$I c WHERE c.fid = s.fid AND c.valid && tstzrange(lower(s.span), NULL) ORDER BY c.valid LIMIT 1) n ON true)
     WHERE s.batch = $1 AND s.op = ''p'' AND upper_inf(s.span)', p_layer) USING p_batch;
END $$;

-- The rows of a batch whose expected version no longer stands: {layer, fid, expected, current}.
CREATE OR REPLACE FUNCTION gis.conflicts(p_layer text, p_batch bigint) RETURNS SETOF jsonb LANGUAGE plpgsql AS $$
BEGIN
  RETURN QUERY EXECUTE format(
    'SELECT jsonb_build_object(''layer'', %1$L, ''fid'', s.fid, ''expected'', s.expected_version, ''current'',
       (SELECT c.version_id FROM city.%1$I c WHERE c.fid = s.fid
        ORDER BY c.valid @> lower(s.span) DESC, c.valid DESC LIMIT 1))
     FROM city_stage.%1$I s WHERE s.batch = $1 AND s.expected_version IS NOT NULL
       AND NOT EXISTS (SELECT FROM city.%1$I c WHERE c.fid = s.fid AND c.version_id = s.expected_version)
       AND EXISTS (SELECT FROM city.%1$I c WHERE c.fid = s.fid
                   UNION ALL SELECT FROM city.%2$I c WHERE c.fid = s.fid)
     ORDER BY s.ord', p_layer, p_layer || '_past') USING p_batch;
END $$;

-- Move present rows into the closed past. `p_which` is a condition over `c`, a row of the present table, and $1, $2.
CREATE OR REPLACE FUNCTION gis.archive(p_layer text, p_seq bigint, p_which text, p_arg bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  v_count bigint;
BEGIN
  EXECUTE format(
    'INSERT INTO city.%1$I (version_id, fid, valid, begin_precision, end_precision, seq_from, seq_to, %2$s)
     SELECT c.version_id, c.fid, c.valid, c.begin_precision, c.end_precision, c.seq_from, $1, %3$s
     FROM city.%4$I c WHERE c.seq_from < $1 AND (%5$s)',
    p_layer || '_past', gis.content_columns(p_layer), gis.content_columns(p_layer, 'c.'), p_layer, p_which) USING p_seq, p_arg;
  GET DIAGNOSTICS v_count = ROW_COUNT;
  IF v_count > 0 THEN
    EXECUTE format('DELETE FROM city.%I c USING city.%I p WHERE p.seq_to = $1 AND c.version_id = p.version_id',
                   p_layer, p_layer || '_past') USING p_seq;
  END IF;
  RETURN v_count;
END $$;

-- Write a checked batch into one layer under an open changeset.
CREATE OR REPLACE FUNCTION gis.apply_batch(p_layer text, p_batch bigint, p_seq bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_closed bigint;
BEGIN
  v_closed := gis.archive(p_layer, p_seq, format(
    'EXISTS (SELECT FROM city_stage.%I s WHERE s.batch = $2 AND s.op <> ''n'' AND s.fid = c.fid AND s.span && c.valid)', p_layer), p_batch);
  IF v_closed > 0 THEN
    -- What remains of a version outside the spans that were cut keeps its content, and its precision at its own ends.
    EXECUTE format(
      'INSERT INTO city.%1$I (version_id, fid, valid, begin_precision, end_precision, seq_from, %3$s)
       SELECT nextval(''gis.version''), p.fid, piece,
              CASE WHEN lower(piece) IS NOT DISTINCT FROM lower(p.valid) THEN p.begin_precision
                   ELSE (SELECT s.end_precision FROM city_stage.%1$I s WHERE s.batch = $2 AND s.fid = p.fid AND upper(s.span) = lower(piece) LIMIT 1) END,
              CASE WHEN upper(piece) IS NOT DISTINCT FROM upper(p.valid) THEN p.end_precision
                   ELSE (SELECT s.begin_precision FROM city_stage.%1$I s WHERE s.batch = $2 AND s.fid = p.fid AND lower(s.span) = upper(piece) LIMIT 1) END,
              $1, %4$s
       FROM city.%2$I p
       JOIN (SELECT fid, range_agg(span) AS spans FROM city_stage.%1$I WHERE batch = $2 GROUP BY fid) cut USING (fid),
       LATERAL unnest(tstzmultirange(p.valid) - cut.spans) piece
       WHERE p.seq_to = $1',
      p_layer, p_layer || '_past', gis.content_columns(p_layer), gis.content_columns(p_layer, 'p.')) USING p_seq, p_batch;
  END IF;
  -- In the order of the geometry (PostGIS sorts along a Hilbert curve), so that neighbours share pages.
  EXECUTE format(
    'INSERT INTO city.%1$I (version_id, fid, valid, begin_precision, end_precision, seq_from, %2$s)
     SELECT nextval(''gis.version''), fid, span, begin_precision, end_precision, $1, %2$s
     FROM (SELECT * FROM city_stage.%1$I WHERE batch = $2 AND op <> ''r'' ORDER BY %3$s) s',
    p_layer, gis.content_columns(p_layer), CASE WHEN gis.is_spatial(p_layer) THEN 'geom, ord' ELSE 'ord' END) USING p_seq, p_batch;
END $$;

-- The layers of a list, what is referred to before what refers to it.
CREATE OR REPLACE FUNCTION gis.in_reference_order(p_layers text[]) RETURNS text[] LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_done text[] := '{}';
  v_next text[];
BEGIN
  LOOP
    SELECT array_agg(l ORDER BY l) INTO v_next FROM unnest(p_layers) l
    WHERE l <> ALL (v_done) AND NOT EXISTS (
      SELECT FROM jsonb_array_elements(gis.layer_json(l) -> 'fields') f
      WHERE f ->> 'references' = ANY (p_layers) AND f ->> 'references' <> l AND f ->> 'references' <> ALL (v_done));
    IF v_next IS NULL THEN
      -- A circle of references (a project names its parcel, a parcel its project) has no order; any will do.
      RETURN v_done || ARRAY(SELECT l FROM unnest(p_layers) l WHERE l <> ALL (v_done) ORDER BY l);
    END IF;
    v_done := v_done || v_next;
  END LOOP;
END $$;

CREATE OR REPLACE FUNCTION gis.refuse(p_state text, p_message text, p_detail jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '%', p_message USING ERRCODE = p_state, DETAIL = p_detail::text;
END $$;

-- Make a staged batch one changeset. Raises GS412 (conflicts) or GS422 (faults) with the list in DETAIL; then nothing is written.
-- p_lineage: [{"kind", "at", "precision", "predecessors": [[layer, fid]…], "successors": [[layer, fid]…]}]
CREATE OR REPLACE FUNCTION gis.apply_changeset(p_batch bigint, p_layers text[], p_actor text, p_reason text, p_kind text DEFAULT 'edit',
                                               p_source jsonb DEFAULT NULL, p_audience text DEFAULT 'owner',
                                               p_lineage jsonb DEFAULT '[]', p_limit integer DEFAULT 1000)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  v_seq bigint := gis.open_changeset(p_actor, p_reason, p_kind, p_source);
  v_layers text[] := gis.in_reference_order(p_layers);
  v_layer text;
  v_conflicts jsonb := '[]';
  v_faults jsonb := '[]';
  v_some jsonb;
BEGIN
  FOREACH v_layer IN ARRAY v_layers LOOP
    PERFORM gis.resolve_spans(v_layer, p_batch);
    PERFORM gis.stamp_districts(v_layer, p_batch);
    SELECT coalesce(jsonb_agg(c), '[]') INTO v_some FROM gis.conflicts(v_layer, p_batch) c;
    v_conflicts := v_conflicts || v_some;
    SELECT coalesce(jsonb_agg(f), '[]') INTO v_some
    FROM (SELECT f FROM gis.check_batch(v_layer, p_batch, p_audience) f LIMIT p_limit) x;
    v_faults := v_faults || v_some;
  END LOOP;
  IF v_conflicts <> '[]' THEN
    PERFORM gis.refuse('GS412', 'changed by somebody else', v_conflicts);
  END IF;
  IF v_faults <> '[]' THEN
    PERFORM gis.refuse('GS422', 'checks are broken', v_faults);
  END IF;
  FOREACH v_layer IN ARRAY v_layers LOOP
    PERFORM gis.apply_batch(v_layer, p_batch, v_seq);
  END LOOP;
  PERFORM gis.record_lineage(v_seq, p_lineage);
  PERFORM gis.finish_changeset(v_seq, v_layers, p_batch, p_limit);
  FOREACH v_layer IN ARRAY v_layers LOOP
    EXECUTE format('DELETE FROM city_stage.%I WHERE batch = $1', v_layer) USING p_batch;
  END LOOP;
  RETURN v_seq;
END $$;

-- What every changeset ends with: children follow their parents, ends and rules are checked, readers are told.
CREATE OR REPLACE FUNCTION gis.finish_changeset(p_seq bigint, p_layers text[], p_batch bigint, p_limit integer DEFAULT 1000)
RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
  v_layers text[] := gis.in_reference_order(p_layers || gis.cascade(p_seq, p_layers));
  v_layer text;
  v_faults jsonb := '[]';
  v_some jsonb;
BEGIN
  FOREACH v_layer IN ARRAY v_layers LOOP
    SELECT coalesce(jsonb_agg(f), '[]') INTO v_some
    FROM (SELECT f FROM gis.check_references(v_layer, p_seq, p_batch) f
          UNION ALL SELECT f FROM gis.check_rules(v_layer, p_seq, p_batch) f LIMIT p_limit) x;
    v_faults := v_faults || v_some;
  END LOOP;
  IF v_faults <> '[]' THEN
    PERFORM gis.refuse('GS422', 'checks are broken', v_faults);
  END IF;
  FOREACH v_layer IN ARRAY v_layers LOOP
    PERFORM gis.note_changes(p_seq, v_layer);
    PERFORM gis.note_cells(p_seq, v_layer);
    PERFORM gis.refresh_search(p_seq, v_layer);
  END LOOP;
  PERFORM pg_notify('gis_changeset', p_seq::text);
  RETURN v_layers;
END $$;

CREATE OR REPLACE FUNCTION gis.record_lineage(p_seq bigint, p_lineage jsonb) RETURNS void LANGUAGE sql AS $$
  WITH given AS (SELECT e, nextval(pg_get_serial_sequence('gis.lineage_event', 'event_id')) AS id
                 FROM jsonb_array_elements(coalesce(p_lineage, '[]')) e),
  event AS (
    INSERT INTO gis.lineage_event (event_id, seq, kind, at, at_precision) OVERRIDING SYSTEM VALUE
    SELECT id, p_seq, e ->> 'kind', (e ->> 'at')::timestamptz, coalesce(e ->> 'precision', 's')::"char" FROM given
    RETURNING event_id)
  INSERT INTO gis.lineage_edge (event_id, side, layer, fid)
  SELECT id, 'predecessor', x ->> 0, (x ->> 1)::bigint FROM given JOIN event ON event_id = id, jsonb_array_elements(e -> 'predecessors') x
  UNION
  SELECT id, 'successor', x ->> 0, (x ->> 1)::bigint FROM given JOIN event ON event_id = id, jsonb_array_elements(e -> 'successors') x
$$;
