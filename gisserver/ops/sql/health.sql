-- What `gis doctor` asks a database: one row per finding (what, whether it is well, detail).

SELECT 'PostgreSQL', current_setting('server_version_num')::int >= 150000, current_setting('server_version')
UNION ALL
SELECT 'PostGIS', split_part(extversion, '.', 1)::int >= 3, extversion FROM pg_extension WHERE extname = 'postgis'
UNION ALL
SELECT 'jit', current_setting('jit') = 'off', 'jit = ' || current_setting('jit') || '; compiling plans costs tiles more than it saves'
UNION ALL
SELECT 'transactions', coalesce(max(age(datfrozenxid)), 0) < 1000000000, 'oldest ' || coalesce(max(age(datfrozenxid)), 0) || ' transactions old'
FROM pg_database WHERE datname = current_database()
UNION ALL
SELECT 'forgotten', count(*) = 0, count(*) || ' transactions open for more than an hour'
FROM pg_stat_activity WHERE datname = current_database() AND xact_start < now() - interval '1 hour'
UNION ALL
SELECT 'size', true, pg_size_pretty(pg_database_size(current_database()))
