-- What holds between layers in time: references, cascades, topology rules. Checked on what a changeset wrote.

-- The references that point at a layer: (layer, field, on_retire, part_of).
CREATE OR REPLACE FUNCTION gis.references_to(p_layer text)
RETURNS TABLE (layer text, field text, on_retire text) LANGUAGE sql STABLE AS $$
  SELECT d.layer, f ->> 'name', coalesce(f ->> 'on_retire', 'restrict')
  FROM gis.layer_definition d, jsonb_array_elements(d.definition -> 'fields') f
  WHERE d.is_present AND f ->> 'references' = p_layer
$$;

-- Features that are a part of something that ended, end with it. Returns the further layers this touched.
CREATE OR REPLACE FUNCTION gis.cascade(p_seq bigint, p_layers text[]) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
  v_queue text[] := p_layers;
  v_touched text[] := '{}';
  v_parent text;
  v_child record;
  v_count bigint;
BEGIN
  WHILE cardinality(v_queue) > 0 LOOP
    v_parent := v_queue[1];
    v_queue := v_queue[2:];
    FOR v_child IN SELECT * FROM gis.references_to(v_parent) WHERE on_retire = 'cascade' LOOP
      -- Only children whose parent was closed by this changeset and whose own time now reaches beyond it.
      v_count := gis.archive(v_child.layer, p_seq, format(
        'c.%1$I IN (SELECT fid FROM city.%2$I WHERE seq_to = $1)
         AND NOT tstzmultirange(c.valid) <@ coalesce((SELECT range_agg(p.valid) FROM city.%3$I p WHERE p.fid = c.%1$I), ''{}'')',
        v_child.field, v_parent || '_past', v_parent), NULL);
      IF v_count > 0 THEN
        EXECUTE format(
          'INSERT INTO city.%1$I (version_id, fid, valid, begin_precision, end_precision, seq_from, %4$s)
           SELECT nextval(''gis.version''), p.fid, piece, p.begin_precision,
                  CASE WHEN upper(piece) IS NOT DISTINCT FROM upper(p.valid) THEN p.end_precision
                       ELSE coalesce((SELECT x.end_precision FROM city.%3$I x WHERE x.fid = p.%6$I AND upper(x.valid) = upper(piece) LIMIT 1), ''s'') END,
                  $1, %5$s
           FROM city.%2$I p, LATERAL unnest(tstzmultirange(p.valid) * coalesce(
             (SELECT range_agg(x.valid) FROM city.%3$I x WHERE x.fid = p.%6$I), ''{}'')) piece
           WHERE p.seq_to = $1 AND NOT EXISTS (SELECT FROM city.%1$I c WHERE c.fid = p.fid AND c.seq_from = $1)
             AND p.%6$I IN (SELECT fid FROM city.%7$I WHERE seq_to = $1)',
          v_child.layer, v_child.layer || '_past', v_parent, gis.content_columns(v_child.layer),
          gis.content_columns(v_child.layer, 'p.'), v_child.field, v_parent || '_past') USING p_seq;
        v_touched := v_touched || v_child.layer;
        v_queue := v_queue || v_child.layer;
      END IF;
    END LOOP;
  END LOOP;
  RETURN ARRAY(SELECT DISTINCT l FROM unnest(v_touched) l WHERE l <> ALL (p_layers));
END $$;

-- Faults of references: what a new version refers to must exist for all of its time (with 'keep': at some time);
-- what was closed must not leave anything behind that refers to it.
CREATE OR REPLACE FUNCTION gis.check_references(p_layer text, p_seq bigint, p_batch bigint) RETURNS SETOF jsonb LANGUAGE plpgsql AS $$
DECLARE
  v_field jsonb;
  v_child record;
  v_row text := format('(SELECT s.ord FROM city_stage.%I s WHERE s.batch = $2 AND s.fid = c.fid LIMIT 1)', p_layer);
