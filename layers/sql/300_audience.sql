-- Who may read what, as PostgreSQL itself enforces it.
--
-- A layer grant (one layer, some districts, some fields) is a role gis_g_<hash> with column grants and a row policy on the
-- layer's two tables; "districts" of a layer whose rows have owners are who sees them (all, role:…, person:…). An audience
-- (a set of layer grants) is a role gis_a_<fingerprint> that is a member of its layer grants.
-- So a new audience costs a few memberships, and the number of policies on a table is that of the different grants on it.
-- Roles belong to the whole cluster, privileges to this database; the names are hashes of what is granted, so that two
-- databases of one cluster may share a role without giving each other anything.

CREATE TABLE IF NOT EXISTS gis.layer_grant (
  role name PRIMARY KEY,
  layer text NOT NULL,
  districts text[],                 -- NULL: every row
  fields text[],                    -- NULL: every field
  condition text                    -- the row policy as it was issued
);
CREATE INDEX IF NOT EXISTS layer_grant_layer ON gis.layer_grant (layer);

CREATE TABLE IF NOT EXISTS gis.audience (
  role name PRIMARY KEY,
  search_condition text,            -- the row policy on the search as it was issued
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  used_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE IF NOT EXISTS gis.audience_layer (
  audience name NOT NULL REFERENCES gis.audience ON DELETE CASCADE,
  layer text NOT NULL,
  grant_role name NOT NULL REFERENCES gis.layer_grant,
  can_edit boolean NOT NULL,
  edit_districts text[],            -- NULL: in every district; only with can_edit
  PRIMARY KEY (audience, layer)
);
CREATE INDEX IF NOT EXISTS audience_layer_grant ON gis.audience_layer (grant_role);

-- May an audience (by its role) write a feature of a layer that lies in a district? 'owner' (jobs, maintenance) may write all.
CREATE OR REPLACE FUNCTION gis.may_edit(p_audience text, p_layer text, p_district text)
RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT p_audience = 'owner' OR EXISTS (
    SELECT FROM gis.audience_layer
    WHERE audience = p_audience AND layer = p_layer AND can_edit
      AND (edit_districts IS NULL OR p_district = ANY (edit_districts)))
$$;

-- Make a role that cannot log in; the owner becomes its member, so that a pooled connection may SET ROLE to it.
CREATE OR REPLACE FUNCTION gis.make_role(p_role name) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = p_role) THEN
    BEGIN
      EXECUTE format('CREATE ROLE %I NOLOGIN', p_role);
    EXCEPTION WHEN duplicate_object OR unique_violation THEN
      NULL;  -- another database of this cluster made it in the same moment
    END;
  END IF;
END $$;

CREATE OR REPLACE FUNCTION gis.is_direct_member(p_member name, p_of name) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT EXISTS (SELECT FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid JOIN pg_roles u ON u.oid = m.member
                 WHERE r.rolname = p_of AND u.rolname = p_member)
$$;

-- The columns that every version has, beside the layer's fields.
CREATE OR REPLACE FUNCTION gis.version_columns() RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
  SELECT ARRAY['version_id', 'fid', 'valid', 'begin_precision', 'end_precision', 'seq_from', 'seq_to', 'geom', 'geom_tile']
$$;

-- Give one table of a layer to a grant's role: exactly these columns, exactly these rows. Does nothing where all is so.
CREATE OR REPLACE FUNCTION gis.give_table(p_role name, p_table regclass, p_fields text[], p_condition text, p_renew boolean)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_wanted text[];
  v_given text[];
