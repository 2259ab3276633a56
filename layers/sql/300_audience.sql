-- Who may read what, as PostgreSQL itself enforces it.
--
-- A layer grant (one layer, some districts, some fields) is a role gis_g_<hash> with column grants and a row policy on the
-- layer's two tables. A profile (a set of layer grants) is a role gis_p_<hash> that is a member of its layer grants and holds what
-- goes with them: the schemas, the search. An audience is a role gis_a_<fingerprint> that is a member of its profile and has no
-- privilege itself: a table's list of privileges has room for some two thousand roles, and each policy costs every session that opens it.
-- Rows with owners are seen by circles (all, role:…, person:…). Whose circles an audience is in stands in gis.reader_circle, and the one
-- policy of the layer looks there by current_user. So thousands who draw cost a row and two memberships each.
-- Roles belong to the whole cluster, privileges to this database; the names are hashes of what is granted, so that two
-- databases of one cluster may share a role without giving each other anything.

CREATE TABLE IF NOT EXISTS gis.layer_grant (
  role name PRIMARY KEY,
  layer text NOT NULL,
  districts text[],                 -- NULL: every row
  fields text[],                    -- NULL: every field
  condition text                    -- the row policy as it was issued
);
-- The rows are those of the circles that the audience is in; `districts` says nothing then.
ALTER TABLE gis.layer_grant ADD COLUMN IF NOT EXISTS by_circle boolean NOT NULL DEFAULT false;
CREATE INDEX IF NOT EXISTS layer_grant_layer ON gis.layer_grant (layer);

CREATE TABLE IF NOT EXISTS gis.profile (
  role name PRIMARY KEY,
  search_condition text             -- the row policy on the search as it was issued
);

CREATE TABLE IF NOT EXISTS gis.profile_grant (
  profile name NOT NULL REFERENCES gis.profile ON DELETE CASCADE,
  grant_role name NOT NULL REFERENCES gis.layer_grant,
  PRIMARY KEY (profile, grant_role)
);
CREATE INDEX IF NOT EXISTS profile_grant_role ON gis.profile_grant (grant_role);

CREATE TABLE IF NOT EXISTS gis.audience (
  role name PRIMARY KEY,
  search_condition text,            -- of audiences that are older than profiles
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  used_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

ALTER TABLE gis.audience ADD COLUMN IF NOT EXISTS profile name REFERENCES gis.profile;
CREATE INDEX IF NOT EXISTS audience_profile ON gis.audience (profile);

CREATE TABLE IF NOT EXISTS gis.audience_layer (
  audience name NOT NULL REFERENCES gis.audience ON DELETE CASCADE,
  layer text NOT NULL,
  grant_role name NOT NULL REFERENCES gis.layer_grant,
  can_edit boolean NOT NULL,
  edit_districts text[],            -- NULL: in every district; only with can_edit
  PRIMARY KEY (audience, layer)
);
CREATE INDEX IF NOT EXISTS audience_layer_grant ON gis.audience_layer (grant_role);

-- The circles that an audience is in, by layer. Everybody reads his own alone: the row policies of layers whose rows have owners do.
CREATE TABLE IF NOT EXISTS gis.reader_circle (
  audience name NOT NULL REFERENCES gis.audience ON DELETE CASCADE,
  layer text NOT NULL,
  circles text[] NOT NULL,
  PRIMARY KEY (audience, layer)
);
-- Where it is there it is left alone: this runs at every start, and a policy needs the table for itself while everybody reads it.
DO $do$
BEGIN
  IF NOT (SELECT relrowsecurity FROM pg_class WHERE oid = 'gis.reader_circle'::regclass) THEN
    ALTER TABLE gis.reader_circle ENABLE ROW LEVEL SECURITY;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_policy WHERE polrelid = 'gis.reader_circle'::regclass AND polname = 'own_circles') THEN
    CREATE POLICY own_circles ON gis.reader_circle FOR SELECT USING (audience = current_user);
  END IF;
END $do$;

