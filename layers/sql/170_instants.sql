-- Moments at which the present changes without an edit: a plan comes true, an announced end is reached.

-- The next such moment after another, per layer; of one changeset's rows, or of all.
CREATE OR REPLACE FUNCTION gis.next_instant(p_layer text, p_after timestamptz, p_seq bigint DEFAULT NULL) RETURNS timestamptz
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_next timestamptz;
BEGIN
  IF gis.layer_json(p_layer) ->> 'kind' = 'coverage' THEN
    RETURN (SELECT min(CASE WHEN lower(valid) > p_after THEN lower(valid) ELSE upper(valid) END) FROM gis.coverage_file
            WHERE layer = p_layer AND seq_to IS NULL AND (lower(valid) > p_after OR upper(valid) > p_after)
              AND (p_seq IS NULL OR seq_from = p_seq));
  END IF;
  EXECUTE format(
    'SELECT min(CASE WHEN lower(valid) > $1 THEN lower(valid) ELSE upper(valid) END) FROM city.%I
     WHERE (lower(valid) > $1 OR upper(valid) > $1) %s', p_layer,
    CASE WHEN p_seq IS NULL THEN '' ELSE 'AND seq_from = $2' END) INTO v_next USING p_after, p_seq;
  RETURN v_next;
END $$;

-- Where a layer's present changed between two moments: an envelope in CRS84, NULL where nothing did.
CREATE OR REPLACE FUNCTION gis.came_true(p_layer text, p_from timestamptz, p_to timestamptz) RETURNS geometry LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_extent geometry;
  v_part record;
BEGIN
  IF gis.layer_json(p_layer) ->> 'kind' = 'coverage' THEN
    RETURN (SELECT gis.as_polygon(ST_SetSRID(ST_Extent(envelope)::geometry, 4326)) FROM gis.coverage_file
            WHERE layer = p_layer AND seq_to IS NULL
              AND ((lower(valid) > p_from AND lower(valid) <= p_to) OR (upper(valid) > p_from AND upper(valid) <= p_to)));
  END IF;
  v_part := gis.placed_owner(p_layer);
  IF v_part.owner IS NOT NULL AND NOT gis.is_spatial(p_layer) THEN
    -- Parts come true where their owners stand.
    EXECUTE format(
      'SELECT ST_SetSRID(ST_Extent(o.geom)::geometry, (SELECT storage_srid FROM gis.city)) FROM city.%1$I o
       WHERE o.fid IN (SELECT p.%3$I FROM city.%2$I p
                       WHERE (lower(p.valid) > $1 AND lower(p.valid) <= $2) OR (upper(p.valid) > $1 AND upper(p.valid) <= $2))',
      v_part.owner, p_layer, v_part.field) INTO v_extent USING p_from, p_to;
    RETURN gis.as_polygon(ST_Transform(v_extent, 4326));
  END IF;
  IF NOT gis.is_spatial(p_layer) THEN RETURN NULL; END IF;
  EXECUTE format(
    'SELECT ST_SetSRID(ST_Extent(geom)::geometry, (SELECT storage_srid FROM gis.city)) FROM city.%I
     WHERE (lower(valid) > $1 AND lower(valid) <= $2) OR (upper(valid) > $1 AND upper(valid) <= $2)', p_layer)
  INTO v_extent USING p_from, p_to;
  RETURN gis.as_polygon(ST_Transform(v_extent, 4326));
END $$;
