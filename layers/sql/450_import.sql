-- Imports: a staged file is compared with what is there, before it becomes one changeset.
--
-- Rows of a file are staged as new features ('n', each with a number of its own). Then, outside the writers' lock: repeated
-- keys are put aside, rows whose key is known become puts of those features, what did not change is dropped, what breaks a
-- check is dropped and reported. Only the rest is written.

-- What one row was refused for, summed up: {"rejected": rows, "counts": [[code, field, rows]…], "faults": the first of them}.
CREATE OR REPLACE FUNCTION gis.sum_faults(p_faults jsonb[], p_examples integer) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
  WITH f AS (SELECT f, f ->> 'row' AS row, f ->> 'code' AS code, coalesce(f ->> 'field', '') AS field FROM unnest(p_faults) f)
  SELECT jsonb_build_object(
    'rejected', (SELECT count(DISTINCT row) FROM f),
    'counts', (SELECT coalesce(jsonb_agg(jsonb_build_array(code, field, n) ORDER BY n DESC, code, field), '[]')
               FROM (SELECT code, field, count(DISTINCT row) AS n FROM f GROUP BY code, field) c),
    'faults', (SELECT coalesce(jsonb_agg(x.f), '[]') FROM (SELECT f.f FROM f ORDER BY f.row::bigint, code LIMIT p_examples) x))
$$;

