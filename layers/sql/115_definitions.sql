-- What a writer has read of a layer may be older than its tables: it would leave a new field empty and count by old classes.

-- Refuse a changeset that was staged by other definitions than those that stand: {layer: version}. Takes the writers' lock, under which
-- definitions do not change.
CREATE OR REPLACE FUNCTION gis.require_definitions(p_versions jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(4548, 1);
  IF EXISTS (SELECT FROM jsonb_each_text(p_versions) g LEFT JOIN gis.layer_definition d ON d.layer = g.key AND d.is_present
             WHERE d.version IS DISTINCT FROM g.value::integer) THEN
    RAISE EXCEPTION 'a layer was defined anew' USING ERRCODE = 'GS426';
  END IF;
END $$;
