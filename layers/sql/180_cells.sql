-- Cells: how many features of a layer lie where, at any moment, for maps on which single ones cannot be seen.
--
-- A cell is a square of Web Mercator: on level n the world is 2^n cells wide. A feature is counted in the cell that holds the
-- centre of its envelope, on every level on which it is smaller than a cell (on the others it is seen by itself). Two
-- tables for each layer with `symbology.cells` (and a third, 185_cell_runs.sql):
--
--   city.<layer>_cell_new   what changesets added (n = 1) and took away (n = -1), as it comes: cell on the finest level, valid time
--   city.<layer>_cell       the same, summed up for every level: for each cell, district and class the moments at which the sums
--                           change, and the sums from each on. A row holds a frame of time, the finer the level the longer.
--
-- What there is at a moment is the sum of both. Row policies look at `district`; who may not read the field that a layer
-- is drawn by has no right to the column `class`.

CREATE TABLE IF NOT EXISTS gis.cell_layer (
  layer text PRIMARY KEY,
  drawn jsonb NOT NULL                -- what the cells were made by: field, classes, district, geometry
);

CREATE OR REPLACE FUNCTION gis.cell_levels() RETURNS int4range LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT '[10,19)'::int4range $$;

-- The side of a cell, in metres of Web Mercator.
CREATE OR REPLACE FUNCTION gis.cell_side(p_level integer) RETURNS float8 LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT 40075016.685578488::float8 / (1 << p_level)
$$;