-- Put aside rows of a batch that have no key, or the key and beginning of an earlier row; returns what sum_faults does.
CREATE OR REPLACE FUNCTION gis.import_keys(p_layer text, p_batch bigint, p_key text, p_examples integer) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  v_faults jsonb[];
BEGIN
  EXECUTE format(
    'WITH numbered AS (SELECT ord, geom_or_null, key, row_number() OVER (PARTITION BY key, lower(span) ORDER BY ord) AS n,
                              min(ord) OVER (PARTITION BY key, lower(span)) AS first
                       FROM (SELECT ord, span, %2$s AS geom_or_null, %3$I::text AS key FROM city_stage.%1$I WHERE batch = $1) s),
     bad AS (SELECT * FROM numbered WHERE key IS NULL OR n > 1),
     gone AS (DELETE FROM city_stage.%1$I s USING bad WHERE s.batch = $1 AND s.ord = bad.ord)
     SELECT array_agg(CASE WHEN key IS NULL
       THEN gis.fault(''key_missing'', format(''%%s is empty, and rows are matched by it'', %4$L), %5$L, ord, NULL, %4$L, gis.place_of(geom_or_null))
       ELSE gis.fault(''key_repeated'', format(''%%s ''''%%s'''' stands in row %%s already'', %4$L, key, first), %5$L, ord, NULL, %4$L, gis.place_of(geom_or_null)) END)
     FROM bad', p_layer, CASE WHEN gis.is_spatial(p_layer) THEN 'geom' ELSE 'NULL::geometry' END, p_key, p_key, p_layer)
    INTO v_faults USING p_batch;
  RETURN gis.sum_faults(v_faults, p_examples);
END $$;

-- Turn rows whose key is known into puts of those features. A key that a file has at several times is one feature.
CREATE OR REPLACE FUNCTION gis.import_match(p_layer text, p_batch bigint, p_key text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format(
    'UPDATE city_stage.%1$I s SET fid = f.fid, span = CASE WHEN f.until IS NULL THEN s.span ELSE tstzrange(lower(s.span), f.until) END,
            end_precision = coalesce(f.until_precision, s.end_precision)
     FROM (SELECT ord, first_value(fid) OVER w AS fid, lead(lower(span)) OVER w AS until, lead(begin_precision) OVER w AS until_precision,
                  count(*) OVER (PARTITION BY %2$I) AS n
           FROM city_stage.%1$I WHERE batch = $1 WINDOW w AS (PARTITION BY %2$I ORDER BY lower(span))) f
     WHERE s.batch = $1 AND s.ord = f.ord AND f.n > 1', p_layer, p_key) USING p_batch;
  -- The version that holds when the row begins is what it is compared with; else the last one known.
  EXECUTE format(
    'UPDATE city_stage.%1$I s SET op = ''p'', fid = m.fid, expected_version = m.version_id
     FROM (SELECT DISTINCT ON (x.ord) x.ord, c.fid, c.version_id FROM city_stage.%1$I x JOIN city.%1$I c ON c.%2$I = x.%2$I
           WHERE x.batch = $1 ORDER BY x.ord, c.valid @> lower(x.span) DESC, c.valid DESC) m
     WHERE s.batch = $1 AND s.ord = m.ord', p_layer, p_key) USING p_batch;
END $$;

-- Stage the end of features that hold at a moment and whose key the file does not have. `p_known` are keys of rows that were
-- refused: they are in the file. Returns {"missing": n, "of": features that hold then}.
CREATE OR REPLACE FUNCTION gis.import_missing(p_layer text, p_batch bigint, p_key text, p_at timestamptz, p_precision text, p_known text[])
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  v_missing bigint;
  v_all bigint;
BEGIN
  EXECUTE format(
    'INSERT INTO city_stage.%1$I (batch, ord, op, fid, span, begin_precision, end_precision, expected_version)
     SELECT $1, (SELECT coalesce(max(ord), 0) FROM city_stage.%1$I WHERE batch = $1) + row_number() OVER (ORDER BY c.fid), ''r'', c.fid,
            tstzrange($2, NULL), $3::"char", ''s'', c.version_id
     FROM city.%1$I c WHERE c.valid @> $2 AND c.%2$I IS NOT NULL AND c.%2$I::text <> ALL ($4)
       AND NOT EXISTS (SELECT FROM city_stage.%1$I s WHERE s.batch = $1 AND s.fid = c.fid)', p_layer, p_key)
    USING p_batch, p_at, p_precision, p_known;
  GET DIAGNOSTICS v_missing = ROW_COUNT;
  EXECUTE format('SELECT count(*) FROM city.%I c WHERE c.valid @> $1', p_layer) INTO v_all USING p_at;
  RETURN jsonb_build_object('missing', v_missing, 'of', v_all);
END $$;

-- Drop rows that say what is known already, and give the others what the file does not speak of. `p_given` are the columns the
-- file speaks of; geometries are the same within `p_same_m` metres. Returns how many rows were dropped.
CREATE OR REPLACE FUNCTION gis.import_compare(p_layer text, p_batch bigint, p_given text[], p_same_m float8) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  v_same text := (SELECT string_agg(format('s.%1$I IS NOT DISTINCT FROM c.%1$I', g), ' AND ') FROM unnest(p_given) g WHERE g <> 'geom');
  v_near text := 'ST_GeometryType(s.geom) = ST_GeometryType(c.geom) AND s.geom && ST_Expand(c.geom, $3) AND ST_HausdorffDistance(ST_Transform(s.geom, $2), ST_Transform(c.geom, $2)) <= $4';
  v_srid integer := (SELECT projected_srid FROM gis.city);
  v_metre float8 := (SELECT CASE WHEN srtext LIKE 'PROJCS%' THEN 1 ELSE 1e-5 END FROM spatial_ref_sys JOIN gis.city ON srid = storage_srid);
  v_other text;
  v_dropped bigint;
BEGIN
  EXECUTE format(
    'DELETE FROM city_stage.%1$I s USING city.%1$I c
     WHERE s.batch = $1 AND s.op = ''p'' AND c.version_id = s.expected_version AND c.valid @> lower(s.span)%2$s%3$s',
    p_layer, ' AND ' || v_same,
    CASE WHEN 'geom' = ANY (p_given) THEN format(' AND (s.geom = c.geom%s)', CASE WHEN p_same_m > 0 THEN ' OR ' || v_near END) END)
    USING p_batch, v_srid, p_same_m * v_metre * 4, p_same_m;
  GET DIAGNOSTICS v_dropped = ROW_COUNT;
  SELECT string_agg(format('%1$I = c.%1$I', attname), ', ') INTO v_other
  FROM pg_attribute WHERE attrelid = format('city.%I', p_layer)::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
    AND attname <> ALL (gis.version_columns() || p_given) OR (attrelid = format('city.%I', p_layer)::regclass AND attname = 'geom' AND 'geom' <> ALL (p_given));
  IF v_other IS NOT NULL THEN
    EXECUTE format('UPDATE city_stage.%1$I s SET %2$s FROM city.%1$I c WHERE s.batch = $1 AND s.op = ''p'' AND c.version_id = s.expected_version',
                   p_layer, v_other) USING p_batch;
  END IF;
  RETURN v_dropped;
END $$;

-- Put aside rows that break a check; returns what sum_faults does.
CREATE OR REPLACE FUNCTION gis.import_check(p_layer text, p_batch bigint, p_audience text, p_examples integer) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  v_faults jsonb[];
BEGIN
  PERFORM gis.stamp_districts(p_layer, p_batch);
  v_faults := ARRAY(SELECT f FROM gis.check_batch(p_layer, p_batch, p_audience) f);
  IF gis.is_spatial(p_layer) THEN
    EXECUTE format('SELECT $2 || coalesce(array_agg(gis.fault(''geometry_missing'', ''a new feature needs a geometry'', %1$L, ord, fid, ''geometry'')), ''{}'')
                    FROM city_stage.%1$I WHERE batch = $1 AND op = ''n'' AND geom IS NULL', p_layer) INTO v_faults USING p_batch, v_faults;
  END IF;
  PERFORM gis.import_drop(p_layer, p_batch, ARRAY(SELECT (f ->> 'row')::bigint FROM unnest(v_faults) f WHERE f ? 'row'));
  RETURN gis.sum_faults(v_faults, p_examples);
END $$;

CREATE OR REPLACE FUNCTION gis.import_drop(p_layer text, p_batch bigint, p_ords bigint[]) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  v_dropped bigint;
BEGIN
  IF cardinality(p_ords) = 0 THEN RETURN 0; END IF;
  EXECUTE format('DELETE FROM city_stage.%I s USING unnest($2) o WHERE s.batch = $1 AND s.ord = o', p_layer) USING p_batch, p_ords;
  GET DIAGNOSTICS v_dropped = ROW_COUNT;
  RETURN v_dropped;
END $$;

-- How many rows of a batch are staged, by operation: {"n": …, "p": …, "r": …}.
CREATE OR REPLACE FUNCTION gis.import_count(p_layer text, p_batch bigint) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  v_counts jsonb;
BEGIN
  EXECUTE format('SELECT coalesce(jsonb_object_agg(op, n), ''{}'') FROM (SELECT op, count(*) AS n FROM city_stage.%I WHERE batch = $1 GROUP BY op) c',
                 p_layer) INTO v_counts USING p_batch;
  RETURN v_counts;
END $$;

-- The features whose field has one of some values, for references that a file gives by a name of its own: {value: fid}.
CREATE OR REPLACE FUNCTION gis.import_references(p_layer text, p_field text, p_values text[], p_at timestamptz) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  v_found jsonb;
BEGIN
  EXECUTE format(
    'SELECT coalesce(jsonb_object_agg(value, fid), ''{}'') FROM (
       SELECT DISTINCT ON (v) v AS value, c.fid FROM unnest($1) v JOIN city.%1$I c ON c.%2$I::text = v ORDER BY v, c.valid @> $2 DESC, c.valid DESC) f',
    p_layer, p_field) INTO v_found USING p_values, p_at;
  RETURN v_found;
END $$;

-- Put aside rows that would overlap others of the layer beyond its rule; returns what sum_faults does.
--
-- gis.check_rules decides when the changeset is written, under the writers' lock. This comes before, outside of it, because one
-- refused row leads to others: where a feature keeps its old shape, a new neighbour may overlap it. So it goes on until all
-- that is left fits together; what hangs together (a block of parcels) stays together as it was.
CREATE OR REPLACE FUNCTION gis.import_overlaps(p_layer text, p_batch bigint, p_examples integer) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  v_srid integer := (SELECT projected_srid FROM gis.city);
  v_tolerance float8 := (SELECT min(coalesce((r ->> 'tolerance_m2')::float8, 1)) FROM jsonb_array_elements(gis.layer_json(p_layer) -> 'rules') r
                         WHERE r ->> 'kind' = 'no_overlap');
  v_faults jsonb[] := '{}';
  v_some jsonb[];
  v_round integer := 0;
BEGIN
  IF v_tolerance IS NULL THEN RETURN gis.sum_faults('{}', p_examples); END IF;
  -- ord: NULL for what is there and stays; round: when a shape came into play.
  CREATE TEMP TABLE import_shape (ord bigint, fid bigint, span tstzrange, geom geometry, round integer NOT NULL, is_refused boolean NOT NULL) ON COMMIT DROP;
  EXECUTE format(
    'INSERT INTO import_shape SELECT ord, fid, span, geom, 0, false FROM city_stage.%1$I WHERE batch = $1 AND op <> ''r'' AND geom IS NOT NULL
     UNION ALL
     SELECT NULL, c.fid, c.valid, c.geom, 0, false FROM city.%1$I c
     WHERE c.geom IS NOT NULL AND NOT EXISTS (SELECT FROM city_stage.%1$I s WHERE s.batch = $1 AND s.fid = c.fid)', p_layer) USING p_batch;
  CREATE INDEX ON import_shape USING gist (geom);
  CREATE INDEX ON import_shape (ord);
  ANALYZE import_shape;
  LOOP
    WITH met AS (
      SELECT DISTINCT ON (a.ord) a.ord, a.fid, b.ord AS other_row, b.fid AS other, b.is_refused, x.area_m2, x.part
      FROM import_shape b JOIN import_shape a ON a.geom && b.geom AND a.span && b.span AND a.fid <> b.fid,
      LATERAL (SELECT ST_Intersects(a.geom, b.geom) AND NOT ST_Touches(a.geom, b.geom) AS meets OFFSET 0) m,
      LATERAL (SELECT part, ST_Area(ST_Transform(part, v_srid)) AS area_m2 FROM ST_Intersection(a.geom, b.geom) part
               WHERE m.meets AND ST_Dimension(part) = 2) x
      WHERE b.round = v_round AND a.ord IS NOT NULL AND (b.ord IS NULL OR b.ord < a.ord) AND x.area_m2 > v_tolerance
      ORDER BY a.ord, x.area_m2 DESC)
    SELECT array_agg(gis.fault('overlap', format(
             CASE WHEN other_row IS NOT NULL THEN 'overlaps row %s by %s m2' WHEN is_refused THEN 'overlaps feature %s, whose own new version is refused, by %s m2'
                  ELSE 'overlaps feature %s by %s m2' END, coalesce(other_row, other), round(area_m2::numeric, 2)),
             p_layer, ord, fid, 'geometry', gis.place_of(part)))
    INTO v_some FROM met;
    EXIT WHEN v_some IS NULL;
    v_faults := v_faults || v_some;
    v_round := v_round + 1;
    DELETE FROM import_shape s USING unnest(v_some) f WHERE s.ord = (f ->> 'row')::bigint;
    EXECUTE format('INSERT INTO import_shape SELECT NULL, c.fid, c.valid, c.geom, $2, true FROM city.%1$I c
                    WHERE c.geom IS NOT NULL AND c.fid = ANY (ARRAY(SELECT (f ->> ''fid'')::bigint FROM unnest($1) f))', p_layer) USING v_some, v_round;
  END LOOP;
  DROP TABLE import_shape;
  PERFORM gis.import_drop(p_layer, p_batch, ARRAY(SELECT (f ->> 'row')::bigint FROM unnest(v_faults) f));
  RETURN gis.sum_faults(v_faults, p_examples);
END $$;

-- The features of a layer that what comes with a file's rows is a part of, staged or standing when it begins: {key: [fid, the end
-- of the feature's time (null: open), its precision]}.
CREATE OR REPLACE FUNCTION gis.import_owners(p_layer text, p_batch bigint, p_key text, p_values text[], p_begins timestamptz[]) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  v_found jsonb;
BEGIN
  EXECUTE format(
    'WITH asked AS (SELECT DISTINCT ON (key) key, begin FROM unnest($2, $3) v (key, begin) ORDER BY key, begin),
     staged AS (SELECT DISTINCT ON (s.%2$I::text) s.%2$I::text AS key, s.fid, s.op FROM city_stage.%1$I s
                WHERE s.batch = $1 AND s.op IN (''n'', ''p'') AND s.%2$I::text = ANY ($2) ORDER BY s.%2$I::text, s.ord),
     found AS (SELECT a.key, a.begin, coalesce(s.fid, (SELECT c.fid FROM city.%1$I c WHERE c.%2$I::text = a.key AND c.valid @> a.begin LIMIT 1)) AS fid
               FROM asked a LEFT JOIN staged s USING (key))
     SELECT jsonb_object_agg(f.key, jsonb_build_array(f.fid, t.until, coalesce(
       (SELECT c.end_precision::text FROM city.%1$I c WHERE c.fid = f.fid AND upper(c.valid) = t.until LIMIT 1), ''s'')))
     FROM found f LEFT JOIN LATERAL (
       SELECT upper(r) AS until FROM unnest((SELECT range_agg(c.valid) FROM city.%1$I c WHERE c.fid = f.fid)) r WHERE r @> f.begin) t ON true
     WHERE f.fid IS NOT NULL', p_layer, p_key) INTO v_found USING p_batch, p_values, p_begins;
  RETURN coalesce(v_found, '{}');
END $$;

-- Leave out staged parts whose owner is neither staged any more nor there; returns how many.
CREATE OR REPLACE FUNCTION gis.import_orphans(p_layer text, p_batch bigint, p_field text, p_owner text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  v_dropped bigint;
BEGIN
  EXECUTE format(
    'DELETE FROM city_stage.%1$I p WHERE p.batch = $1 AND p.op <> ''r''
     AND NOT EXISTS (SELECT FROM city_stage.%3$I s WHERE s.batch = $1 AND s.fid = p.%2$I)
     AND NOT EXISTS (SELECT FROM city.%3$I c WHERE c.fid = p.%2$I)', p_layer, p_field, p_owner) USING p_batch;
  GET DIAGNOSTICS v_dropped = ROW_COUNT;
  RETURN v_dropped;
END $$;
