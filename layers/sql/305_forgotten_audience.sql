-- Audiences that nobody uses are forgotten, with their roles (`layers.access.prune_audiences`).

CREATE OR REPLACE FUNCTION gis.drop_role(p_role name) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = p_role) THEN
    -- An owner who is no superuser takes away only what is given to roles it has itself.
    IF NOT pg_has_role(p_role, 'USAGE') THEN
      EXECUTE format('GRANT %I TO %I', p_role, current_user);
    END IF;
    EXECUTE format('DROP OWNED BY %I', p_role);
    IF gis.is_marked(p_role) THEN
      EXECUTE format('ALTER ROLE %I IN DATABASE %I RESET ALL', p_role, current_database());
    END IF;
    IF EXISTS (SELECT FROM pg_db_role_setting s JOIN pg_roles r ON r.oid = s.setrole WHERE r.rolname = p_role) THEN
      RETURN;  -- another database of this cluster uses it
    END IF;
    BEGIN
      EXECUTE format('DROP ROLE %I', p_role);
    EXCEPTION WHEN dependent_objects_still_exist THEN
      NULL;  -- another database of this cluster still grants something to it
    END;
  END IF;
END $$;

-- Forget audiences that nobody used for a while, at most p_most of them, and what no audience has any more; return how many audiences.
DROP FUNCTION IF EXISTS gis.prune_audiences(interval);
CREATE OR REPLACE FUNCTION gis.prune_audiences(p_unused interval, p_most integer DEFAULT 500) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  v_role name;
  v_count integer := 0;
BEGIN
  PERFORM pg_advisory_xact_lock(4548, 3);
  FOR v_role IN DELETE FROM gis.audience WHERE role IN (
                  SELECT role FROM gis.audience WHERE used_at < clock_timestamp() - p_unused ORDER BY used_at LIMIT p_most)
                  -- Asked again of the row as it is when it is locked: its reader may have come just now.
                  AND used_at < clock_timestamp() - p_unused RETURNING role LOOP
    PERFORM gis.drop_role(v_role);
    v_count := v_count + 1;
  END LOOP;
  FOR v_role IN DELETE FROM gis.profile p WHERE NOT EXISTS (SELECT FROM gis.audience a WHERE a.profile = p.role) RETURNING role LOOP
    PERFORM gis.drop_role(v_role);
  END LOOP;
  FOR v_role IN DELETE FROM gis.layer_grant g
                WHERE NOT EXISTS (SELECT FROM gis.audience_layer a WHERE a.grant_role = g.role)
                  AND NOT EXISTS (SELECT FROM gis.profile_grant p WHERE p.grant_role = g.role)
                RETURNING role LOOP
    PERFORM gis.drop_role(v_role);
  END LOOP;
  RETURN v_count;
END $$;