BEGIN
  IF NOT (SELECT relrowsecurity FROM pg_class WHERE oid = p_table) THEN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', p_table);
  END IF;

  IF p_fields IS NULL THEN
    -- The whole table, so that a field that is added later is given without another grant.
    IF NOT has_table_privilege(p_role, p_table, 'SELECT') THEN
      EXECUTE format('GRANT SELECT ON %s TO %I', p_table, p_role);
    END IF;
  ELSE
    SELECT array_agg(attname::text ORDER BY attnum),
           array_agg(attname::text ORDER BY attnum) FILTER (WHERE has_column_privilege(p_role, p_table, attname, 'SELECT'))
    INTO v_wanted, v_given
    FROM pg_attribute WHERE attrelid = p_table AND attnum > 0 AND NOT attisdropped;
    v_wanted := ARRAY(SELECT c FROM unnest(v_wanted) c WHERE c = ANY (gis.version_columns() || p_fields));
    IF v_given IS DISTINCT FROM v_wanted THEN
      EXECUTE format('REVOKE ALL ON %s FROM %I', p_table, p_role);
      EXECUTE format('GRANT SELECT (%s) ON %s TO %I',
                     (SELECT string_agg(quote_ident(c), ', ') FROM unnest(v_wanted) c), p_table, p_role);
    END IF;
  END IF;

  IF p_renew OR NOT EXISTS (SELECT FROM pg_policy WHERE polrelid = p_table AND polname = p_role) THEN
    EXECUTE format('DROP POLICY IF EXISTS %I ON %s', p_role, p_table);
    EXECUTE format('CREATE POLICY %I ON %s FOR SELECT TO %I USING (%s)', p_role, p_table, p_role, p_condition);
  END IF;
END $$;

-- Issue the privileges of one layer grant as the layer's tables are now.
CREATE OR REPLACE FUNCTION gis.issue_layer_grant(p_role name) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_grant gis.layer_grant;
  v_reach text;
  v_condition text;
  v_table text;
BEGIN
  SELECT * INTO STRICT v_grant FROM gis.layer_grant WHERE role = p_role;
  v_reach := gis.reach_of(gis.layer_json(v_grant.layer));
  v_condition := CASE
    WHEN v_grant.districts IS NULL THEN 'true'
    WHEN v_reach IS NULL THEN 'false'
    ELSE format('%s = ANY (%L::text[])', v_reach, v_grant.districts) END;
  FOREACH v_table IN ARRAY ARRAY[v_grant.layer, v_grant.layer || '_past'] LOOP
    IF to_regclass(format('city.%I', v_table)) IS NOT NULL THEN
      PERFORM gis.give_table(p_role, format('city.%I', v_table)::regclass, v_grant.fields, v_condition,
                             v_grant.condition IS DISTINCT FROM v_condition);
    END IF;
  END LOOP;
  PERFORM gis.give_cells(p_role, v_grant.layer, v_grant.districts, v_grant.fields, v_grant.condition IS DISTINCT FROM v_condition);
  UPDATE gis.layer_grant SET condition = v_condition WHERE role = p_role AND condition IS DISTINCT FROM v_condition;
END $$;

-- Keep a layer grant: its row, its role, its privileges.
CREATE OR REPLACE FUNCTION gis.keep_layer_grant(p_role name, p_layer text, p_districts text[], p_fields text[])
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(4548, 3);
  PERFORM gis.make_role(p_role);
  INSERT INTO gis.layer_grant (role, layer, districts, fields) VALUES (p_role, p_layer, p_districts, p_fields)
  ON CONFLICT DO NOTHING;
  -- Names are short hashes; should two grants ever share one, nobody gets the other's.
  IF NOT EXISTS (SELECT FROM gis.layer_grant WHERE role = p_role AND layer = p_layer
                 AND districts IS NOT DISTINCT FROM p_districts AND fields IS NOT DISTINCT FROM p_fields) THEN
    RAISE EXCEPTION 'role % holds another grant', p_role USING ERRCODE = '42710';
  END IF;
  PERFORM gis.issue_layer_grant(p_role);
END $$;

