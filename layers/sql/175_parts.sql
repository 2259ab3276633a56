-- Where parts stand: what has no place of its own (levels, housing units, surfaces) is where the building is that it is a part of.

-- The field by which a layer of parts names its owners, and their layer; nothing where owners have no place either.
CREATE OR REPLACE FUNCTION gis.placed_owner(p_layer text, OUT field text, OUT owner text) LANGUAGE plpgsql STABLE AS $$
BEGIN
  SELECT f ->> 'name', f ->> 'references' INTO field, owner FROM jsonb_array_elements(gis.layer_json(p_layer) -> 'fields') f
  WHERE (f ->> 'part_of')::boolean LIMIT 1;
  IF owner IS NULL OR to_regclass(format('city.%I', p_layer)) IS NULL OR to_regclass(format('city.%I', owner)) IS NULL OR NOT gis.is_spatial(owner) THEN
    field := NULL;
    owner := NULL;
  END IF;
END $$;

-- The envelopes, in CRS84, of the owners of what a changeset touched in a layer of parts: old and new owners, in every shape they
-- ever had. One for each, or one for all where they are more than `p_most`. Nothing where owners have no place.
CREATE OR REPLACE FUNCTION gis.part_places(p_layer text, p_seq bigint, p_most integer) RETURNS SETOF geometry LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_part record := gis.placed_owner(p_layer);
  v_fids bigint[];
BEGIN
  IF v_part.owner IS NULL THEN RETURN; END IF;
  EXECUTE format(
    'SELECT array_agg(DISTINCT %2$I) FROM (
       SELECT %2$I FROM city.%1$I WHERE seq_from = $1 UNION ALL SELECT %2$I FROM city.%3$I WHERE seq_from = $1
       UNION ALL SELECT %2$I FROM city.%3$I WHERE seq_to = $1) t WHERE %2$I IS NOT NULL', p_layer, v_part.field, p_layer || '_past')
    INTO v_fids USING p_seq;
  RETURN QUERY EXECUTE format(
    'SELECT ST_Transform(gis.as_polygon(ST_SetSRID(ST_Extent(geom)::geometry, (SELECT storage_srid FROM gis.city))), 4326)
     FROM (SELECT fid, geom FROM city.%1$I WHERE fid = ANY ($1) UNION ALL SELECT fid, geom FROM city.%2$I WHERE fid = ANY ($1)) o
     WHERE geom IS NOT NULL GROUP BY CASE WHEN $2 THEN fid END', v_part.owner, v_part.owner || '_past')
    USING v_fids, cardinality(v_fids) <= p_most;
END $$;
