-- Finding. All functions run with the caller's rights: what a row policy hides is not found, and each probe is bounded.

-- Entries that begin with a text, of each scope the first `p_each` in order, so an entry that is the text comes first.
CREATE OR REPLACE FUNCTION gis.search_beginning(p_scopes integer[], p_norm text, p_at timestamptz, p_each integer)
RETURNS TABLE (layer text, field text, kind text, fid bigint, label text, norm text) LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN QUERY
  SELECT e.layer, e.field, e.kind, e.fid, e.label, e.norm::text
  FROM unnest(p_scopes) s (scope) CROSS JOIN LATERAL (
    SELECT x.* FROM gis.search_entry x
    WHERE x.scope = s.scope AND x.norm >= p_norm COLLATE "C" AND x.norm < (p_norm || U&'\+10FFFF') COLLATE "C" AND x.valid @> p_at
    ORDER BY x.norm LIMIT p_each) e
  ORDER BY length(e.norm) LIMIT 400;
END $$;

-- Names whose initials begin with some letters, bounded in the same way.
CREATE OR REPLACE FUNCTION gis.search_initials(p_scopes integer[], p_letters text, p_at timestamptz, p_each integer)
RETURNS TABLE (layer text, field text, kind text, fid bigint, label text, norm text) LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN QUERY
  SELECT e.layer, e.field, e.kind, e.fid, e.label, e.norm::text
  FROM unnest(p_scopes) s (scope) CROSS JOIN LATERAL (
    SELECT x.* FROM gis.search_entry x
    WHERE x.kind = 'name' AND x.initials IS NOT NULL AND x.scope = s.scope
      AND x.initials >= p_letters COLLATE "C" AND x.initials < (p_letters || U&'\+10FFFF') COLLATE "C" AND x.valid @> p_at
    ORDER BY x.initials LIMIT p_each) e
  ORDER BY length(e.norm) LIMIT 400;
END $$;

-- Entries that have all of some grams and match a pattern, at most `p_limit` of them.
-- `p_fields` and `p_districts` (grams; NULL: no bound) are where the reader may look at all: without them a reader of one
-- district, or of few fields, would wade through the finds of all others.
CREATE OR REPLACE FUNCTION gis.search_grams(p_grams integer[], p_pattern text, p_fields integer[], p_districts integer[],
                                            p_at timestamptz, p_limit integer)
RETURNS TABLE (layer text, field text, kind text, fid bigint, label text, norm text) LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN QUERY EXECUTE
    'SELECT x.layer, x.field, x.kind, x.fid, x.label, x.norm::text FROM gis.search_entry x
     WHERE x.kind <> ''code'' AND x.grams @> $1 AND x.valid @> $5'
    || CASE WHEN p_pattern IS NULL THEN '' ELSE ' AND x.norm ~ $2' END
    || CASE WHEN p_fields IS NULL THEN '' ELSE ' AND x.grams && $3' END
    || CASE WHEN p_districts IS NULL THEN '' ELSE ' AND x.grams && $4' END
    || ' LIMIT $6' USING p_grams, p_pattern, p_fields, p_districts, p_at, p_limit;
END $$;

-- Where found features are and how they are called. p_asks: [{"layer", "fids", "label", "parent"}], label and parent being
-- fields the reader may read, or absent. (lon, lat) is a point on the feature in CRS84, NULL for a table; `address` its
-- first address entry.
CREATE OR REPLACE FUNCTION gis.search_places(p_asks jsonb, p_at timestamptz)
RETURNS TABLE (layer text, fid bigint, label text, address text, parent bigint, lon float8, lat float8) LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_ask record;
BEGIN
  FOR v_ask IN SELECT * FROM jsonb_to_recordset(p_asks) AS a (layer text, fids bigint[], label text, parent text) LOOP
    RETURN QUERY EXECUTE format(
      'SELECT %1$L::text, c.fid, %2$s, (SELECT e.label FROM gis.search_entry e WHERE e.fid = c.fid AND e.kind = ''address'' AND e.valid @> $2
                                        ORDER BY e.field LIMIT 1), %3$s, %4$s
       FROM city.%1$I c WHERE c.fid = ANY ($1) AND c.valid @> $2',
      v_ask.layer,
      CASE WHEN v_ask.label IS NULL THEN 'NULL::text' ELSE format('c.%I::text', v_ask.label) END,
      CASE WHEN v_ask.parent IS NULL THEN 'NULL::bigint' ELSE format('c.%I', v_ask.parent) END,
      CASE WHEN gis.is_spatial(v_ask.layer)
           THEN '(SELECT ST_X(p) FROM ST_Transform(ST_PointOnSurface(c.geom), 4326) p), (SELECT ST_Y(p) FROM ST_Transform(ST_PointOnSurface(c.geom), 4326) p)'
           ELSE 'NULL::float8, NULL::float8' END)
      USING v_ask.fids, p_at;
  END LOOP;
END $$;
