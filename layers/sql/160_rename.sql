-- Renaming a layer: its tables, their indexes and constraints, and every mention of it.

CREATE OR REPLACE FUNCTION gis.rename_layer(p_old text, p_new text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_pair record;
  v_part record;
BEGIN
  -- They are made again when the new definition is stored.
  PERFORM gis.drop_cells(p_old);
  FOR v_pair IN SELECT * FROM (VALUES ('city', p_old, p_new), ('city', p_old || '_past', p_new || '_past'), ('city_stage', p_old, p_new))
                     AS t (schema, old, new) LOOP
    EXECUTE format('ALTER TABLE %I.%I RENAME TO %I', v_pair.schema, v_pair.old, v_pair.new);
    -- Constraints first: renaming one renames the index behind it.
    FOR v_part IN SELECT conname AS name FROM pg_constraint
                  WHERE conrelid = format('%I.%I', v_pair.schema, v_pair.new)::regclass AND starts_with(conname, v_pair.old || '_') LOOP
      EXECUTE format('ALTER TABLE %I.%I RENAME CONSTRAINT %I TO %I', v_pair.schema, v_pair.new, v_part.name,
                     v_pair.new || substr(v_part.name, length(v_pair.old) + 1));
    END LOOP;
    FOR v_part IN SELECT indexname AS name FROM pg_indexes
                  WHERE schemaname = v_pair.schema AND tablename = v_pair.new AND starts_with(indexname, v_pair.old || '_')
                    AND NOT starts_with(indexname, v_pair.new || '_') LOOP
      EXECUTE format('ALTER INDEX %I.%I RENAME TO %I', v_pair.schema, v_part.name, v_pair.new || substr(v_part.name, length(v_pair.old) + 1));
    END LOOP;
  END LOOP;
  UPDATE gis.changeset_layer SET layer = p_new WHERE layer = p_old;
  UPDATE gis.lineage_edge SET layer = p_new WHERE layer = p_old;
  -- A layer that had this name before may have left a style of the same title.
  UPDATE gis.layer_style s SET layer = p_new WHERE layer = p_old
    AND NOT EXISTS (SELECT FROM gis.layer_style t WHERE t.layer = p_new AND t.title = s.title);
END $$;

-- Take the row policies off a layer's tables, so that a column they read can be changed; `gis.regrant` issues them again.
CREATE OR REPLACE FUNCTION gis.drop_row_policies(p_layer text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_policy record;
BEGIN
  FOR v_policy IN SELECT policyname, tablename FROM pg_policies
                  WHERE schemaname = 'city' AND tablename IN (p_layer, p_layer || '_past') LOOP
    EXECUTE format('DROP POLICY %I ON city.%I', v_policy.policyname, v_policy.tablename);
  END LOOP;
END $$;