-- Whose circles count, as a condition: a list that is looked up once for a statement.
CREATE OR REPLACE FUNCTION gis.in_circles(p_column text, p_layer text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT format('%s = ANY ((SELECT c.circles FROM gis.reader_circle c WHERE c.audience = current_user AND c.layer = %L)::text[])', p_column, p_layer)
$$;

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
    WHEN v_grant.by_circle AND v_reach IS NOT NULL THEN gis.in_circles(v_reach, v_grant.layer)
    WHEN v_grant.by_circle THEN 'false'
    WHEN v_grant.districts IS NULL THEN 'true'
    WHEN v_reach IS NULL THEN 'false'
    ELSE format('%s = ANY (%L::text[])', v_reach, v_grant.districts) END;
  FOREACH v_table IN ARRAY ARRAY[v_grant.layer, v_grant.layer || '_past'] LOOP
    IF to_regclass(format('city.%I', v_table)) IS NOT NULL THEN
      PERFORM gis.give_table(p_role, format('city.%I', v_table)::regclass, v_grant.fields, v_condition,
                             v_grant.condition IS DISTINCT FROM v_condition);
    END IF;
  END LOOP;
  -- Rows with owners are not counted in cells; were they, nobody's would be told.
  PERFORM gis.give_cells(p_role, v_grant.layer, CASE WHEN v_grant.by_circle THEN '{}' ELSE v_grant.districts END, v_grant.fields, v_grant.condition IS DISTINCT FROM v_condition);
  UPDATE gis.layer_grant SET condition = v_condition WHERE role = p_role AND condition IS DISTINCT FROM v_condition;
END $$;

-- Keep a layer grant: its row, its role, its privileges.
DROP FUNCTION IF EXISTS gis.keep_layer_grant(name, text, text[], text[]);
CREATE OR REPLACE FUNCTION gis.keep_layer_grant(p_role name, p_layer text, p_districts text[], p_fields text[], p_by_circle boolean)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(4548, 3);
  PERFORM gis.make_role(p_role);
  INSERT INTO gis.layer_grant (role, layer, districts, fields, by_circle) VALUES (p_role, p_layer, p_districts, p_fields, p_by_circle)
  ON CONFLICT DO NOTHING;
  -- Names are short hashes; should two grants ever share one, nobody gets the other's.
  IF NOT EXISTS (SELECT FROM gis.layer_grant WHERE role = p_role AND layer = p_layer
                 AND districts IS NOT DISTINCT FROM p_districts AND fields IS NOT DISTINCT FROM p_fields AND by_circle = p_by_circle) THEN
    RAISE EXCEPTION 'role % holds another grant', p_role USING ERRCODE = '42710';
  END IF;
  PERFORM gis.issue_layer_grant(p_role);
END $$;

-- What a profile may find in the search, as a condition over gis.search_entry: literal lists and own circles, no look-up per row.
DROP FUNCTION IF EXISTS gis.search_condition(name);
CREATE OR REPLACE FUNCTION gis.search_condition(p_profile name) RETURNS text LANGUAGE sql STABLE AS $$
  WITH given AS (SELECT g.layer, g.districts, g.fields, g.by_circle FROM gis.profile_grant p JOIN gis.layer_grant g ON g.role = p.grant_role
                 WHERE p.profile = p_profile),
  alternatives AS (
    SELECT 1 AS ord, format('layer = ANY (%L::text[])', array_agg(layer ORDER BY layer)) AS condition
    FROM given WHERE districts IS NULL AND fields IS NULL AND NOT by_circle HAVING count(*) > 0
    UNION ALL
    SELECT 2, format('(layer = ANY (%L::text[]) AND district_code = ANY (%L::text[]))', array_agg(layer ORDER BY layer), districts)
    FROM given WHERE districts IS NOT NULL AND fields IS NULL AND NOT by_circle GROUP BY districts
    UNION ALL
    SELECT 3, format('(layer = %L%s%s)', layer, CASE WHEN fields IS NULL THEN '' ELSE format(' AND field = ANY (%L::text[])', fields) END,
                     CASE WHEN by_circle THEN ' AND ' || gis.in_circles('district_code', layer)
                          WHEN districts IS NULL THEN '' ELSE format(' AND district_code = ANY (%L::text[])', districts) END)
    FROM given WHERE fields IS NOT NULL OR by_circle)
  SELECT coalesce(string_agg(condition, ' OR ' ORDER BY ord, condition), 'false') FROM alternatives
$$;

-- Issue what a profile has beside its layers: the catalogue's public part, its rows of the search, and each reader's own circles.
DROP FUNCTION IF EXISTS gis.issue_audience(name);
CREATE OR REPLACE FUNCTION gis.issue_profile(p_role name) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_condition text := gis.search_condition(p_role);
  v_is_new boolean := (SELECT search_condition IS DISTINCT FROM v_condition FROM gis.profile WHERE role = p_role);
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
  IF NOT has_table_privilege(p_role, 'gis.reader_circle', 'SELECT') THEN
    EXECUTE format('GRANT SELECT ON gis.reader_circle TO %I', p_role);
  END IF;
  FOREACH v_table IN ARRAY ARRAY[to_regclass('gis.search_entry'), to_regclass('gis.search_scope')] LOOP
    CONTINUE WHEN v_table IS NULL;
    PERFORM gis.give_table(p_role, v_table, NULL, v_condition, v_is_new);
  END LOOP;
  UPDATE gis.profile SET search_condition = v_condition WHERE role = p_role AND v_is_new;
END $$;

-- Keep a profile: the role of exactly these layer grants. Returns its name.
CREATE OR REPLACE FUNCTION gis.keep_profile(p_grants name[]) RETURNS name LANGUAGE plpgsql AS $$
DECLARE
  v_profile name := 'gis_p_' || left(md5(array_to_string(ARRAY(SELECT g FROM unnest(p_grants) g ORDER BY g COLLATE "C"), ',')), 16);
  v_grant name;
BEGIN
  INSERT INTO gis.profile (role) VALUES (v_profile) ON CONFLICT DO NOTHING;
  IF FOUND THEN
    INSERT INTO gis.profile_grant (profile, grant_role) SELECT v_profile, g FROM unnest(p_grants) g ON CONFLICT DO NOTHING;
  END IF;
  -- Names are short hashes here too.
  IF EXISTS ((SELECT grant_role FROM gis.profile_grant WHERE profile = v_profile EXCEPT SELECT unnest(p_grants))
             UNION ALL (SELECT unnest(p_grants) EXCEPT SELECT grant_role FROM gis.profile_grant WHERE profile = v_profile)) THEN
    RAISE EXCEPTION 'role % holds other grants', v_profile USING ERRCODE = '42710';
  END IF;
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = v_profile) THEN
    -- Roles are the cluster's: it may be there and have nothing here.
    IF has_schema_privilege(v_profile, 'gis', 'USAGE') THEN RETURN v_profile; END IF;
  ELSE
    PERFORM gis.make_role(v_profile);
  END IF;
  FOREACH v_grant IN ARRAY p_grants LOOP
    IF NOT gis.is_direct_member(v_profile, v_grant) THEN
      EXECUTE format('GRANT %I TO %I', v_grant, v_profile);
    END IF;
  END LOOP;
  PERFORM gis.issue_profile(v_profile);
  RETURN v_profile;
