-- Every instant at which something of a layer began or ended inside a rectangle of Web Mercator (all of it where that is NULL),
-- in microseconds since 1970, and the number of the snapshot.
SELECT array(
  SELECT DISTINCT (extract(epoch FROM instant) * 1000000)::bigint
  FROM city.{layer}, LATERAL (VALUES (lower(valid)), (upper(valid))) ends (instant)
  WHERE (%(minx)s::float8 IS NULL OR geom_tile && ST_MakeEnvelope(%(minx)s, %(miny)s, %(maxx)s, %(maxy)s, 3857)) AND isfinite(instant)
  ORDER BY 1),
  (SELECT coalesce(max(seq), 0) FROM gis.changeset);
