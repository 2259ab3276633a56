-- A changeset: one lock, one gapless number, one moment.

-- Take the writers' lock and the next number. The lock is held to the end of the transaction, so the order of numbers is
-- the order of commits, a roll-back leaves no gap, and what was known at a number never changes its answer.
CREATE OR REPLACE FUNCTION gis.open_changeset(p_actor text, p_reason text, p_kind text DEFAULT 'edit',
                                              p_source jsonb DEFAULT NULL, p_undoes bigint DEFAULT NULL)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  v_last gis.changeset;
  v_seq bigint;
BEGIN
  PERFORM pg_advisory_xact_lock(4548, 1);
  SELECT * INTO v_last FROM gis.changeset ORDER BY seq DESC LIMIT 1;
  v_seq := coalesce(v_last.seq, 0) + 1;
  INSERT INTO gis.changeset (seq, recorded_at, actor, reason, kind, source, undoes)
  VALUES (v_seq, greatest(clock_timestamp(), v_last.recorded_at + interval '1 microsecond'),
          p_actor, p_reason, p_kind, p_source, p_undoes);
  RETURN v_seq;
END $$;

-- The number that stood at a moment of recording: what `known-at` with a time means. 0 before the first changeset.
CREATE OR REPLACE FUNCTION gis.seq_at(p_at timestamptz) RETURNS bigint LANGUAGE sql STABLE AS $$
  SELECT coalesce((SELECT seq FROM gis.changeset WHERE recorded_at <= p_at ORDER BY recorded_at DESC LIMIT 1), 0)
$$;

-- The content columns of a layer (geometry and fields), quoted, in order, with an optional prefix such as 's.'.
CREATE OR REPLACE FUNCTION gis.content_columns(p_layer text, p_prefix text DEFAULT '') RETURNS text LANGUAGE sql STABLE AS $$
  SELECT string_agg(p_prefix || quote_ident(attname), ', ' ORDER BY attnum)
  FROM pg_attribute
  WHERE attrelid = format('city.%I', p_layer)::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
    AND attname NOT IN ('version_id', 'fid', 'valid', 'begin_precision', 'end_precision', 'seq_from', 'seq_to')
$$;

CREATE OR REPLACE FUNCTION gis.is_spatial(p_layer text) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = format('city.%I', p_layer)::regclass AND attname = 'geom')
$$;

-- What decides who reaches a row of a layer, as an expression over an alias: who sees it where rows have owners, else its
-- district; NULL where rows are not told apart. Row policies, checks of edits and the search all ask here.
CREATE OR REPLACE FUNCTION gis.reach_of(p_definition jsonb, p_alias text DEFAULT '') RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN p_definition ? 'owned' THEN format('coalesce(%s%I, ''all'')', p_alias, p_definition -> 'owned' ->> 'seen_by')
              WHEN p_definition ? 'district' THEN format('%s%I', p_alias, p_definition ->> 'district') END
$$;

CREATE OR REPLACE FUNCTION gis.layer_json(p_layer text) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT definition FROM gis.layer_definition WHERE layer = p_layer AND is_present
$$;

-- Note what a changeset did to a layer and wake whoever listens; they ask by number, the notice carries nothing else.
CREATE OR REPLACE FUNCTION gis.note_changes(p_seq bigint, p_layer text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_touched text := format(
    'SELECT %2$s AS geom, valid, true AS is_new FROM city.%1$I WHERE seq_from = $1 UNION ALL
     SELECT %2$s, valid, false FROM city.%3$I WHERE seq_to = $1',
    p_layer, CASE WHEN gis.is_spatial(p_layer) THEN 'geom' ELSE 'NULL::geometry' END, p_layer || '_past');
BEGIN
  EXECUTE format(
    'INSERT INTO gis.changeset_layer (seq, layer, added, closed, envelope, valid)
     SELECT $1, $2, count(*) FILTER (WHERE is_new), count(*) FILTER (WHERE NOT is_new),
            gis.as_polygon(ST_Transform(ST_SetSRID(ST_Extent(geom)::geometry, (SELECT storage_srid FROM gis.city)), 4326)),
            range_merge(range_agg(valid))
     FROM (%s) touched HAVING count(*) > 0', v_touched) USING p_seq, p_layer;
END $$;

-- An extent as a polygon, also where it is a point or a line.
CREATE OR REPLACE FUNCTION gis.as_polygon(p_geom geometry) RETURNS geometry LANGUAGE sql IMMUTABLE AS $$
  SELECT ST_MakeEnvelope(ST_XMin(p_geom), ST_YMin(p_geom), ST_XMax(p_geom), ST_YMax(p_geom), ST_SRID(p_geom))
$$;

-- Reserve a run of feature numbers and give the first.
CREATE OR REPLACE FUNCTION gis.reserve_fids(p_count bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  v_first bigint;
  v_last bigint;
BEGIN
  LOOP
    SELECT min(n), max(n) INTO v_first, v_last FROM (SELECT nextval('gis.fid') AS n FROM generate_series(1, p_count)) s;
    -- Another session may have drawn numbers in between; then this run has a hole and is given up.
    EXIT WHEN v_last - v_first + 1 = p_count;
  END LOOP;
  RETURN v_first;
END $$;