-- How broad or high a geometry is, whichever is more.
-- It stands in indexes, which are made again from a backup where no schema is on the path: PostGIS is named by its own.
DO $do$
BEGIN
  EXECUTE format('CREATE OR REPLACE FUNCTION gis.breadth(p_geom geometry) RETURNS float8 LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT greatest(%1$I.ST_XMax(p_geom) - %1$I.ST_XMin(p_geom), %1$I.ST_YMax(p_geom) - %1$I.ST_YMin(p_geom))
  $$', (SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'postgis'));
END $do$;

-- A cell's number from its column and row: blocks of 64 by 64 follow each other, so that what a tile shows is one run.
CREATE OR REPLACE FUNCTION gis.cell(p_x bigint, p_y bigint) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT ((p_y >> 6) << 32) | ((p_x >> 6) << 12) | ((p_y & 63) << 6) | (p_x & 63)
$$;
CREATE OR REPLACE FUNCTION gis.cell_x(p_cell bigint) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT (((p_cell >> 12) & 1048575) << 6) | (p_cell & 63)
$$;
CREATE OR REPLACE FUNCTION gis.cell_y(p_cell bigint) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT ((p_cell >> 32) << 6) | ((p_cell >> 6) & 63)
$$;
-- The cell that holds another, some levels up.
CREATE OR REPLACE FUNCTION gis.cell_above(p_cell bigint, p_up integer) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT gis.cell(gis.cell_x(p_cell) >> p_up, gis.cell_y(p_cell) >> p_up)
$$;

-- The column or row that a distance (metres from the edge of the world) falls into. What lies beyond lies in the last.
CREATE OR REPLACE FUNCTION gis.cell_index(p_metres float8, p_level integer) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT least(greatest(floor(p_metres / gis.cell_side(p_level)), 0), (1 << p_level) - 1)::bigint
$$;

-- The cell of a geometry (in Web Mercator) on a level.
CREATE OR REPLACE FUNCTION gis.cell_of(p_geom geometry, p_level integer) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT gis.cell(gis.cell_index((ST_XMin(p_geom) + ST_XMax(p_geom)) / 2 + 20037508.342789244, p_level),
                  gis.cell_index(20037508.342789244 - (ST_YMin(p_geom) + ST_YMax(p_geom)) / 2, p_level))
$$;

-- The finest level on which something so broad is smaller than a cell; 9 where it is on none.
CREATE OR REPLACE FUNCTION gis.cell_fits(p_breadth float8) RETURNS smallint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT (18 - width_bucket(p_breadth, ARRAY[gis.cell_side(18), gis.cell_side(17), gis.cell_side(16), gis.cell_side(15),
                                             gis.cell_side(14), gis.cell_side(13), gis.cell_side(12), gis.cell_side(11),
                                             gis.cell_side(10)]))::smallint
$$;

-- Frames of time: from 1980 on a year each on coarse levels, ten on the middle ones; the first and the last are open.
CREATE OR REPLACE FUNCTION gis.cell_frame_s(p_level integer) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT 31557600::bigint * CASE WHEN p_level <= 14 THEN 1 WHEN p_level <= 16 THEN 10 ELSE 80 END
$$;
CREATE OR REPLACE FUNCTION gis.cell_last_frame(p_level integer) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN p_level <= 14 THEN 79 WHEN p_level <= 16 THEN 7 ELSE 0 END
$$;
CREATE OR REPLACE FUNCTION gis.cell_frame(p_level integer, p_epoch float8) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN p_epoch < 315532800 THEN 0
              ELSE least(floor((p_epoch - 315532800) / gis.cell_frame_s(p_level)), gis.cell_last_frame(p_level))::integer END
$$;
CREATE OR REPLACE FUNCTION gis.cell_frame_begin(p_level integer, p_frame integer) RETURNS float8 LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN p_frame = 0 THEN '-Infinity'::float8 ELSE 315532800 + p_frame * gis.cell_frame_s(p_level) END
$$;

-- What the cells of a layer are made by; NULL where it has none.
CREATE OR REPLACE FUNCTION gis.cells_drawn(p_layer text) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object('field', d #> '{symbology,field}', 'classes', (
           SELECT jsonb_agg(c - 'color' - 'title' - 'width_px' - 'radius_px' - 'min_zoom') FROM jsonb_array_elements(d #> '{symbology,classes}') c),
         'district', d -> 'district', 'geometry', d -> 'geometry', 'type', (
           SELECT f -> 'type' FROM jsonb_array_elements(d -> 'fields') f WHERE f ->> 'name' = d #>> '{symbology,field}'))
  FROM gis.layer_json(p_layer) d
  WHERE (d #>> '{symbology,cells}')::boolean AND d ->> 'geometry' IN ('Point', 'MultiPoint', 'Polygon', 'MultiPolygon')
$$;

-- SQL that gives a row's class as text: the value where the symbology has a class for it, or the number of the step; '' is the rest.
CREATE OR REPLACE FUNCTION gis.cell_class(p_drawn jsonb) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE
    WHEN p_drawn ->> 'field' IS NULL THEN ''''''
    WHEN jsonb_path_exists(p_drawn, '$.classes[*].below') THEN
      format('coalesce(width_bucket(%I::float8, %L::float8[])::text, '''')', p_drawn ->> 'field', (
        SELECT array_agg((c ->> 'below')::float8 ORDER BY (c ->> 'below')::float8)
        FROM jsonb_array_elements(p_drawn -> 'classes') c WHERE c ? 'below'))
    ELSE
      format(CASE WHEN p_drawn ->> 'type' IN ('integer', 'number', 'reference')
                  THEN 'CASE WHEN %1$I::float8::text = ANY (%2$L::text[]) THEN %1$I::float8::text ELSE '''' END'
                  ELSE 'CASE WHEN %1$I::text = ANY (%2$L::text[]) THEN %1$I::text ELSE '''' END' END,
             p_drawn ->> 'field', coalesce((
        SELECT array_agg(CASE jsonb_typeof(c -> 'value') WHEN 'number' THEN (c ->> 'value')::float8::text ELSE c ->> 'value' END)
        FROM jsonb_array_elements(p_drawn -> 'classes') c WHERE c ? 'value'), '{}')) END
$$;

-- Count what rows of a layer's tables (given as FROM and WHERE) add to its cells or take from them. Every import pays for it: a
-- geometry is looked at once (OFFSET 0 keeps the steps apart), and what is taken and added again is looked for only where something is taken.
CREATE OR REPLACE FUNCTION gis.count_in_cells(p_layer text, p_added text, p_taken text, p_seq bigint) RETURNS void LANGUAGE plpgsql
SET work_mem = '64MB' AS $$
DECLARE
  v_drawn jsonb := (SELECT drawn FROM gis.cell_layer WHERE layer = p_layer);
  v_row text;
  v_takes boolean := p_taken IS NOT NULL;
BEGIN
  IF v_drawn IS NULL THEN RETURN; END IF;
  IF v_takes THEN
    EXECUTE format('SELECT EXISTS (SELECT FROM %s)', p_taken) INTO v_takes USING p_seq;
  END IF;
  v_row := format('geom_tile::box3d AS box, %s AS covered, coalesce(%s, '''') AS district, %s AS class, valid',
                  CASE WHEN v_drawn ->> 'geometry' IN ('Polygon', 'MultiPolygon') THEN 'ST_Area(geom_tile)' ELSE '0::float8' END,
                  CASE WHEN v_drawn ->> 'district' IS NULL THEN 'NULL' ELSE quote_ident(v_drawn ->> 'district') END, gis.cell_class(v_drawn));
  EXECUTE format(
    'INSERT INTO city.%1$I (cell, fits, district, class, valid, n, area)
     SELECT gis.cell(x, y), fits, district, class, valid, %4$s
     FROM (SELECT gis.cell_index((x0 + x1) / 2 + 20037508.342789244, 18) AS x, gis.cell_index(20037508.342789244 - (y0 + y1) / 2, 18) AS y,
                  gis.cell_fits(greatest(x1 - x0, y1 - y0)) AS fits, district, class, valid, n, round(covered)::bigint AS area
           FROM (SELECT ST_XMin(box) AS x0, ST_XMax(box) AS x1, ST_YMin(box) AS y0, ST_YMax(box) AS y1, covered, district, class, valid, n
                 FROM (SELECT %2$s, 1 AS n FROM %3$s AND NOT ST_IsEmpty(geom_tile) %5$s OFFSET 0) seen OFFSET 0) edges OFFSET 0) counted
     WHERE fits >= 10 %6$s',
    p_layer || '_cell_new', v_row, p_added,
    CASE WHEN v_takes THEN 'sum(n), sum(n * area)' ELSE 'n, area' END,
    CASE WHEN v_takes THEN format('UNION ALL SELECT %s, -1 FROM %s AND NOT ST_IsEmpty(geom_tile)', v_row, p_taken) ELSE '' END,
    CASE WHEN v_takes THEN 'GROUP BY 1, 2, 3, 4, 5 HAVING sum(n) <> 0 OR sum(n * area) <> 0' ELSE '' END)
  USING p_seq;
END $$;

-- Count what a changeset did to a layer. Every changeset calls it, in its own transaction.
CREATE OR REPLACE FUNCTION gis.note_cells(p_seq bigint, p_layer text) RETURNS void LANGUAGE sql AS $$
  SELECT gis.count_in_cells(p_layer, format('city.%I WHERE seq_from = $1', p_layer), format('city.%I WHERE seq_to = $1', p_layer || '_past'), p_seq)
$$;

CREATE OR REPLACE FUNCTION gis.drop_cells(p_layer text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('DROP TABLE IF EXISTS city.%I, city.%I, city.%I', p_layer || '_cell', p_layer || '_cell_new', p_layer || '_cell_run');
  EXECUTE format('DROP INDEX IF EXISTS city.%I', p_layer || '_large_idx');
  DELETE FROM gis.cell_layer WHERE layer = p_layer;
END $$;

-- Give a layer the cells that its definition asks for. Where they would be made by something else than before they are made
-- anew, from all that is known; that takes about a second for 100,000 features.
CREATE OR REPLACE FUNCTION gis.arrange_cells(p_layer text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_drawn jsonb := gis.cells_drawn(p_layer);
BEGIN
  IF v_drawn IS NOT DISTINCT FROM (SELECT drawn FROM gis.cell_layer WHERE layer = p_layer) THEN RETURN; END IF;
  PERFORM gis.drop_cells(p_layer);
  IF v_drawn IS NULL THEN RETURN; END IF;
  EXECUTE format(
    'CREATE TABLE city.%1$I (cell bigint NOT NULL, fits smallint NOT NULL, district text NOT NULL, class text NOT NULL, valid tstzrange NOT NULL,
                             n bigint NOT NULL, area bigint NOT NULL);
     CREATE INDEX %2$I ON city.%1$I (cell)', p_layer || '_cell_new', p_layer || '_cell_new_idx');
  EXECUTE format(
    'CREATE TABLE city.%1$I (level smallint NOT NULL, frame smallint NOT NULL, cell bigint NOT NULL, district text NOT NULL, class text NOT NULL,
                             at float8[] NOT NULL, n bigint[] NOT NULL, area bigint[] NOT NULL);
     CREATE INDEX %2$I ON city.%1$I (level, frame, cell)', p_layer || '_cell', p_layer || '_cell_idx');
  PERFORM gis.make_cell_runs(p_layer);
  -- What is seen by itself on coarse levels is found without looking at the many that are not.
  EXECUTE format('CREATE INDEX %I ON city.%I USING gist (geom_tile, valid) WHERE gis.breadth(geom_tile) >= gis.cell_side(18)',
                 p_layer || '_large_idx', p_layer);
  INSERT INTO gis.cell_layer (layer, drawn) VALUES (p_layer, v_drawn);
  PERFORM gis.count_in_cells(p_layer, format('city.%I WHERE true', p_layer), NULL, NULL);
END $$;

-- Let a grant's role read a layer's cells: the rows of its districts; the class only where it may read the field that gives it.
CREATE OR REPLACE FUNCTION gis.give_cells(p_role name, p_layer text, p_districts text[], p_fields text[], p_renew boolean)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_drawn jsonb := (SELECT drawn FROM gis.cell_layer WHERE layer = p_layer);
  v_table text;
BEGIN
  IF v_drawn IS NULL THEN RETURN; END IF;
  FOREACH v_table IN ARRAY ARRAY[p_layer || '_cell', p_layer || '_cell_new', p_layer || '_cell_run'] LOOP
    PERFORM gis.give_table(p_role, format('city.%I', v_table)::regclass,
      CASE WHEN p_fields IS NOT NULL THEN ARRAY['level', 'frame', 'cell', 'fits', 'at', 'n', 'area', 'look', 'whole', 'part']
        || CASE WHEN v_drawn ->> 'field' = ANY (p_fields) THEN ARRAY['class', 'class_at', 'class_n', 'class_look'] ELSE '{}' END END,
      CASE WHEN p_districts IS NULL THEN 'true' WHEN v_drawn ->> 'district' IS NULL THEN 'false'
           ELSE format('district = ANY (%L::text[])', p_districts) END, p_renew);
  END LOOP;
END $$;

-- Sum up what waits in a layer's cells; give how many rows did. Readers and writers go on meanwhile; two of it do not.
CREATE OR REPLACE FUNCTION gis.fold_cells(p_layer text) RETURNS bigint LANGUAGE plpgsql
SET work_mem = '128MB' AS $$
DECLARE
  v_count bigint;
  v_level integer;
BEGIN
  PERFORM pg_advisory_xact_lock(4548, 4);
  IF NOT EXISTS (SELECT FROM gis.cell_layer WHERE layer = p_layer) THEN RETURN 0; END IF;
  DROP TABLE IF EXISTS pg_temp.cell_taken, pg_temp.cell_event;
  CREATE TEMP TABLE cell_taken (cell bigint, fits smallint, district text, class text, at float8, n bigint, area bigint) ON COMMIT DROP;
  -- One statement: exactly the rows that are taken away are those that are summed up.
  EXECUTE format(
    'WITH taken AS (DELETE FROM city.%I RETURNING *)
     INSERT INTO cell_taken
     SELECT cell, fits, district, class, at, sum(n), sum(area)
     FROM (SELECT cell, fits, district, class, coalesce(extract(epoch FROM lower(valid))::float8, ''-Infinity'') AS at, n, area FROM taken
           UNION ALL SELECT cell, fits, district, class, extract(epoch FROM upper(valid))::float8, -n, -area FROM taken WHERE NOT upper_inf(valid)) e
     GROUP BY 1, 2, 3, 4, 5', p_layer || '_cell_new');
  EXECUTE 'SELECT count(*) FROM cell_taken' INTO v_count;
  IF v_count = 0 THEN RETURN 0; END IF;
  CREATE TEMP TABLE cell_event (cell bigint, district text, class text, at float8, n bigint, area bigint) ON COMMIT DROP;
  FOR v_level IN REVERSE upper(gis.cell_levels()) - 1 .. lower(gis.cell_levels()) LOOP
    -- From the level below, and what is small enough from this level on.
    EXECUTE
      'CREATE TEMP TABLE cell_next ON COMMIT DROP AS
       SELECT cell, district, class, at, sum(n)::bigint AS n, sum(area)::bigint AS area
       FROM (SELECT gis.cell_above(cell, 1) AS cell, district, class, at, n, area FROM cell_event
             UNION ALL SELECT gis.cell_above(cell, $2), district, class, at, n, area FROM cell_taken WHERE fits = $1) e
       GROUP BY 1, 2, 3, 4 HAVING sum(n) <> 0 OR sum(area) <> 0' USING v_level, 18 - v_level;
    DROP TABLE cell_event;
    ALTER TABLE cell_next RENAME TO cell_event;
    ANALYZE cell_event;
    EXECUTE format($fold$
      WITH was AS (
        DELETE FROM city.%1$I c USING (SELECT DISTINCT cell, district, class FROM cell_event) k
        WHERE c.level = $1 AND (c.cell, c.district, c.class) = (k.cell, k.district, k.class)
        RETURNING c.cell, c.district, c.class, c.frame, c.at, c.n, c.area),
      -- What a frame begins with is news only as far as the frame before did not end with it; a frame that is not kept was empty,
      -- and so what the one before it ended with was over when it began.
      followed AS (
        SELECT *, CASE WHEN lag(frame) OVER w = frame - 1 THEN lag(n[cardinality(n)]) OVER w ELSE 0 END AS n_before,
               CASE WHEN lag(frame) OVER w = frame - 1 THEN lag(area[cardinality(area)]) OVER w ELSE 0 END AS area_before,
               frame < gis.cell_last_frame($1) AND lead(frame) OVER w IS DISTINCT FROM frame + 1 AS is_end
        FROM was WINDOW w AS (PARTITION BY cell, district, class ORDER BY frame)),
      event AS (
        SELECT cell, district, class, at, sum(n) AS n, sum(area) AS area
        FROM (SELECT * FROM cell_event
              UNION ALL SELECT cell, district, class, gis.cell_frame_begin($1, frame), n[1] - n_before, area[1] - area_before FROM followed
              UNION ALL SELECT cell, district, class, gis.cell_frame_begin($1, frame + 1), -n[cardinality(n)], -area[cardinality(area)]
                        FROM followed WHERE is_end
              UNION ALL SELECT cell, district, class, at[i], n[i + 1] - n[i], area[i + 1] - area[i]
                        FROM followed, generate_subscripts(at, 1) i) e
        GROUP BY 1, 2, 3, 4 HAVING sum(n) <> 0 OR sum(area) <> 0),
      -- Every frame begins with a row, from the first in which something is on.
      begun AS (
        SELECT cell, district, class, gis.cell_frame_begin($1, f) AS at, 0 AS n, 0 AS area
        FROM (SELECT cell, district, class, min(at) AS first FROM event GROUP BY 1, 2, 3) k,
             generate_series(gis.cell_frame($1, first), gis.cell_last_frame($1)) f),
      summed AS (
        SELECT cell, district, class, at, gis.cell_frame($1, at) AS frame, sum(sum(n)) OVER w AS n, sum(sum(area)) OVER w AS area
        FROM (SELECT * FROM event UNION ALL SELECT * FROM begun) e
        GROUP BY 1, 2, 3, 4 WINDOW w AS (PARTITION BY cell, district, class ORDER BY at))
      INSERT INTO city.%1$I (level, frame, cell, district, class, at, n, area)
      SELECT $1, frame, cell, district, class, (array_agg(at ORDER BY at))[2:], array_agg(n::bigint ORDER BY at), array_agg(area::bigint ORDER BY at)
      FROM summed GROUP BY cell, district, class, frame HAVING bool_or(n <> 0 OR area <> 0)
      ORDER BY frame, cell $fold$, p_layer || '_cell') USING v_level;
    DROP TABLE IF EXISTS pg_temp.cell_touched;
    CREATE TEMP TABLE cell_touched ON COMMIT DROP AS SELECT DISTINCT cell FROM cell_event;
    ANALYZE cell_touched;
    PERFORM gis.renew_cell_runs(p_layer, v_level, false);
  END LOOP;
  DROP TABLE cell_taken, cell_event, cell_touched;
  RETURN v_count;
END $$;

-- The layers whose cells have so much waiting that reading would feel it.
CREATE OR REPLACE FUNCTION gis.cells_due(p_rows integer DEFAULT 20000) RETURNS SETOF text LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_layer text;
  v_is_due boolean;
BEGIN
  FOR v_layer IN SELECT layer FROM gis.cell_layer ORDER BY layer LOOP
    EXECUTE format('SELECT EXISTS (SELECT FROM city.%I OFFSET $1 LIMIT 1)', v_layer || '_cell_new') INTO v_is_due USING p_rows;
    IF v_is_due THEN RETURN NEXT v_layer; END IF;
  END LOOP;
END $$;
