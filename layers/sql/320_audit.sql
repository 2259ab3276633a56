-- The audit: who signed in, opened, exported, edited or changed permissions. Only ever appended, and chained by hashes.

CREATE TABLE IF NOT EXISTS gis.audit (
  id bigint PRIMARY KEY,
  at timestamptz NOT NULL,
  event text NOT NULL,
  actor text NOT NULL,
  account_id bigint,
  address text,
  request_id text,
  layer text,
  fid bigint,
  seq bigint,
  reason text,
  succeeded boolean NOT NULL DEFAULT true,
  detail jsonb NOT NULL DEFAULT '{}',
  hash bytea NOT NULL
);
CREATE INDEX IF NOT EXISTS audit_at ON gis.audit (at);
CREATE INDEX IF NOT EXISTS audit_event ON gis.audit (event, id);
CREATE INDEX IF NOT EXISTS audit_actor ON gis.audit (actor, id);
CREATE INDEX IF NOT EXISTS audit_feature ON gis.audit (layer, fid, id) WHERE layer IS NOT NULL;

-- Where the chain ends; without it a tail that was cut off would leave no trace.
CREATE TABLE IF NOT EXISTS gis.audit_head (
  only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
  id bigint NOT NULL,
  hash bytea NOT NULL
);
INSERT INTO gis.audit_head (id, hash) VALUES (0, decode(repeat('00', 32), 'hex')) ON CONFLICT DO NOTHING;

-- A row as the text that is hashed: a JSON array, so that no value can pose as two. Keys of `detail` are in jsonb's order.
CREATE OR REPLACE FUNCTION gis.audit_text(a gis.audit) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT json_build_array(a.id, to_char(a.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), a.event, a.actor,
                          a.account_id, a.address, a.request_id, a.layer, a.fid, a.seq, a.reason, a.succeeded,
                          a.detail::text)::text
$$;

CREATE OR REPLACE FUNCTION gis.audit_hash(p_before bytea, a gis.audit) RETURNS bytea LANGUAGE sql STABLE AS $$
  SELECT sha256(p_before || convert_to(gis.audit_text(a), 'UTF8'))
$$;

-- Number and chain a row as it comes, whoever inserts it; the head's row is the lock that keeps the chain single.
CREATE OR REPLACE FUNCTION gis.audit_chain() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  v_head gis.audit_head;
BEGIN
  SELECT * INTO STRICT v_head FROM gis.audit_head FOR UPDATE;
  NEW.id := v_head.id + 1;
  NEW.at := clock_timestamp();
  NEW.hash := gis.audit_hash(v_head.hash, NEW);
  UPDATE gis.audit_head SET id = NEW.id, hash = NEW.hash;
  RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION gis.audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the audit is only ever appended: % of % is refused', lower(TG_OP), TG_TABLE_NAME USING ERRCODE = '42501';
END $$;

-- The head moves by one row at a time, together with the row it names.
CREATE OR REPLACE FUNCTION gis.audit_head_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.id <> OLD.id + 1 OR pg_trigger_depth() < 2 THEN
    RAISE EXCEPTION 'the head of the audit moves only with a new row' USING ERRCODE = '42501';
  END IF;
  RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER audit_chain BEFORE INSERT ON gis.audit FOR EACH ROW EXECUTE FUNCTION gis.audit_chain();
CREATE OR REPLACE TRIGGER audit_refuse BEFORE UPDATE OR DELETE ON gis.audit FOR EACH ROW EXECUTE FUNCTION gis.audit_refuse();
CREATE OR REPLACE TRIGGER audit_keep BEFORE TRUNCATE ON gis.audit FOR EACH STATEMENT EXECUTE FUNCTION gis.audit_refuse();
CREATE OR REPLACE TRIGGER audit_head_moves BEFORE UPDATE ON gis.audit_head FOR EACH ROW EXECUTE FUNCTION gis.audit_head_moves();
CREATE OR REPLACE TRIGGER audit_head_refuse BEFORE DELETE ON gis.audit_head FOR EACH ROW EXECUTE FUNCTION gis.audit_refuse();
CREATE OR REPLACE TRIGGER audit_head_keep BEFORE TRUNCATE ON gis.audit_head FOR EACH STATEMENT EXECUTE FUNCTION gis.audit_refuse();

-- Who is acting in this transaction, as the service said it (set_config); else the one who is logged in to the database.
CREATE OR REPLACE FUNCTION gis.acting(p_setting text) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT nullif(current_setting('gis.' || p_setting, true), '')
$$;

CREATE OR REPLACE FUNCTION gis.audit_append(p_event text, p_actor text DEFAULT NULL, p_layer text DEFAULT NULL, p_fid bigint DEFAULT NULL,
                                            p_seq bigint DEFAULT NULL, p_reason text DEFAULT NULL, p_succeeded boolean DEFAULT true,
                                            p_detail jsonb DEFAULT '{}')
