-- Functions that PostgreSQL may run before a row policy.
--
-- Under a row policy an index is used only through functions that are LEAKPROOF: they tell nothing about a value except by
-- their result, neither by an error nor by a notice, so that it does no harm to run them on a row the reader may not see.
-- Comparisons of bigint, float8, boolean, date, timestamptz and text, and starts_with (^@), are marked by PostgreSQL itself.
-- Each function below was read in the sources of PostgreSQL 15 and PostGIS 3.3 for what it can say:
--
--   geometry_overlaps, geometry_within, geometry_contains   (&&, @, ~)
--       compare two bounding boxes that stand in the head of the stored value (or are made from its coordinates); an empty
--       geometry is no error but false; systems of reference are not compared; no message holds a coordinate.
--   range_contains_elem, elem_contained_by_range, range_overlaps, range_contains, range_contained_by   (@>, <@, &&)
--       compare bounds by the subtype's own comparison (timestamptz_cmp, leakproof itself); the one error, "range types do not
--       match", depends on types, which the parser has settled before.
--   tstzrange_subdiff
--       subtracts two moments as a number; no error, no message. The planner wants it leakproof before it looks at the statistics of
--       a range under a row policy; without, it takes every moment for rare (0.5 % of the versions) and sorts what it should walk.
--   arraycontains, arrayoverlap   (@>, && on arrays)
--       compare elements by the element type's equality; here text, whose equality is leakproof; errors depend on types only.
--
-- Not marked: like and ilike (an escape at the end of a pattern is an error that depends on how far the value matched),
-- jsonb_contains (deep documents can exhaust the stack), ST_Intersects and its family (errors name what is wrong with a
-- geometry): they run after the policy, and `&&` beside them finds the rows.

CREATE TABLE IF NOT EXISTS gis.capability (
  name text PRIMARY KEY,
  is_present boolean NOT NULL,
  detail text,
  checked_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE gis.capability IS 'What this database allows its owner; read by gis doctor';

CREATE OR REPLACE FUNCTION gis.reviewed_functions() RETURNS regprocedure[] LANGUAGE sql STABLE AS $$
  SELECT ARRAY['geometry_overlaps(geometry,geometry)', 'geometry_within(geometry,geometry)', 'geometry_contains(geometry,geometry)',
               'range_contains_elem(anyrange,anyelement)', 'elem_contained_by_range(anyelement,anyrange)',
               'range_overlaps(anyrange,anyrange)', 'range_contains(anyrange,anyrange)', 'range_contained_by(anyrange,anyrange)',
               'tstzrange_subdiff(timestamptz,timestamptz)', 'arraycontains(anyarray,anyarray)', 'arrayoverlap(anyarray,anyarray)']::regprocedure[]
$$;

-- Mark what is not marked yet. Only a superuser may; where the owner is none, rows stay protected and are found slowly,
-- and the capability says so. (An update of PostGIS makes its functions anew, unmarked; so this runs at every migration.)
CREATE OR REPLACE FUNCTION gis.mark_leakproof() RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  v_function regprocedure;
  v_missing text;
BEGIN
  FOR v_function IN SELECT f FROM unnest(gis.reviewed_functions()) f JOIN pg_proc p ON p.oid = f WHERE NOT p.proleakproof LOOP
    BEGIN
      EXECUTE format('ALTER FUNCTION %s LEAKPROOF', v_function);
    EXCEPTION WHEN insufficient_privilege THEN
      v_missing := concat_ws(', ', v_missing, v_function::text);
    END;
  END LOOP;
  INSERT INTO gis.capability (name, is_present, detail)
  VALUES ('leakproof', v_missing IS NULL, 'a superuser must run: ALTER FUNCTION … LEAKPROOF for ' || v_missing)
  ON CONFLICT (name) DO UPDATE SET is_present = excluded.is_present, detail = excluded.detail, checked_at = clock_timestamp()
  WHERE (gis.capability.is_present, gis.capability.detail) IS DISTINCT FROM (excluded.is_present, excluded.detail);
  RETURN v_missing IS NULL;
END $$;

DO $$ BEGIN PERFORM gis.mark_leakproof(); END $$;
