-- Let a restored database take the place of the present one, in one transaction; run by psql on the database `postgres`.
-- Variables: fresh (the restored one), present (the name it gets), old (the name the present one gets).

SELECT count(pg_terminate_backend(pid)) AS ended FROM pg_stat_activity WHERE datname IN (:'fresh', :'present');

BEGIN;
ALTER DATABASE :"present" RENAME TO :"old";
ALTER DATABASE :"fresh" RENAME TO :"present";
COMMIT;