-- What an audience may find in the search, as a condition over gis.search_entry: literal lists, no look-up per row.
CREATE OR REPLACE FUNCTION gis.search_condition(p_audience name) RETURNS text LANGUAGE sql STABLE AS $$
  WITH given AS (SELECT g.layer, g.districts, g.fields FROM gis.audience_layer a JOIN gis.layer_grant g ON g.role = a.grant_role
                 WHERE a.audience = p_audience),
  alternatives AS (
    SELECT 1 AS ord, format('layer = ANY (%L::text[])', array_agg(layer ORDER BY layer)) AS condition
    FROM given WHERE districts IS NULL AND fields IS NULL HAVING count(*) > 0
    UNION ALL
    SELECT 2, format('(layer = ANY (%L::text[]) AND district_code = ANY (%L::text[]))', array_agg(layer ORDER BY layer), districts)
    FROM given WHERE districts IS NOT NULL AND fields IS NULL GROUP BY districts
    UNION ALL
    SELECT 3, format('(layer = %L AND field = ANY (%L::text[])%s)', layer, fields,
                     CASE WHEN districts IS NULL THEN '' ELSE format(' AND district_code = ANY (%L::text[])', districts) END)
    FROM given WHERE fields IS NOT NULL)
  SELECT coalesce(string_agg(condition, ' OR ' ORDER BY ord, condition), 'false') FROM alternatives
$$;

-- Issue what an audience has beside its layers: the catalogue's public part and its rows of the search.
CREATE OR REPLACE FUNCTION gis.issue_audience(p_role name) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_condition text := gis.search_condition(p_role);
  v_is_new boolean := (SELECT search_condition IS DISTINCT FROM v_condition FROM gis.audience WHERE role = p_role);
  v_table regclass;
BEGIN
  IF NOT has_schema_privilege(p_role, 'city', 'USAGE') OR NOT has_schema_privilege(p_role, 'gis', 'USAGE') THEN
    EXECUTE format('GRANT USAGE ON SCHEMA gis, city TO %I', p_role);
  END IF;
  -- Number and moment are what `known-at` needs; who changed what, and why, is told by the service to whom it may be told.
  IF NOT has_column_privilege(p_role, 'gis.changeset', 'seq', 'SELECT') THEN
    EXECUTE format('GRANT SELECT (seq, recorded_at) ON gis.changeset TO %I', p_role);
  END IF;
  -- By which definitions a tile was made is asked in the statement that makes it; the number tells nothing else.
  IF NOT has_column_privilege(p_role, 'gis.catalogue_state', 'version', 'SELECT') THEN
    EXECUTE format('GRANT SELECT (version) ON gis.catalogue_state TO %I', p_role);
  END IF;
  -- Initials of characters: the keys of a question are made with the reader's rights.
  IF NOT has_table_privilege(p_role, to_regclass('gis.pinyin'), 'SELECT') THEN
    EXECUTE format('GRANT SELECT ON gis.pinyin TO %I', p_role);
  END IF;
  -- Numbers of selected features: a filter names them, and of the features themselves the reader sees what is his to see.
  IF to_regclass('gis.kept_selection') IS NOT NULL AND NOT has_table_privilege(p_role, to_regclass('gis.kept_selection'), 'SELECT') THEN
    EXECUTE format('GRANT SELECT ON gis.kept_selection TO %I', p_role);
  END IF;
  FOREACH v_table IN ARRAY ARRAY[to_regclass('gis.search_entry'), to_regclass('gis.search_scope')] LOOP
    CONTINUE WHEN v_table IS NULL;
    PERFORM gis.give_table(p_role, v_table, NULL, v_condition, v_is_new);
  END LOOP;
  UPDATE gis.audience SET search_condition = v_condition WHERE role = p_role AND v_is_new;
END $$;