RETURNS void LANGUAGE sql AS $$
  INSERT INTO gis.audit (event, actor, account_id, address, request_id, layer, fid, seq, reason, succeeded, detail)
  VALUES (p_event, coalesce(p_actor, gis.acting('actor'), session_user::text), gis.acting('account_id')::bigint,
          gis.acting('address'), gis.acting('request_id'), p_layer, p_fid, p_seq, p_reason, p_succeeded, p_detail)
$$;

-- Walk the chain. `broken_id` is the first row that is not what was written; `problem` says why; NULL when all is whole.
CREATE OR REPLACE FUNCTION gis.audit_verify()
RETURNS TABLE (row_count bigint, head_id bigint, head_hash bytea, broken_id bigint, problem text) LANGUAGE sql STABLE AS $$
  WITH walked AS (
    SELECT a.id, a.hash, lag(a.id, 1, 0::bigint) OVER w AS before_id,
           gis.audit_hash(lag(a.hash, 1, decode(repeat('00', 32), 'hex')) OVER w, a) AS expected
    FROM gis.audit a WINDOW w AS (ORDER BY a.id)),
  tail AS (SELECT coalesce(max(id), 0) AS id, count(*) AS row_count FROM gis.audit),
  faults AS (
    SELECT id, CASE WHEN id <> before_id + 1 THEN format('rows %s to %s are missing before it', before_id + 1, id - 1)
                    ELSE 'its content or hash was changed' END AS problem
    FROM walked WHERE id <> before_id + 1 OR hash IS DISTINCT FROM expected
    UNION ALL
    SELECT tail.id + 1, format('rows %s to %s are missing at the end', tail.id + 1, head.id)
    FROM tail, gis.audit_head head WHERE head.id > tail.id
    UNION ALL
    SELECT tail.id, 'the head does not name the last row'
    FROM tail, gis.audit_head head
    WHERE head.id < tail.id OR (head.id = tail.id AND tail.id > 0 AND head.hash IS DISTINCT FROM (SELECT hash FROM gis.audit WHERE id = tail.id))
    UNION ALL
    SELECT 1, 'the head is missing' WHERE NOT EXISTS (SELECT FROM gis.audit_head))
  SELECT tail.row_count, head.id, head.hash, fault.id, fault.problem
  FROM tail LEFT JOIN gis.audit_head head ON true
  LEFT JOIN (SELECT * FROM faults ORDER BY id LIMIT 1) fault ON true
$$;

-- What the auditor reads, newest first. Built as text so that each combination of filters is planned for its own values.
CREATE OR REPLACE FUNCTION gis.audit_rows(p_filter jsonb, p_limit integer) RETURNS SETOF gis.audit LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_conditions text;
BEGIN
  SELECT string_agg(format(condition, p_filter ->> name), ' AND ') INTO v_conditions
  FROM (VALUES ('event', 'event = %L'), ('actor', 'actor = %L'), ('account_id', 'account_id = %L::bigint'), ('layer', 'layer = %L'),
               ('fid', 'fid = %L::bigint'), ('seq', 'seq = %L::bigint'), ('succeeded', 'succeeded = %L::boolean'),
               ('from', 'at >= %L::timestamptz'), ('to', 'at < %L::timestamptz'), ('before', 'id < %L::bigint')) f (name, condition)
  WHERE p_filter ->> name IS NOT NULL;
  RETURN QUERY EXECUTE format('SELECT * FROM gis.audit WHERE %s ORDER BY id DESC LIMIT %s', coalesce(v_conditions, 'true'), p_limit);
END $$;

-- Every changeset is in the audit, whichever way it came; written at commit, when what it touched is known and the chain is
-- held only for a moment.
CREATE OR REPLACE FUNCTION gis.audit_changeset() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM gis.audit_append('edit', NEW.actor, p_seq => NEW.seq, p_reason => NEW.reason, p_detail => jsonb_build_object(
    'kind', NEW.kind, 'undoes', NEW.undoes, 'layers',
    (SELECT coalesce(jsonb_object_agg(layer, jsonb_build_array(added, closed)), '{}') FROM gis.changeset_layer WHERE seq = NEW.seq)));
  RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION gis.audit_definition() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM gis.audit_append('layer_defined', p_layer => NEW.layer, p_detail => jsonb_build_object('version', NEW.version));
  RETURN NULL;
END $$;

DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgname = 'audit_changeset' AND tgrelid = 'gis.changeset'::regclass) THEN
    CREATE CONSTRAINT TRIGGER audit_changeset AFTER INSERT ON gis.changeset
      DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION gis.audit_changeset();
  END IF;
  IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgname = 'audit_definition' AND tgrelid = 'gis.layer_definition'::regclass) THEN
    CREATE CONSTRAINT TRIGGER audit_definition AFTER INSERT ON gis.layer_definition
      DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION gis.audit_definition();
  END IF;
END $$;
