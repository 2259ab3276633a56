-- Runs: how a cell of a dense layer (180_cells.sql) looks over time, for maps that play an interval.
--
-- While time passes, a cell is drawn alike as long as the share of ground that it covers (in steps of ten percent; of points their
-- number, in tenths of a power of ten) and the class that covers most stay the same. A row of
--
--   city.<layer>_cell_run
--
-- has the moments at which that changes, from each on the largest count, and how it looks. A cell that lies in one district has one
-- row; any other has a row for those who see all of it (`whole`), and one for each district (`part`), among which readers of some
-- districts find theirs. Two sets of columns: what counts alone, and with the class for those who may read the field that gives it.

-- How a cell of areas looks by what is covered of it, and one of points by how many there are; 0 where nothing is.
CREATE OR REPLACE FUNCTION gis.cell_look(p_is_area boolean, p_n numeric, p_area numeric, p_level integer) RETURNS smallint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT (CASE WHEN p_n <= 0 THEN 0
               WHEN p_is_area THEN least(100, greatest(10, ceil(10 * p_area::float8 / (gis.cell_side(p_level) * gis.cell_side(p_level))) * 10))
               ELSE 1 + round(log(p_n::float8) * 10) END)::smallint
$$;

-- Make a layer's table of runs where it is missing.
CREATE OR REPLACE FUNCTION gis.make_cell_runs(p_layer text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format(
    'CREATE TABLE IF NOT EXISTS city.%1$I (level smallint NOT NULL, cell bigint NOT NULL, whole boolean NOT NULL, part boolean NOT NULL, district text,
                                           at float8[] NOT NULL, n bigint[] NOT NULL, look smallint[] NOT NULL,
                                           class_at float8[] NOT NULL, class_n bigint[] NOT NULL, class_look smallint[] NOT NULL, class text[] NOT NULL);
     CREATE INDEX IF NOT EXISTS %2$I ON city.%1$I (level, cell)', p_layer || '_cell_run', p_layer || '_cell_run_idx');
END $$;

-- Find the runs of some cells of a level anew, from what is kept of them: those in the temporary table `cell_touched`, or all.
CREATE OR REPLACE FUNCTION gis.renew_cell_runs(p_layer text, p_level integer, p_all boolean) RETURNS void LANGUAGE plpgsql
SET work_mem = '128MB' AS $$
DECLARE
  v_is_area boolean := (SELECT drawn ->> 'geometry' IN ('Polygon', 'MultiPolygon') FROM gis.cell_layer WHERE layer = p_layer);
  v_classes text[];
  v_sums text;
  v_running text;
  v_most text;
BEGIN
  DROP TABLE IF EXISTS pg_temp.cell_step;
  IF p_all THEN
    EXECUTE format('DELETE FROM city.%I WHERE level = $1', p_layer || '_cell_run') USING p_level;
  ELSE
    EXECUTE format('DELETE FROM city.%I r USING cell_touched t WHERE r.level = $1 AND r.cell = t.cell', p_layer || '_cell_run') USING p_level;
  END IF;
  -- What begins and ends when, across the frames.
  EXECUTE format(
    'CREATE TEMP TABLE cell_step ON COMMIT DROP AS
     WITH kept AS (SELECT * FROM city.%1$I c WHERE level = %2$s %3$s)
     SELECT cell, district, class, at, sum(n) AS n, sum(area) AS area
     FROM (SELECT cell, district, class, gis.cell_frame_begin(%2$s, frame) AS at, n[1] AS n, area[1] AS area FROM kept
           UNION ALL SELECT cell, district, class, gis.cell_frame_begin(%2$s, frame + 1), -n[cardinality(n)], -area[cardinality(area)]
                     FROM kept WHERE frame < gis.cell_last_frame(%2$s)
           UNION ALL SELECT cell, district, class, at[i], n[i + 1] - n[i], area[i + 1] - area[i] FROM kept, generate_subscripts(at, 1) i) e
     GROUP BY 1, 2, 3, 4 HAVING sum(n) <> 0 OR sum(area) <> 0',
    p_layer || '_cell', p_level, CASE WHEN p_all THEN '' ELSE 'AND cell IN (SELECT cell FROM cell_touched)' END);
  -- One running sum for each class: what covers most of a cell is found in one pass. Of equals the first by name is told, as for a day.
  SELECT coalesce(array_agg(DISTINCT class ORDER BY class), '{}') INTO v_classes FROM cell_step;
  IF v_classes = '{}' THEN
    DROP TABLE cell_step;
    RETURN;
  END IF;
  SELECT string_agg(format('sum(area * 1000 + n) FILTER (WHERE class = %L) AS c%s', c, i), ', ' ORDER BY i),
         string_agg(format('coalesce(sum(c%s) OVER w, 0) AS c%s', i, i), ', ' ORDER BY i),
         CASE WHEN count(*) = 1 THEN format('%L', max(c))
              ELSE format('CASE greatest(%s) %s END', string_agg('c' || i, ', ' ORDER BY i), string_agg(format('WHEN c%s THEN %L', i, c), ' ' ORDER BY i)) END
  INTO v_sums, v_running, v_most FROM unnest(v_classes) WITH ORDINALITY AS t (c, i);
  EXECUTE format($runs$
    WITH spread AS (SELECT cell, count(DISTINCT district) = 1 AS is_one FROM cell_step GROUP BY cell),
    given AS (
      SELECT s.cell, is_one AS whole, true AS part, district, at, n, area, class FROM cell_step s JOIN spread USING (cell)
      UNION ALL SELECT s.cell, true, false, NULL, at, n, area, class FROM cell_step s JOIN spread USING (cell) WHERE NOT is_one),
    moment AS (
      SELECT cell, whole, part, district, at, sum(n) AS n, sum(area) AS area, %1$s FROM given GROUP BY 1, 2, 3, 4, 5),
    running AS (
      SELECT cell, whole, part, district, at, sum(n) OVER w AS n, sum(area) OVER w AS area, %2$s
      FROM moment WINDOW w AS (PARTITION BY cell, whole, part, district ORDER BY at)),
    seen AS (
      SELECT cell, whole, part, district, at, n, gis.cell_look(%4$L, n, area, %5$s) AS look, CASE WHEN n > 0 THEN %3$s END AS class FROM running),
    marked AS (
      SELECT *, (lag(look) OVER w) IS DISTINCT FROM look AS is_new, (lag(look) OVER w, lag(class) OVER w) IS DISTINCT FROM (look, class) AS is_new_class
      FROM seen WINDOW w AS (PARTITION BY cell, whole, part, district ORDER BY at)),
    numbered AS (
      SELECT *, count(*) FILTER (WHERE is_new) OVER w AS run, count(*) FILTER (WHERE is_new_class) OVER w AS class_run
      FROM marked WINDOW w AS (PARTITION BY cell, whole, part, district ORDER BY at)),
    run AS (
      SELECT cell, whole, part, district, array_agg(at ORDER BY at) AS at, array_agg(n ORDER BY at) AS n, array_agg(look ORDER BY at) AS look
      FROM (SELECT cell, whole, part, district, min(at) AS at, max(n)::bigint AS n, min(look) AS look FROM numbered GROUP BY 1, 2, 3, 4, run) r
      GROUP BY 1, 2, 3, 4),
    class_run AS (
      SELECT cell, whole, part, district, array_agg(at ORDER BY at) AS at, array_agg(n ORDER BY at) AS n, array_agg(look ORDER BY at) AS look,
             array_agg(class ORDER BY at) AS class
      FROM (SELECT cell, whole, part, district, min(at) AS at, max(n)::bigint AS n, min(look) AS look, min(class) AS class
            FROM numbered GROUP BY 1, 2, 3, 4, class_run) r
      GROUP BY 1, 2, 3, 4)
    INSERT INTO city.%6$I (level, cell, whole, part, district, at, n, look, class_at, class_n, class_look, class)
    SELECT %5$s, r.cell, r.whole, r.part, r.district, r.at, r.n, r.look, c.at, c.n, c.look, c.class
    FROM run r JOIN class_run c ON (r.cell, r.whole, r.part) = (c.cell, c.whole, c.part) AND r.district IS NOT DISTINCT FROM c.district
    ORDER BY r.cell $runs$,
    v_sums, v_running, v_most, v_is_area, p_level, p_layer || '_cell_run');
  DROP TABLE cell_step;
END $$;

-- A store whose cells are older than their runs gets them here.
DO $do$
DECLARE
  v_layer text;
  v_level integer;
BEGIN
  FOR v_layer IN SELECT layer FROM gis.cell_layer WHERE to_regclass(format('city.%I', layer || '_cell_run')) IS NULL LOOP
    PERFORM gis.make_cell_runs(v_layer);
    FOR v_level IN lower(gis.cell_levels()) .. upper(gis.cell_levels()) - 1 LOOP
      PERFORM gis.renew_cell_runs(v_layer, v_level, true);
    END LOOP;
    IF to_regclass('gis.layer_grant') IS NOT NULL THEN
      PERFORM gis.issue_layer_grant(role) FROM gis.layer_grant WHERE layer = v_layer;
    END IF;
  END LOOP;
END $do$;