-- Keep an audience whose layer grants are kept already. p_grants: [{"layer", "role", "can_edit", "edit_districts"}]
CREATE OR REPLACE FUNCTION gis.keep_audience(p_role name, p_grants jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_grant name;
BEGIN
  PERFORM pg_advisory_xact_lock(4548, 3);
  PERFORM gis.make_role(p_role);
  INSERT INTO gis.audience (role) VALUES (p_role) ON CONFLICT DO NOTHING;
  INSERT INTO gis.audience_layer (audience, layer, grant_role, can_edit, edit_districts)
  SELECT p_role, layer, role, can_edit, edit_districts
  FROM jsonb_to_recordset(p_grants) AS g (layer text, role name, can_edit boolean, edit_districts text[])
  ON CONFLICT DO NOTHING;
  IF EXISTS (SELECT layer, grant_role, can_edit, edit_districts FROM gis.audience_layer WHERE audience = p_role
             EXCEPT SELECT layer, role, can_edit, edit_districts
             FROM jsonb_to_recordset(p_grants) AS g (layer text, role name, can_edit boolean, edit_districts text[])) THEN
    RAISE EXCEPTION 'role % is another audience', p_role USING ERRCODE = '42710';
  END IF;
  FOR v_grant IN SELECT grant_role FROM gis.audience_layer WHERE audience = p_role LOOP
    IF NOT gis.is_direct_member(p_role, v_grant) THEN
      EXECUTE format('GRANT %I TO %I', v_grant, p_role);
    END IF;
  END LOOP;
  IF NOT gis.is_direct_member(current_user, p_role) THEN
    EXECUTE format('GRANT %I TO %I', p_role, current_user);
  END IF;
  PERFORM gis.issue_audience(p_role);
END $$;

-- Say that an audience is in use; false where it is not kept (any more).
CREATE OR REPLACE FUNCTION gis.touch_audience(p_role name) RETURNS boolean LANGUAGE sql AS $$
  UPDATE gis.audience SET used_at = clock_timestamp() WHERE role = p_role AND used_at < clock_timestamp() - interval '10 minutes';
  SELECT EXISTS (SELECT FROM gis.audience a JOIN pg_roles r ON r.rolname = a.role WHERE a.role = p_role)
$$;

-- Issue everything an audience has again, after the tables of layers changed. Cheap where nothing did.
CREATE OR REPLACE FUNCTION gis.regrant(p_role name) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM gis.issue_layer_grant(grant_role) FROM gis.audience_layer WHERE audience = p_role ORDER BY layer;
  PERFORM gis.issue_audience(p_role);
END $$;

CREATE OR REPLACE FUNCTION gis.drop_role(p_role name) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = p_role) THEN
    -- An owner who is no superuser takes away only what is given to roles it has itself.
    IF NOT pg_has_role(p_role, 'USAGE') THEN
      EXECUTE format('GRANT %I TO %I', p_role, current_user);
    END IF;
    EXECUTE format('DROP OWNED BY %I', p_role);
    BEGIN
      EXECUTE format('DROP ROLE %I', p_role);
    EXCEPTION WHEN dependent_objects_still_exist THEN
      NULL;  -- another database of this cluster still grants something to it
    END;
  END IF;
END $$;

-- Forget audiences that nobody used for a while, and the layer grants that no audience has any more; return how many.
CREATE OR REPLACE FUNCTION gis.prune_audiences(p_unused interval) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  v_role name;
  v_count integer := 0;
BEGIN
  PERFORM pg_advisory_xact_lock(4548, 3);
  FOR v_role IN DELETE FROM gis.audience WHERE used_at < clock_timestamp() - p_unused RETURNING role LOOP
    PERFORM gis.drop_role(v_role);
    v_count := v_count + 1;
  END LOOP;
  FOR v_role IN DELETE FROM gis.layer_grant g
                WHERE NOT EXISTS (SELECT FROM gis.audience_layer a WHERE a.grant_role = g.role)
                RETURNING role LOOP
    PERFORM gis.drop_role(v_role);
  END LOOP;
  RETURN v_count;
END $$;

-- Audiences that are older than this right get it.
DO $do$
DECLARE
  v_role name;
BEGIN
  FOR v_role IN SELECT a.role FROM gis.audience a JOIN pg_roles r ON r.rolname = a.role
                WHERE NOT has_column_privilege(a.role, 'gis.catalogue_state', 'version', 'SELECT') LOOP
    EXECUTE format('GRANT SELECT (version) ON gis.catalogue_state TO %I', v_role);
  END LOOP;
END $do$;
