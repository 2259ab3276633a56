-- What is checked of surfaces of buildings (a rule of kind 'surfaces'): polygons in space as [{"type": …, "rings": [[[x, y, z], …], …]}, …].

-- How many metres a unit of the storage CRS is, east and north, at a latitude (or northing).
CREATE OR REPLACE FUNCTION gis.metres_of_unit(p_y float8, OUT east_m float8, OUT north_m float8) LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN s.srtext LIKE 'PROJCS%' THEN 1 ELSE 111320 * cos(radians(greatest(least(p_y, 89), -89))) END,
         CASE WHEN s.srtext LIKE 'PROJCS%' THEN 1 ELSE 111320 END::float8
  FROM spatial_ref_sys s JOIN gis.city c ON s.srid = c.storage_srid
$$;

-- What is wrong with the surfaces of one row: at most twenty faults, each with the number of its surface and ring (from 0).
CREATE OR REPLACE FUNCTION gis.surfaces_faults(p_surfaces jsonb, p_lowest_m float8, p_highest_m float8, p_rule jsonb)
RETURNS TABLE (code text, field text, message text) LANGUAGE plpgsql STABLE AS $$
DECLARE
  -- What heights are rounded by, and the smallest polygon (m2).
  c_rounding constant float8 := 0.02;
  c_smallest constant float8 := 1e-7;
  v_types text[] := ARRAY(SELECT jsonb_array_elements_text(p_rule -> 'types'));
  v_flat float8 := (p_rule ->> 'flat_m')::float8;
  v_east float8;
  v_north float8;
