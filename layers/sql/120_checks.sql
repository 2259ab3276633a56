-- What is checked before a batch is written: every fault of every row, with its place.
-- A fault is (code, message, ord, fid, field, place): ord is the row of the batch, place a point in CRS84.

CREATE OR REPLACE FUNCTION gis.place_of(p_geom geometry) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN p_geom IS NULL OR ST_IsEmpty(p_geom) THEN NULL ELSE
    (SELECT jsonb_build_array(round(ST_X(p)::numeric, 7), round(ST_Y(p)::numeric, 7))
     FROM ST_Transform(ST_Centroid(ST_Envelope(p_geom)), 4326) AS p) END
$$;

CREATE OR REPLACE FUNCTION gis.fault(p_code text, p_message text, p_layer text, p_row bigint, p_fid bigint,
                                     p_field text DEFAULT NULL, p_place jsonb DEFAULT NULL)
RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
  SELECT jsonb_strip_nulls(jsonb_build_object('code', p_code, 'message', p_message, 'layer', p_layer, 'row', p_row,
                                              'fid', p_fid, 'field', p_field, 'place', p_place))
$$;

-- The ISO 7064 check character that closes a code; NULL where a character is outside the system's alphabet.
CREATE OR REPLACE FUNCTION gis.check_character(p_system text, p_body text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  v_modulus integer := CASE p_system WHEN 'iso7064_mod11_2' THEN 11 WHEN 'iso7064_mod37_2' THEN 37 END;
  v_alphabet text := CASE v_modulus WHEN 11 THEN '0123456789' ELSE '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ' END;
  v_checks text := CASE v_modulus WHEN 11 THEN '0123456789X' ELSE '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ*' END;
  v_rest integer := 0;
  v_at integer;
BEGIN
  IF v_modulus IS NULL THEN RETURN NULL; END IF;
  FOR i IN 1 .. length(p_body) LOOP
    v_at := strpos(v_alphabet, substr(p_body, i, 1));
    IF v_at = 0 THEN RETURN NULL; END IF;
    v_rest := ((v_rest + v_at - 1) * 2) % v_modulus;
  END LOOP;
  RETURN substr(v_checks, (v_modulus + 1 - v_rest) % v_modulus + 1, 1);
END $$;

-- Why one official code is wrong, in a sentence; NULL when nothing is known against it.
CREATE OR REPLACE FUNCTION gis.code_fault(p_code jsonb) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_scheme jsonb;
  v_value text := p_code ->> 'value';
BEGIN
  IF jsonb_typeof(p_code) <> 'object' OR v_value IS NULL OR p_code ->> 'scheme' IS NULL THEN
    RETURN 'a code is an object with "scheme" and "value"';
  END IF;
  SELECT definition INTO v_scheme FROM gis.code_scheme WHERE scheme = p_code ->> 'scheme';
  IF v_scheme IS NULL THEN
    RETURN format('code scheme ''%s'' is not known', p_code ->> 'scheme');
  END IF;
  IF v_value !~ ('^(?:' || (v_scheme ->> 'pattern') || ')$') THEN
    RETURN format('''%s'' does not have the form of scheme ''%s''', v_value, p_code ->> 'scheme');
  END IF;
  IF v_scheme ? 'check_system'
     AND gis.check_character(v_scheme ->> 'check_system', left(v_value, -1)) IS DISTINCT FROM right(v_value, 1) THEN
    RETURN format('the check character of ''%s'' (scheme ''%s'') is wrong', v_value, p_code ->> 'scheme');
  END IF;
  RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION gis.codes_fault(p_codes jsonb) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN p_codes IS NULL THEN NULL
              WHEN jsonb_typeof(p_codes) <> 'array' THEN 'codes are a list of objects with "scheme" and "value"'
              ELSE (SELECT string_agg(gis.code_fault(c), '; ') FROM jsonb_array_elements(p_codes) c) END
$$;

-- One boolean expression and one sentence for each thing a field definition asks for, over a stage row `s`.
CREATE OR REPLACE FUNCTION gis.field_checks(p_field jsonb)
RETURNS TABLE (code text, condition text, message text) LANGUAGE sql STABLE AS $$
  WITH f AS (SELECT quote_ident(p_field ->> 'name') AS col, p_field ->> 'name' AS name, p_field ->> 'type' AS type)
  SELECT 'required', format('s.%s IS NULL', col), format('''%s'' must be given', name)
  FROM f WHERE coalesce((p_field ->> 'required')::boolean, false)
  UNION ALL
  SELECT 'minimum', format('s.%s < %L::float8', col, p_field ->> 'minimum'),
         format('''%s'' must be at least %s', name, p_field ->> 'minimum')
  FROM f WHERE p_field ? 'minimum'
  UNION ALL
  SELECT 'maximum', format('s.%s > %L::float8', col, p_field ->> 'maximum'),
         format('''%s'' must be at most %s', name, p_field ->> 'maximum')
  FROM f WHERE p_field ? 'maximum'
  UNION ALL
  SELECT 'max_length', format('length(s.%s) > %L::integer', col, p_field ->> 'max_length'),
         format('''%s'' must have at most %s characters', name, p_field ->> 'max_length')
  FROM f WHERE p_field ? 'max_length'
  UNION ALL
  SELECT 'pattern', format('s.%s !~ %L', col, '^(?:' || (p_field ->> 'pattern') || ')$'),
         format('''%s'' does not match the pattern %s', name, p_field ->> 'pattern')
  FROM f WHERE p_field ? 'pattern'
  UNION ALL
  SELECT 'code', format('s.%s <> ALL (%L::text[])', col, ARRAY(SELECT jsonb_object_keys(p_field -> 'codes'))),
         format('''%s'' must be one of its codes (%s)', name,
                (SELECT string_agg(k, ', ') FROM (SELECT jsonb_object_keys(p_field -> 'codes') k LIMIT 12) x))
  FROM f WHERE type = 'code'
  UNION ALL
  SELECT 'finite', format('s.%s IN (''NaN''::float8, ''Infinity''::float8, ''-Infinity''::float8)', col),
         format('''%s'' must be a finite number', name)
  FROM f WHERE type = 'number'
  UNION ALL
  SELECT 'codes', format('s.%1$s IS NOT NULL AND gis.codes_fault(s.%1$s) IS NOT NULL', col), format('''%s'' has a wrong code', name)
  FROM f WHERE type = 'codes'
$$;

-- Every fault of a staged batch in one layer: fields, geometry, identity, rights.
CREATE OR REPLACE FUNCTION gis.check_batch(p_layer text, p_batch bigint, p_audience text DEFAULT 'owner')
RETURNS SETOF jsonb LANGUAGE plpgsql AS $$
DECLARE
  v_layer jsonb := gis.layer_json(p_layer);
  v_stage text := format('city_stage.%I', p_layer);
  v_city gis.city;
  v_tests text;
  v_any text;
BEGIN
  SELECT * INTO v_city FROM gis.city;
  SELECT string_agg(format('(%L, %L, %L, %s)', c.code, f ->> 'name', c.message, c.condition), ', '), string_agg(c.condition, ' OR ')
  INTO v_tests, v_any FROM jsonb_array_elements(v_layer -> 'fields') f, gis.field_checks(f) c;
  IF v_tests IS NOT NULL THEN
    RETURN QUERY EXECUTE format(
      'SELECT gis.fault(t.code, t.message, %L, s.ord, s.fid, t.field)
       -- Nearly every row is sound: one look at all conditions, and only the rest is taken apart.
       FROM (SELECT * FROM %s s WHERE s.batch = $1 AND s.op <> ''r'' AND (%s) OFFSET 0) s,
            LATERAL (VALUES %s) t (code, field, message, is_broken)
       WHERE t.is_broken ORDER BY s.ord', p_layer, v_stage, v_any, v_tests) USING p_batch;
  END IF;

  RETURN QUERY EXECUTE format(
    'SELECT gis.fault(''span'', ''the validity is empty: it must begin before it ends'', %1$L, ord, fid)
     FROM %2$s WHERE batch = $1 AND (span IS NULL OR isempty(span))
     UNION ALL
     SELECT gis.fault(''span'', ''two rows of this changeset speak of the same time of this feature'', %1$L, b.ord, b.fid)
     FROM %2$s a JOIN %2$s b ON a.fid = b.fid AND a.ord < b.ord AND a.span && b.span WHERE a.batch = $1 AND b.batch = $1
     UNION ALL
     SELECT gis.fault(''unknown'', ''there is no such feature'', %1$L, ord, fid)
     FROM %2$s s WHERE batch = $1 AND op IN (''p'', ''c'', ''r'') AND NOT EXISTS (SELECT FROM city.%1$I c WHERE c.fid = s.fid)',
    p_layer, v_stage) USING p_batch;

  RETURN QUERY SELECT f FROM gis.check_surfaces(p_layer, p_batch) f;

  IF gis.is_spatial(p_layer) THEN
    RETURN QUERY EXECUTE format(
      'SELECT gis.fault(''geometry_invalid'', ''the geometry is invalid: '' || coalesce(d.reason, ''unknown reason''), %1$L, ord, fid, ''geometry'',
                        gis.place_of(coalesce(ST_SetSRID(d.location, ST_SRID(geom)), geom)))
       FROM (SELECT * FROM %2$s WHERE batch = $1 AND op <> ''r'' AND NOT ST_IsValid(geom) OFFSET 0) s, LATERAL ST_IsValidDetail(geom) d
       UNION ALL
       SELECT gis.fault(''geometry_empty'', ''the geometry is empty'', %1$L, ord, fid, ''geometry'')
       FROM %2$s WHERE batch = $1 AND op <> ''r'' AND ST_IsEmpty(geom)', p_layer, v_stage) USING p_batch;
    IF coalesce((v_layer ->> 'inside_extent')::boolean, true) THEN
      RETURN QUERY EXECUTE format(
        'SELECT gis.fault(''outside'', ''the geometry lies outside the city''''s extent'', %L, ord, fid, ''geometry'', gis.place_of(geom))
         FROM %s WHERE batch = $1 AND op <> ''r'' AND NOT geom @ $2', p_layer, v_stage) USING p_batch, v_city.extent;
    END IF;
    -- Web Mercator ends here; the tile copy of the geometry could not be made.
    RETURN QUERY EXECUTE format(
      'SELECT gis.fault(''outside'', ''latitudes beyond 85.06 degrees cannot be mapped'', %L, ord, fid, ''geometry'')
       FROM %s
       WHERE batch = $1 AND op <> ''r'' AND ST_SRID(geom) IN (4326, 4490) AND (ST_YMax(geom) > 85.06 OR ST_YMin(geom) < -85.06)',
      p_layer, v_stage) USING p_batch;
  END IF;

  IF p_audience <> 'owner' THEN
    RETURN QUERY EXECUTE format(
      'SELECT gis.fault(''forbidden'', ''you may not edit this feature'', %1$L, ord, s.fid)
       FROM %2$s s WHERE batch = $1
         AND (NOT gis.may_edit($2, %1$L, CASE WHEN op = ''r'' THEN NULL ELSE %3$s END) AND op <> ''r''
              OR EXISTS (SELECT FROM city.%1$I c WHERE c.fid = s.fid AND c.valid && s.span AND NOT gis.may_edit($2, %1$L, %4$s)))',
      p_layer, v_stage,
      coalesce(gis.reach_of(v_layer, 's.'), 'NULL'), coalesce(gis.reach_of(v_layer, 'c.'), 'NULL')) USING p_batch, p_audience;
  END IF;
END $$;