BEGIN
  FOR v_field IN SELECT f FROM jsonb_array_elements(gis.layer_json(p_layer) -> 'fields') f WHERE f ? 'references' LOOP
    IF gis.layer_json(v_field ->> 'references') IS NULL THEN CONTINUE; END IF;
    RETURN QUERY EXECUTE format(
      'SELECT gis.fault(''reference'', format(''%%s refers to %%s %%s, which %%s'', %1$L, %3$L, c.%2$I,
                        CASE WHEN p.spans IS NULL THEN ''does not exist'' ELSE ''does not exist at all of that time'' END),
                        %4$L, %5$s, c.fid, %1$L)
       FROM city.%4$I c LEFT JOIN (SELECT fid, range_agg(valid) AS spans FROM city.%3$I
                                   WHERE fid IN (SELECT %2$I FROM city.%4$I WHERE seq_from = $1) GROUP BY fid) p ON p.fid = c.%2$I
       WHERE c.seq_from = $1 AND c.%2$I IS NOT NULL AND (p.spans IS NULL OR (%6$L <> ''keep'' AND NOT c.valid <@ p.spans))',
      v_field ->> 'name', v_field ->> 'name', v_field ->> 'references', p_layer, v_row,
      coalesce(v_field ->> 'on_retire', 'restrict')) USING p_seq, p_batch;
  END LOOP;
  FOR v_child IN SELECT * FROM gis.references_to(p_layer) WHERE on_retire = 'restrict' LOOP
    RETURN QUERY EXECUTE format(
      'SELECT gis.fault(''referred'', format(''%%s %%s still refers to it by %%s'', %1$L, x.fid, %2$L), %3$L, %5$s, c.fid, NULL)
       FROM (SELECT DISTINCT fid FROM city.%4$I WHERE seq_to = $1) c
       JOIN city.%1$I x ON x.%2$I = c.fid AND x.seq_from < $1
       WHERE NOT x.valid <@ coalesce((SELECT range_agg(p.valid) FROM city.%3$I p WHERE p.fid = c.fid), ''{}'')',
      v_child.layer, v_child.field, p_layer, p_layer || '_past', v_row) USING p_seq, p_batch;
  END LOOP;
END $$;

-- Faults of the rules of shapes, over what the changeset wrote against all that holds at the same time.
CREATE OR REPLACE FUNCTION gis.check_rules(p_layer text, p_seq bigint, p_batch bigint) RETURNS SETOF jsonb LANGUAGE plpgsql AS $$
DECLARE
  v_rule jsonb;
  v_srid integer := (SELECT projected_srid FROM gis.city);
  v_via jsonb;
  v_row text := format('(SELECT s.ord FROM city_stage.%I s WHERE s.batch = $2 AND s.fid = a.fid LIMIT 1)', p_layer);
BEGIN
  FOR v_rule IN SELECT r FROM jsonb_array_elements(gis.layer_json(p_layer) -> 'rules') r LOOP
    IF v_rule ->> 'kind' = 'no_overlap' THEN
      RETURN QUERY EXECUTE format(
        'SELECT gis.fault(''overlap'', format(''overlaps feature %%s by %%s m2'', b.fid, round(x.area_m2::numeric, 2)), %1$L, %2$s, a.fid,
                          ''geometry'', gis.place_of(x.part))
         FROM city.%1$I a JOIN city.%1$I b ON b.geom && a.geom AND b.valid && a.valid AND b.fid <> a.fid AND (b.seq_from < $1 OR a.fid < b.fid),
         LATERAL (SELECT part, ST_Area(ST_Transform(part, $3)) AS area_m2 FROM ST_Intersection(a.geom, b.geom) part WHERE ST_Dimension(part) = 2) x
         WHERE a.seq_from = $1 AND ST_Intersects(a.geom, b.geom) AND NOT ST_Touches(a.geom, b.geom) AND x.area_m2 > $4',
        p_layer, v_row) USING p_seq, p_batch, v_srid, coalesce((v_rule ->> 'tolerance_m2')::float8, 1);
    ELSIF v_rule ->> 'kind' = 'within' THEN
      SELECT f INTO v_via FROM jsonb_array_elements(gis.layer_json(p_layer) -> 'fields') f WHERE f ->> 'name' = v_rule ->> 'via';
      RETURN QUERY EXECUTE format(
        'SELECT gis.fault(''not_within'', format(''reaches %%s m2 beyond %%s %%s'', round(x.area_m2::numeric, 2), %3$L, b.fid), %1$L, %2$s, a.fid,
                          ''geometry'', gis.place_of(x.part))
         FROM city.%1$I a JOIN city.%3$I b ON b.fid = a.%4$I AND b.valid && a.valid,
         LATERAL (SELECT part, ST_Area(ST_Transform(part, $3)) AS area_m2 FROM ST_Difference(a.geom, b.geom) part WHERE NOT ST_IsEmpty(part)) x
         WHERE a.seq_from = $1 AND NOT ST_CoveredBy(a.geom, b.geom) AND x.area_m2 > $4',
        p_layer, v_row, v_via ->> 'references', v_rule ->> 'via')
        USING p_seq, p_batch, v_srid, coalesce((v_rule ->> 'tolerance_m2')::float8, 1);
    ELSIF v_rule ->> 'kind' = 'surfaces' THEN
      RETURN QUERY SELECT f FROM gis.check_surface_places(p_layer, p_seq, p_batch, v_rule) f;
    END IF;
  END LOOP;
END $$;
