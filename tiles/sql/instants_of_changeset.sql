-- The instants that a changeset brought to a layer, in microseconds since 1970: of its rows, also of those closed since.
SELECT array(
  SELECT DISTINCT (extract(epoch FROM instant) * 1000000)::bigint
  FROM (SELECT valid FROM city.{layer} WHERE seq_from = %(seq)s UNION ALL
        SELECT valid FROM city.{past} WHERE seq_from = %(seq)s) rows, LATERAL (VALUES (lower(valid)), (upper(valid))) ends (instant)
  WHERE isfinite(instant)
  ORDER BY 1
  LIMIT %(limit)s);
