-- Undo by inverse changeset, the difference of two moments, and lineage.

-- Undo a changeset: what it added is closed, what it closed stands again. Raises GS409 with the later edits that depend on it.
CREATE OR REPLACE FUNCTION gis.undo_changeset(p_target bigint, p_actor text, p_reason text, p_audience text DEFAULT 'owner')
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  v_seq bigint := gis.open_changeset(p_actor, p_reason, 'undo', NULL, p_target);
  v_layers text[] := ARRAY(SELECT layer FROM gis.changeset_layer WHERE seq = p_target);
  v_layer text;
  v_some jsonb;
  v_dependents jsonb := '[]';
  v_faults jsonb := '[]';
BEGIN
  IF EXISTS (SELECT FROM gis.changeset WHERE undoes = p_target AND seq < v_seq
             AND NOT EXISTS (SELECT FROM gis.changeset u WHERE u.undoes = gis.changeset.seq)) THEN
    PERFORM gis.refuse('GS409', 'already undone', (SELECT jsonb_agg(jsonb_build_object('seq', seq)) FROM gis.changeset WHERE undoes = p_target AND seq < v_seq));
  END IF;
  FOREACH v_layer IN ARRAY v_layers LOOP
    EXECUTE format(
      'SELECT coalesce(jsonb_agg(DISTINCT jsonb_build_object(''layer'', %1$L, ''fid'', fid, ''seq'', seq)), ''[]'')
       FROM (SELECT fid, seq_to AS seq FROM city.%2$I WHERE seq_from = $1
             UNION ALL
             -- Something later took the time that would be given back.
             SELECT c.fid, c.seq_from FROM city.%2$I p JOIN city.%1$I c ON c.fid = p.fid AND c.valid && p.valid AND c.seq_from > $1
             WHERE p.seq_to = $1) d', v_layer, v_layer || '_past') INTO v_some USING p_target;
    v_dependents := v_dependents || v_some;
    IF p_audience <> 'owner' THEN
      EXECUTE format(
        'SELECT coalesce(jsonb_agg(gis.fault(''forbidden'', ''you may not edit this feature'', %1$L, NULL, c.fid)), ''[]'')
         FROM (SELECT c.fid, %3$s AS reach FROM city.%1$I c WHERE c.seq_from = $1
               -- What the changeset closed would stand again.
               UNION SELECT c.fid, %3$s FROM city.%2$I c WHERE c.seq_to = $1) c WHERE NOT gis.may_edit($2, %1$L, c.reach)',
        v_layer, v_layer || '_past', coalesce(gis.reach_of(gis.layer_json(v_layer), 'c.'), 'NULL'))
        INTO v_some USING p_target, p_audience;
      v_faults := v_faults || v_some;
    END IF;
  END LOOP;
  IF v_dependents <> '[]' THEN
    PERFORM gis.refuse('GS409', 'later edits depend on it', v_dependents);
  END IF;
  IF v_faults <> '[]' THEN
    PERFORM gis.refuse('GS422', 'checks are broken', v_faults);
  END IF;
  FOREACH v_layer IN ARRAY v_layers LOOP
    PERFORM gis.archive(v_layer, v_seq, 'c.seq_from = $2', p_target);
    EXECUTE format(
      'INSERT INTO city.%1$I (version_id, fid, valid, begin_precision, end_precision, seq_from, %3$s)
       SELECT nextval(''gis.version''), fid, valid, begin_precision, end_precision, $1, %3$s FROM city.%2$I WHERE seq_to = $2',
      v_layer, v_layer || '_past', gis.content_columns(v_layer)) USING v_seq, p_target;
  END LOOP;
  UPDATE gis.lineage_event SET undone_by = v_seq WHERE seq = p_target AND undone_by IS NULL;
  -- Undoing an undo brings its lineage back.
  UPDATE gis.lineage_event SET undone_by = NULL WHERE undone_by = p_target;
  PERFORM gis.finish_changeset(v_seq, v_layers, NULL);
  RETURN v_seq;
END $$;

-- What differs between two moments of valid time: (fid, change, before, after); columns are those the caller may read.
-- Runs with the caller's rights, so that row policies and column grants hold.
CREATE OR REPLACE FUNCTION gis.difference(p_layer text, p_columns text[], p_from timestamptz, p_to timestamptz, p_limit integer DEFAULT 1000)
RETURNS TABLE (fid bigint, change text, before jsonb, after jsonb, place jsonb) LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_pairs text := coalesce((SELECT string_agg(format('%L, x.%I', c, c), ', ') FROM unnest(p_columns) c), '');
  v_side text;
BEGIN
  v_side := format('SELECT x.fid, x.version_id, jsonb_build_object(%s) AS content, %s AS geom FROM city.%I x WHERE x.valid @> ',
                   v_pairs, CASE WHEN gis.is_spatial(p_layer) THEN 'x.geom' ELSE 'NULL::geometry' END, p_layer);
  RETURN QUERY EXECUTE format(
    'SELECT coalesce(a.fid, b.fid), CASE WHEN a.fid IS NULL THEN ''built'' WHEN b.fid IS NULL THEN ''ended'' ELSE ''changed'' END,
            a.content, b.content, gis.place_of(coalesce(b.geom, a.geom))
     FROM (%1$s $1) a FULL JOIN (%1$s $2) b ON a.fid = b.fid
     WHERE a.fid IS NULL OR b.fid IS NULL OR (a.version_id <> b.version_id AND (a.content <> b.content OR NOT a.geom ~= b.geom OR ST_AsBinary(a.geom) <> ST_AsBinary(b.geom)))
     ORDER BY 1 LIMIT $3', v_side) USING p_from, p_to, p_limit;
END $$;

-- The events and edges within some steps of a feature, forwards and backwards.
CREATE OR REPLACE FUNCTION gis.lineage_of(p_fid bigint, p_depth integer DEFAULT 10)
RETURNS TABLE (event_id bigint, kind text, at timestamptz, at_precision "char", seq bigint, side text, layer text, fid bigint)
LANGUAGE sql STABLE AS $$
  WITH RECURSIVE walk (fid, direction, depth) AS (
    VALUES (p_fid, 'back', 0), (p_fid, 'on', 0)
    UNION
    SELECT o.fid, w.direction, w.depth + 1
    FROM walk w
    JOIN gis.lineage_edge e ON e.fid = w.fid AND e.side = CASE w.direction WHEN 'back' THEN 'successor' ELSE 'predecessor' END
    JOIN gis.lineage_event v ON v.event_id = e.event_id AND v.undone_by IS NULL
    JOIN gis.lineage_edge o ON o.event_id = e.event_id AND o.side <> e.side
    WHERE w.depth < p_depth
  )
  SELECT v.event_id, v.kind, v.at, v.at_precision, v.seq, e.side, e.layer, e.fid
  FROM gis.lineage_event v JOIN gis.lineage_edge e USING (event_id)
  WHERE v.undone_by IS NULL AND v.event_id IN (
    SELECT e2.event_id FROM walk w JOIN gis.lineage_edge e2 ON e2.fid = w.fid)
  ORDER BY v.at NULLS FIRST, v.event_id, e.side, e.fid
$$;