BEGIN
  IF p_surfaces IS NULL THEN RETURN; END IF;
  IF jsonb_typeof(p_surfaces) <> 'array' OR p_surfaces = '[]' THEN
    RETURN QUERY SELECT 'surfaces', 'surfaces', 'surfaces are a list of objects with ''type'' and ''rings'', at least one';
    RETURN;
  END IF;
  -- Each step looks only at what the steps before have found sound.
  RETURN QUERY
    SELECT CASE WHEN is_list THEN 'surface_type' ELSE 'surfaces' END, 'surfaces',
           CASE WHEN is_list THEN format('surface %s: ''type'' must be one of %s', n - 1, array_to_string(v_types, ', '))
                ELSE format('surface %s: ''rings'' must be a list of rings, the outer one first', n - 1) END
    FROM (SELECT n, coalesce(v ->> 'type' = ANY (v_types), false) AS is_known,
                 coalesce(jsonb_typeof(v) = 'object' AND jsonb_typeof(v -> 'rings') = 'array' AND v -> 'rings' <> '[]', false) AS is_list
          FROM jsonb_array_elements(p_surfaces) WITH ORDINALITY s (v, n)) s
    WHERE NOT (is_list AND is_known) ORDER BY n LIMIT 20;
  IF FOUND THEN RETURN; END IF;
  RETURN QUERY
    SELECT 'surface_ring', 'surfaces', format('surface %s: ring %s must be a list of at least four points [x, y, z] of finite numbers', s.n - 1, r.n - 1)
    FROM jsonb_array_elements(p_surfaces) WITH ORDINALITY s (v, n), jsonb_array_elements(s.v -> 'rings') WITH ORDINALITY r (v, n)
    WHERE CASE WHEN jsonb_typeof(r.v) <> 'array' THEN true WHEN jsonb_array_length(r.v) < 4 THEN true
               ELSE EXISTS (SELECT FROM jsonb_array_elements(r.v) p WHERE CASE
                 WHEN jsonb_typeof(p) <> 'array' THEN true WHEN jsonb_array_length(p) <> 3 THEN true
                 ELSE EXISTS (SELECT FROM jsonb_array_elements(p) x WHERE CASE WHEN jsonb_typeof(x) <> 'number' THEN true ELSE abs(x::numeric) > 1e8 END) END) END
    ORDER BY s.n, r.n LIMIT 20;
  IF FOUND THEN RETURN; END IF;
  SELECT m.east_m, m.north_m INTO v_east, v_north FROM gis.metres_of_unit((p_surfaces #>> '{0,rings,0,0,1}')::float8) m;
  RETURN QUERY
    WITH corner AS MATERIALIZED (
      SELECT s.n AS surface, r.n AS ring, p.n AS at, jsonb_array_length(r.v) AS last, ((p.v ->> 0)::float8 - x0) * v_east AS x, ((p.v ->> 1)::float8 - y0) * v_north AS y,
             (p.v ->> 2)::float8 AS z
      FROM jsonb_array_elements(p_surfaces) WITH ORDINALITY s (v, n),
           -- Near the origin, so that nothing is lost where small areas are computed.
           LATERAL (SELECT (s.v #>> '{rings,0,0,0}')::float8 AS x0, (s.v #>> '{rings,0,0,1}')::float8 AS y0, (s.v #>> '{rings,0,0,2}')::float8 AS z0) o,
           jsonb_array_elements(s.v -> 'rings') WITH ORDINALITY r (v, n), jsonb_array_elements(r.v) WITH ORDINALITY p (v, n)),
    edge AS (SELECT *, lead(x) OVER w AS x2, lead(y) OVER w AS y2, lead(z) OVER w AS z2, first_value(x) OVER w AS x1, first_value(y) OVER w AS y1,
                    first_value(z) OVER w AS z1, first_value(z) OVER (PARTITION BY surface ORDER BY ring, at) AS z0
             FROM corner WINDOW w AS (PARTITION BY surface, ring ORDER BY at)),
    -- After Newell: twice the area, along the normal.
    ring_of AS (
      SELECT surface, ring, bool_and(at < last OR (x = x1 AND y = y1 AND z = z1)) AS is_closed,
             count(DISTINCT (x, y, z)) FILTER (WHERE at < last) AS corners,
             coalesce(sum((y - y2) * (z + z2 - 2 * z0)), 0) AS nx, coalesce(sum((z - z2) * (x + x2)), 0) AS ny, coalesce(sum((x - x2) * (y + y2)), 0) AS nz,
             avg(x) FILTER (WHERE at < last) AS cx, avg(y) FILTER (WHERE at < last) AS cy, avg(z) FILTER (WHERE at < last) AS cz
      FROM edge GROUP BY surface, ring),
    sized AS (SELECT *, sqrt(nx * nx + ny * ny + nz * nz) AS size FROM ring_of),
    beside AS (
      SELECT c.surface, max(abs((c.x - o.cx) * o.nx + (c.y - o.cy) * o.ny + (c.z - o.cz) * o.nz) / nullif(o.size, 0)) AS away_m
      FROM corner c JOIN sized o ON o.surface = c.surface AND o.ring = 1 GROUP BY c.surface)
    SELECT * FROM (
      SELECT 'surface_ring', 'surfaces', CASE WHEN is_closed THEN format('surface %s: ring %s has no area: it needs three corners that are not in one line', surface - 1, ring - 1)
                                              ELSE format('surface %s: ring %s is not closed: its last point must be its first', surface - 1, ring - 1) END
      FROM sized WHERE NOT is_closed OR corners < 3 OR size / 2 < c_smallest ORDER BY surface, ring LIMIT 20) a
    UNION ALL
    SELECT * FROM (
      SELECT 'surface_plane', 'surfaces', format('surface %s is not flat: a corner lies %s m beside the plane of the others, %s m are allowed', b.surface - 1,
                                                 round(b.away_m::numeric, 2), v_flat)
      FROM beside b WHERE b.away_m > v_flat AND NOT EXISTS (SELECT FROM sized s WHERE s.surface = b.surface AND NOT s.is_closed) ORDER BY b.surface LIMIT 20) b
    UNION ALL
    SELECT 'surface_height', 'lowest_m', format('surfaces reach down to %s m, below ''lowest_m''', round(low::numeric, 3))
    FROM (SELECT min(z) AS low FROM corner) h WHERE low < p_lowest_m - c_rounding
    UNION ALL
    SELECT 'surface_height', 'highest_m', format('surfaces reach up to %s m, above ''highest_m''', round(high::numeric, 3))
    FROM (SELECT max(z) AS high FROM corner) h WHERE high > p_highest_m + c_rounding;
END $$;

-- How far surfaces lie beside a building's box, in metres: 0 over it. NULL where one of both is nowhere.
CREATE OR REPLACE FUNCTION gis.surfaces_beside(p_surfaces jsonb, p_building geometry) RETURNS float8 LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_east float8;
  v_north float8;
  v_reach record;
BEGIN
  SELECT min((c ->> 0)::float8) AS west, max((c ->> 0)::float8) AS east, min((c ->> 1)::float8) AS south, max((c ->> 1)::float8) AS north INTO v_reach
  FROM jsonb_array_elements(p_surfaces) s, jsonb_array_elements(s #> '{rings,0}') c;
  IF v_reach.west IS NULL OR p_building IS NULL OR ST_IsEmpty(p_building) THEN RETURN NULL; END IF;
  SELECT m.east_m, m.north_m INTO v_east, v_north FROM gis.metres_of_unit(ST_YMin(p_building)) m;
  RETURN greatest((ST_XMin(p_building) - v_reach.west) * v_east, (v_reach.east - ST_XMax(p_building)) * v_east,
                  (ST_YMin(p_building) - v_reach.south) * v_north, (v_reach.north - ST_YMax(p_building)) * v_north, 0);
END $$;

-- Faults of the surfaces that a batch stages: their own form.
CREATE OR REPLACE FUNCTION gis.check_surfaces(p_layer text, p_batch bigint) RETURNS SETOF jsonb LANGUAGE plpgsql AS $$
DECLARE
  v_rule jsonb;
BEGIN
  FOR v_rule IN SELECT r FROM jsonb_array_elements(gis.layer_json(p_layer) -> 'rules') r WHERE r ->> 'kind' = 'surfaces' LOOP
    RETURN QUERY EXECUTE format(
      'SELECT gis.fault(f.code, f.message, %1$L, s.ord, s.fid, f.field)
       FROM city_stage.%1$I s, LATERAL gis.surfaces_faults(s.surfaces, s.lowest_m, s.highest_m, $2) f WHERE s.batch = $1 AND s.op <> ''r''', p_layer)
      USING p_batch, v_rule;
  END LOOP;
END $$;

-- Faults of the surfaces that a changeset wrote: they lie beside all versions of their building that hold with them, or nobody knows where it is.
CREATE OR REPLACE FUNCTION gis.check_surface_places(p_layer text, p_seq bigint, p_batch bigint, p_rule jsonb) RETURNS SETOF jsonb LANGUAGE plpgsql AS $$
DECLARE
  v_owner text := (SELECT f ->> 'references' FROM jsonb_array_elements(gis.layer_json(p_layer) -> 'fields') f WHERE f ->> 'name' = p_rule ->> 'via');
BEGIN
  RETURN QUERY EXECUTE format(
    'SELECT gis.fault(''surface_place'', CASE WHEN x.away_m IS NULL THEN format(''%%s %%s has no place at that time: nothing says where these surfaces belong'', %2$L, a.%3$I)
                                            ELSE format(''surfaces lie up to %%s m beside %%s %%s, %%s m are allowed'', round(x.away_m::numeric, 1), %2$L, a.%3$I, $3) END,
                      %1$L, s.ord, a.fid, ''surfaces'', x.place)
     FROM city.%1$I a JOIN city_stage.%1$I s ON s.batch = $2 AND s.fid = a.fid AND s.span && a.valid,
     LATERAL (SELECT count(*) AS versions, min(gis.surfaces_beside(a.surfaces, b.geom)) AS away_m, gis.place_of((array_agg(b.geom))[1]) AS place
              FROM city.%2$I b WHERE b.fid = a.%3$I AND b.valid && a.valid) x
     WHERE a.seq_from = $1 AND x.versions > 0 AND (x.away_m IS NULL OR x.away_m > $3)', p_layer, v_owner, p_rule ->> 'via')
    USING p_seq, p_batch, (p_rule ->> 'reach_m')::float8;
END $$;
