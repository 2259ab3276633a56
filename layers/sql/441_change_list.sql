-- What differs between two moments of valid time in a box, with where it is and how much there is of it. Runs with the
-- caller's rights, so that row policies and column grants hold. Geometries are GeoJSON in CRS84.
-- `p_kinds` (NULL: all) are those that are listed; all are counted, so where none is listed one row tells the counts alone.
DROP FUNCTION IF EXISTS gis.change_list(text, text[], timestamptz, timestamptz, geometry, integer, boolean);
CREATE OR REPLACE FUNCTION gis.change_list(p_layer text, p_columns text[], p_from timestamptz, p_to timestamptz, p_box geometry, p_limit integer,
                                           p_geometry boolean, p_kinds text[] DEFAULT NULL)
RETURNS TABLE (fid bigint, change text, before jsonb, after jsonb, place jsonb, geometry jsonb, has_moved boolean, built bigint, ended bigint,
               changed bigint)
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_pairs text := coalesce((SELECT string_agg(format('%L, x.%I', c, c), ', ') FROM unnest(p_columns) c), '');
  v_is_spatial boolean := gis.is_spatial(p_layer);
  v_side text;
BEGIN
  v_side := format('SELECT x.fid, x.version_id, jsonb_build_object(%s) AS content, %s AS geom FROM city.%I x WHERE x.valid @> ',
                   v_pairs, CASE WHEN v_is_spatial THEN 'x.geom' ELSE 'NULL::geometry' END, p_layer);
  -- A feature that moved out of the box is in it on one side: it is looked for by number on the other.
  RETURN QUERY EXECUTE format(
    'WITH near AS (SELECT DISTINCT x.fid FROM city.%3$I x WHERE (x.valid @> $1 OR x.valid @> $2) %4$s),
          found AS (
       SELECT coalesce(a.fid, b.fid) AS fid, CASE WHEN a.fid IS NULL THEN ''built'' WHEN b.fid IS NULL THEN ''ended'' ELSE ''changed'' END AS change,
              a.content AS before, b.content AS after, coalesce(b.geom, a.geom) AS geom,
              a.fid IS NOT NULL AND b.fid IS NOT NULL AND ST_AsBinary(a.geom) <> ST_AsBinary(b.geom) AS has_moved
       FROM (%1$s $1 AND x.fid IN (SELECT n.fid FROM near n)) a FULL JOIN (%2$s $2 AND x.fid IN (SELECT n.fid FROM near n)) b ON a.fid = b.fid
       WHERE a.fid IS NULL OR b.fid IS NULL
          OR (a.version_id <> b.version_id AND (a.content <> b.content OR ST_AsBinary(a.geom) <> ST_AsBinary(b.geom))))
     SELECT f.fid, f.change, f.before, f.after, gis.place_of(f.geom),
            CASE WHEN $4 THEN ST_AsGeoJSON(ST_Transform(f.geom, 4326), 7, 0)::jsonb END, coalesce(f.has_moved, false), t.built, t.ended, t.changed
     FROM (SELECT count(*) FILTER (WHERE x.change = ''built'') AS built, count(*) FILTER (WHERE x.change = ''ended'') AS ended,
                  count(*) FILTER (WHERE x.change = ''changed'') AS changed FROM found x) t
     LEFT JOIN LATERAL (SELECT * FROM found x WHERE $6 IS NULL OR x.change = ANY ($6) ORDER BY x.fid LIMIT $3) f ON true ORDER BY f.fid', v_side, v_side, p_layer,
    CASE WHEN p_box IS NOT NULL AND v_is_spatial THEN 'AND x.geom && $5 AND ST_Intersects(x.geom, $5)' ELSE '' END)
  USING p_from, p_to, p_limit, p_geometry, p_box, p_kinds;
END $$;
