-- Keeping the search true: called with every changeset, set-based, and for a whole layer when its definition changed.

-- The values of a layer that the search knows, as a query over (fid, valid, district_code, field, kind, label); NULL where
-- the layer has nothing to search for. `p_which` is a condition over `c`, a row of the present table.
CREATE OR REPLACE FUNCTION gis.search_values(p_layer text, p_which text) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN jsonb_path_exists(d, '$.fields[*].search') THEN format(
    'SELECT c.fid, c.valid, coalesce(%s, '''') AS district_code, v.field, v.kind, v.label
     FROM city.%I c, LATERAL (%s) AS v (field, kind, label) WHERE v.label <> '''' AND (%s)',
    coalesce(gis.reach_of(d, 'c.'), 'NULL::text'), p_layer,
    (SELECT string_agg(
       CASE WHEN f ->> 'type' = 'codes'
       THEN format('SELECT %1$L, %2$L, x ->> ''value'' FROM jsonb_array_elements(c.%1$I) x', f ->> 'name', f ->> 'search')
       ELSE format('SELECT %1$L, %2$L, c.%1$I::text', f ->> 'name', f ->> 'search') END, ' UNION ALL ')
     FROM jsonb_array_elements(d -> 'fields') f WHERE f ? 'search'), p_which) END
  FROM gis.layer_json(p_layer) d
$$;

-- Make the entries of some features (NULL: of all of a layer) anew; returns how many there are now.
CREATE OR REPLACE FUNCTION gis.make_search_entries(p_layer text, p_fids bigint[]) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  v_values text := gis.search_values(p_layer, CASE WHEN p_fids IS NULL THEN 'true' ELSE 'c.fid = ANY ($2)' END);
  v_is_bulk boolean := coalesce(cardinality(p_fids), 1000000) > 2000;
  v_pending_limit text := current_setting('gin_pending_list_limit');
  v_work_mem text := current_setting('work_mem');
  v_count bigint := 0;
BEGIN
  IF p_fids IS NULL THEN
    DELETE FROM gis.search_entry WHERE scope IN (SELECT scope FROM gis.search_scope WHERE layer = p_layer);
  ELSE
    DELETE FROM gis.search_entry e USING unnest(p_fids) f WHERE e.fid = f;
  END IF;
  IF v_values IS NULL THEN RETURN 0; END IF;
  -- Keys of many rows go into the GIN index in one sorted run; those of a few edits must not pile up, since every search
  -- reads what is still pending.
  PERFORM set_config('gin_pending_list_limit', CASE WHEN v_is_bulk THEN '65536' ELSE '128' END, true);
  IF v_is_bulk THEN
    PERFORM set_config('work_mem', '128MB', true);
  END IF;
  EXECUTE format(
    'WITH v AS MATERIALIZED (
       SELECT row_number() OVER () AS n, fid, district_code, field, kind, label, span
       FROM (SELECT fid, district_code, field, kind, label, unnest(range_agg(valid)) AS span
             FROM (%s) x GROUP BY fid, district_code, field, kind, label ORDER BY fid) y),
     added AS (
       INSERT INTO gis.search_scope (layer, field, kind, district_code)
       SELECT DISTINCT $1, field, kind, district_code FROM v
       WHERE NOT EXISTS (SELECT FROM gis.search_scope s
                         WHERE (s.layer, s.field, s.kind, s.district_code) = ($1, v.field, v.kind, v.district_code))
       RETURNING scope, field, kind, district_code),
     scopes AS MATERIALIZED (
       SELECT scope, field, kind, district_code, gis.field_gram($1, field) AS field_gram, gis.district_gram(district_code) AS district_gram
       FROM (SELECT scope, field, kind, district_code FROM added
             UNION ALL SELECT scope, field, kind, district_code FROM gis.search_scope WHERE layer = $1) s)
     INSERT INTO gis.search_entry (fid, scope, layer, field, kind, district_code, valid, label, norm, initials, grams)
     SELECT v.fid, s.scope, $1, v.field, v.kind, v.district_code, v.span, v.label, k.norm, k.initials,
            k.grams || s.field_gram || s.district_gram
     FROM gis.search_keys((SELECT array_agg(label ORDER BY n) FROM v), (SELECT array_agg(kind ORDER BY n) FROM v)) k
     JOIN v USING (n) JOIN scopes s USING (field, kind, district_code)', v_values) USING p_layer, p_fids;
  GET DIAGNOSTICS v_count = ROW_COUNT;
  IF v_is_bulk THEN
    PERFORM gin_clean_pending_list('gis.search_entry_grams');
  END IF;
  PERFORM set_config('gin_pending_list_limit', v_pending_limit, true), set_config('work_mem', v_work_mem, true);
  RETURN v_count;
END $$;

-- Bring the search to what a changeset made of a layer. The last step of every changeset.
CREATE OR REPLACE FUNCTION gis.refresh_search(p_seq bigint, p_layer text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  v_fids bigint[];
BEGIN
  EXECUTE format('SELECT array_agg(fid) FROM (SELECT fid FROM city.%I WHERE seq_from = $1 UNION SELECT fid FROM city.%I WHERE seq_to = $1) t',
                 p_layer, p_layer || '_past') INTO v_fids USING p_seq;
  RETURN CASE WHEN v_fids IS NULL THEN 0 ELSE gis.make_search_entries(p_layer, v_fids) END;
END $$;

-- Make all entries of a layer anew, after its searchable fields or the pinyin changed.
CREATE OR REPLACE FUNCTION gis.rebuild_search(p_layer text) RETURNS bigint LANGUAGE sql AS $$
  SELECT gis.make_search_entries(p_layer, NULL)
$$;

-- What of a definition the entries stand on.
CREATE OR REPLACE FUNCTION gis.search_fields(p_definition jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
  SELECT jsonb_build_array(gis.reach_of(p_definition),
    (SELECT jsonb_agg(jsonb_build_array(f -> 'name', f -> 'type', f -> 'search') ORDER BY f ->> 'name')
     FROM jsonb_array_elements(p_definition -> 'fields') f WHERE f ? 'search'))
$$;

-- A new definition of a layer that is searched by other fields than before makes its entries anew.
CREATE OR REPLACE FUNCTION gis.follow_definition() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  v_before jsonb := (SELECT definition FROM gis.layer_definition WHERE layer = NEW.layer AND version < NEW.version ORDER BY version DESC LIMIT 1);
BEGIN
  IF to_regclass(format('city.%I', NEW.layer)) IS NOT NULL
     AND (v_before IS NULL OR gis.search_fields(v_before) IS DISTINCT FROM gis.search_fields(NEW.definition)) THEN
    PERFORM gis.rebuild_search(NEW.layer);
  END IF;
  RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER follow_definition AFTER INSERT ON gis.layer_definition
FOR EACH ROW EXECUTE FUNCTION gis.follow_definition();