END $$;

-- Does this database use a role that has no privilege of its own in it? Roles are the cluster's: what says so has to be too.
CREATE OR REPLACE FUNCTION gis.is_marked(p_role name) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT EXISTS (SELECT FROM pg_db_role_setting s JOIN pg_roles r ON r.oid = s.setrole JOIN pg_database d ON d.oid = s.setdatabase
                 WHERE r.rolname = p_role AND d.datname = current_database())
$$;

-- Keep an audience whose layer grants are kept already. p_grants: [{"layer", "role", "can_edit", "edit_districts", "circles"}]
CREATE OR REPLACE FUNCTION gis.keep_audience(p_role name, p_grants jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_profile name;
BEGIN
  PERFORM pg_advisory_xact_lock(4548, 3);
  v_profile := gis.keep_profile(ARRAY(SELECT (g ->> 'role')::name FROM jsonb_array_elements(p_grants) g));
  PERFORM gis.make_role(p_role);
  IF EXISTS (SELECT FROM gis.audience WHERE role = p_role AND profile IS NULL) THEN
    -- It is older than profiles: what it has itself, it has from its profile from now on.
    EXECUTE format('DROP OWNED BY %I', p_role);
    DELETE FROM gis.audience_layer WHERE audience = p_role;
    UPDATE gis.audience SET profile = v_profile, search_condition = NULL WHERE role = p_role;
  END IF;
  INSERT INTO gis.audience (role, profile) VALUES (p_role, v_profile) ON CONFLICT DO NOTHING;
  INSERT INTO gis.audience_layer (audience, layer, grant_role, can_edit, edit_districts)
  SELECT p_role, layer, role, can_edit, edit_districts
  FROM jsonb_to_recordset(p_grants) AS g (layer text, role name, can_edit boolean, edit_districts text[])
  ON CONFLICT DO NOTHING;
  INSERT INTO gis.reader_circle (audience, layer, circles)
  SELECT p_role, layer, circles FROM jsonb_to_recordset(p_grants) AS g (layer text, circles text[]) WHERE circles IS NOT NULL
  ON CONFLICT DO NOTHING;
  IF (SELECT profile FROM gis.audience WHERE role = p_role) <> v_profile
     OR EXISTS (SELECT layer, grant_role, can_edit, edit_districts FROM gis.audience_layer WHERE audience = p_role
                EXCEPT SELECT layer, role, can_edit, edit_districts
                FROM jsonb_to_recordset(p_grants) AS g (layer text, role name, can_edit boolean, edit_districts text[]))
     OR EXISTS (SELECT layer, circles FROM gis.reader_circle WHERE audience = p_role
                EXCEPT SELECT layer, circles FROM jsonb_to_recordset(p_grants) AS g (layer text, circles text[])) THEN
    RAISE EXCEPTION 'role % is another audience', p_role USING ERRCODE = '42710';
  END IF;
  IF NOT gis.is_direct_member(p_role, v_profile) THEN
    EXECUTE format('GRANT %I TO %I', v_profile, p_role);
  END IF;
  IF NOT gis.is_direct_member(current_user, p_role) THEN
    EXECUTE format('GRANT %I TO %I', p_role, current_user);
  END IF;
  IF NOT gis.is_marked(p_role) THEN
    -- Nobody logs in as it: the setting says no more than that this database uses it.
    EXECUTE format('ALTER ROLE %I IN DATABASE %I SET application_name = %L', p_role, current_database(), 'gis');
  END IF;
END $$;

-- Say that an audience is in use; false where it is not kept (any more).
CREATE OR REPLACE FUNCTION gis.touch_audience(p_role name) RETURNS boolean LANGUAGE sql AS $$
  UPDATE gis.audience SET used_at = clock_timestamp() WHERE role = p_role AND used_at < clock_timestamp() - interval '10 minutes';
  SELECT gis.is_marked(p_role) AND EXISTS (SELECT FROM gis.audience a JOIN pg_roles r ON r.rolname = a.profile WHERE a.role = p_role)
$$;

-- Issue again what audiences have that may read one of some layers (NULL: of any), after the tables changed; cheap where nothing did.
-- Grants and profiles are few, however many audiences share them. Each is done by whoever calls, one at a time (`layers.access.regrant_all`).
CREATE OR REPLACE FUNCTION gis.grants_of(p_layers text[]) RETURNS TABLE (role name, is_profile boolean) LANGUAGE sql STABLE AS $$
  SELECT g.role, false FROM gis.layer_grant g WHERE p_layers IS NULL OR g.layer = ANY (p_layers)
  UNION
  SELECT p.role, true FROM gis.profile p
  WHERE p_layers IS NULL OR EXISTS (SELECT FROM gis.profile_grant pg JOIN gis.layer_grant g ON g.role = pg.grant_role
                                    WHERE pg.profile = p.role AND g.layer = ANY (p_layers))
  ORDER BY 2, 1
$$;

-- What is forgotten meanwhile is left out.
CREATE OR REPLACE FUNCTION gis.regrant(p_role name, p_is_profile boolean) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(4548, 3);
  IF p_is_profile THEN
    PERFORM gis.issue_profile(role) FROM gis.profile WHERE role = p_role;
  ELSE
    PERFORM gis.issue_layer_grant(role) FROM gis.layer_grant WHERE role = p_role;
  END IF;
END $$;
DROP FUNCTION IF EXISTS gis.regrant(name);

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
