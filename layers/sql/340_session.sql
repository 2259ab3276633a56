-- Sessions and keys: what a request shows to say whose it is. Only hashes of them are kept.

CREATE TABLE IF NOT EXISTS gis.session (
  session_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  token_hash bytea NOT NULL UNIQUE,
  account_id bigint NOT NULL REFERENCES gis.account ON DELETE CASCADE,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  idle interval NOT NULL,
  expires_at timestamptz NOT NULL,
  ended_at timestamptz,
  address text,
  agent text
);
CREATE INDEX IF NOT EXISTS session_account ON gis.session (account_id) WHERE ended_at IS NULL;

CREATE TABLE IF NOT EXISTS gis.api_key (
  key_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  secret_hash bytea NOT NULL UNIQUE,
  prefix text NOT NULL,
  title text NOT NULL,
  account_id bigint NOT NULL REFERENCES gis.account ON DELETE CASCADE,
  layers text[],                    -- NULL: all layers of the account
  can_edit boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  expires_at timestamptz NOT NULL,
  ended_at timestamptz,
  used_at timestamptz
);
CREATE INDEX IF NOT EXISTS api_key_account ON gis.api_key (account_id);

DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgname = 'credentials_changed' AND tgrelid = 'gis.session'::regclass) THEN
    CREATE CONSTRAINT TRIGGER credentials_changed AFTER UPDATE ON gis.session DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
      WHEN ((OLD.ended_at, OLD.expires_at) IS DISTINCT FROM (NEW.ended_at, NEW.expires_at)) EXECUTE FUNCTION gis.credentials_changed();
    CREATE CONSTRAINT TRIGGER credentials_changed AFTER UPDATE ON gis.api_key DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
      WHEN ((OLD.ended_at, OLD.expires_at, OLD.layers, OLD.can_edit) IS DISTINCT FROM (NEW.ended_at, NEW.expires_at, NEW.layers, NEW.can_edit))
      EXECUTE FUNCTION gis.credentials_changed();
    CREATE CONSTRAINT TRIGGER credentials_deleted AFTER DELETE ON gis.session DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
      WHEN (OLD.ended_at IS NULL) EXECUTE FUNCTION gis.credentials_changed();
    CREATE CONSTRAINT TRIGGER credentials_deleted AFTER DELETE ON gis.api_key DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
      WHEN (OLD.ended_at IS NULL) EXECUTE FUNCTION gis.credentials_changed();
  END IF;
END $$;

CREATE OR REPLACE FUNCTION gis.audit_key() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  v_detail jsonb;
BEGIN
  v_detail := jsonb_build_object('key', NEW.key_id, 'prefix', NEW.prefix, 'title', NEW.title, 'layers', NEW.layers, 'can_edit', NEW.can_edit,
    'expires_at', NEW.expires_at, 'username', (SELECT username FROM gis.account WHERE account_id = NEW.account_id));
  IF TG_OP = 'INSERT' THEN
    PERFORM gis.audit_append('key_created', p_detail => v_detail);
  ELSIF OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL THEN
    PERFORM gis.audit_append('key_revoked', p_detail => v_detail);
  ELSIF (OLD.layers, OLD.can_edit, OLD.expires_at) IS DISTINCT FROM (NEW.layers, NEW.can_edit, NEW.expires_at) THEN
    PERFORM gis.audit_append('key_changed', p_detail => v_detail);
  END IF;
  RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER audit_key AFTER INSERT OR UPDATE ON gis.api_key FOR EACH ROW EXECUTE FUNCTION gis.audit_key();

-- What a session or a key says about a request: whose it is, and until when it holds.
CREATE OR REPLACE FUNCTION gis.find_session(p_token_hash bytea)
RETURNS TABLE (session_id bigint, account_id bigint, username text, display_name text, roles text[], districts text[], locale text,
               must_change boolean, holds_until timestamptz, is_due boolean) LANGUAGE sql STABLE AS $$
  SELECT s.session_id, a.account_id, a.username, a.display_name, a.roles, a.districts, a.locale, a.must_change,
         least(s.expires_at, s.seen_at + s.idle), s.seen_at < clock_timestamp() - interval '1 minute'
  FROM gis.session s JOIN gis.account a USING (account_id)
  WHERE s.token_hash = p_token_hash AND s.ended_at IS NULL AND a.disabled_at IS NULL
    AND clock_timestamp() < least(s.expires_at, s.seen_at + s.idle)
$$;

CREATE OR REPLACE FUNCTION gis.find_key(p_secret_hash bytea)
RETURNS TABLE (key_id bigint, account_id bigint, username text, display_name text, roles text[], districts text[], locale text,
               layers text[], can_edit boolean, holds_until timestamptz, is_due boolean) LANGUAGE sql STABLE AS $$
  SELECT k.key_id, a.account_id, a.username, a.display_name, a.roles, a.districts, a.locale, k.layers, k.can_edit, k.expires_at,
         k.used_at IS NULL OR k.used_at < clock_timestamp() - interval '10 minutes'
  FROM gis.api_key k JOIN gis.account a USING (account_id)
  WHERE k.secret_hash = p_secret_hash AND k.ended_at IS NULL AND a.disabled_at IS NULL AND NOT a.must_change
    AND clock_timestamp() < k.expires_at
$$;

-- Open a session; of the oldest, only so many stay open.
CREATE OR REPLACE FUNCTION gis.open_session(p_account_id bigint, p_token_hash bytea, p_idle interval, p_longest interval,
                                            p_address text, p_agent text, p_at_most integer DEFAULT 20)
RETURNS TABLE (session_id bigint, expires_at timestamptz) LANGUAGE sql AS $$
  DELETE FROM gis.session WHERE account_id = p_account_id AND least(expires_at, coalesce(ended_at, 'infinity')) < clock_timestamp() - interval '30 days';
  UPDATE gis.session SET ended_at = clock_timestamp()
  WHERE session_id IN (SELECT s.session_id FROM gis.session s WHERE s.account_id = p_account_id AND s.ended_at IS NULL
                       ORDER BY s.seen_at DESC OFFSET p_at_most - 1);
  UPDATE gis.account SET last_login_at = clock_timestamp() WHERE account_id = p_account_id;
  INSERT INTO gis.session (token_hash, account_id, idle, expires_at, address, agent)
  VALUES (p_token_hash, p_account_id, p_idle, clock_timestamp() + p_longest, p_address, p_agent)
  RETURNING session_id, expires_at
$$;
