-- Accounts: who may sign in, with which roles and for which districts.

CREATE TABLE IF NOT EXISTS gis.account (
  account_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  username text NOT NULL UNIQUE CHECK (username = lower(username)),
  display_name text NOT NULL,
  password_hash text NOT NULL,                 -- argon2id, with its parameters
  roles text[] NOT NULL,
  districts text[],                            -- NULL: every district; only roles that are limited by district look at it
  locale text CHECK (locale IN ('zh', 'en')),
  must_change boolean NOT NULL DEFAULT false,  -- the password was set by somebody else
  disabled_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  last_login_at timestamptz
);

-- Failed sign-ins by the hash of the name that was typed, whether there is such an account or not.
CREATE TABLE IF NOT EXISTS gis.login_attempt (
  name_hash bytea PRIMARY KEY,
  failures integer NOT NULL,
  last_at timestamptz NOT NULL,
  locked_until timestamptz
);
CREATE INDEX IF NOT EXISTS login_attempt_last ON gis.login_attempt (last_at);

-- Counts every change of what a credential is worth. Processes keep readers in memory and look here once a second.
CREATE TABLE IF NOT EXISTS gis.credential_state (
  only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
  version bigint NOT NULL
);
INSERT INTO gis.credential_state (version) VALUES (0) ON CONFLICT DO NOTHING;

CREATE OR REPLACE FUNCTION gis.credentials_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE gis.credential_state SET version = version + 1;
  RETURN NULL;
END $$;

-- Permission changes are in the audit, also those made by plain SQL.
CREATE OR REPLACE FUNCTION gis.audit_account() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    PERFORM gis.audit_append('account_deleted', p_detail => jsonb_build_object('username', OLD.username));
  ELSIF TG_OP = 'INSERT' THEN
    PERFORM gis.audit_append('account_created', p_detail => jsonb_build_object(
      'username', NEW.username, 'roles', NEW.roles, 'districts', NEW.districts));
  ELSE
    IF (OLD.roles, OLD.districts, OLD.disabled_at IS NULL, OLD.username)
       IS DISTINCT FROM (NEW.roles, NEW.districts, NEW.disabled_at IS NULL, NEW.username) THEN
      PERFORM gis.audit_append('account_changed', p_detail => jsonb_build_object(
        'username', NEW.username,
        'before', jsonb_build_object('username', OLD.username, 'roles', OLD.roles, 'districts', OLD.districts, 'enabled', OLD.disabled_at IS NULL),
        'after', jsonb_build_object('roles', NEW.roles, 'districts', NEW.districts, 'enabled', NEW.disabled_at IS NULL)));
    END IF;
    IF OLD.password_hash IS DISTINCT FROM NEW.password_hash AND gis.acting('rehash') IS NULL THEN
      PERFORM gis.audit_append('password_changed', p_detail => jsonb_build_object('username', NEW.username));
    END IF;
  END IF;
  RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER audit_account AFTER INSERT OR UPDATE OR DELETE ON gis.account FOR EACH ROW EXECUTE FUNCTION gis.audit_account();
-- At commit, after the audit: two transactions that want both never wait for each other in a circle.
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgname = 'credentials_changed' AND tgrelid = 'gis.account'::regclass) THEN
    CREATE CONSTRAINT TRIGGER credentials_changed AFTER UPDATE ON gis.account DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
      WHEN ((OLD.roles, OLD.districts, OLD.disabled_at, OLD.password_hash, OLD.must_change, OLD.username, OLD.display_name, OLD.locale)
            IS DISTINCT FROM (NEW.roles, NEW.districts, NEW.disabled_at, NEW.password_hash, NEW.must_change, NEW.username, NEW.display_name, NEW.locale))
      EXECUTE FUNCTION gis.credentials_changed();
    CREATE CONSTRAINT TRIGGER credentials_deleted AFTER DELETE ON gis.account DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
      EXECUTE FUNCTION gis.credentials_changed();
  END IF;
END $$;

-- Begin an attempt to sign in: count it as failed before the password is looked at, so that attempts made at once cannot
-- all slip through. Returns until when the name is locked; NULL: go on. From the fifth failure on the lock doubles from
-- 15 seconds to 15 minutes; a day without attempts forgets.
CREATE OR REPLACE FUNCTION gis.begin_login(p_name_hash bytea) RETURNS timestamptz LANGUAGE plpgsql AS $$
DECLARE
  v_attempt gis.login_attempt;
  v_now timestamptz := clock_timestamp();
BEGIN
  DELETE FROM gis.login_attempt WHERE name_hash IN (
    SELECT name_hash FROM gis.login_attempt WHERE last_at < v_now - interval '1 day' LIMIT 100 FOR UPDATE SKIP LOCKED);
  INSERT INTO gis.login_attempt AS a (name_hash, failures, last_at) VALUES (p_name_hash, 0, v_now)
  ON CONFLICT (name_hash) DO UPDATE SET last_at = a.last_at RETURNING * INTO v_attempt;
  IF v_attempt.locked_until > v_now THEN
    RETURN v_attempt.locked_until;
  END IF;
  UPDATE gis.login_attempt SET failures = failures + 1, last_at = v_now,
    locked_until = CASE WHEN failures + 1 >= 5 THEN v_now + least(interval '15 minutes', interval '15 seconds' * 2 ^ least(failures - 4, 10)) END
  WHERE name_hash = p_name_hash;
  RETURN NULL;
END $$;

-- Until when a name is locked after the failures so far; NULL when it is not.
CREATE OR REPLACE FUNCTION gis.locked_until(p_name_hash bytea) RETURNS timestamptz LANGUAGE sql STABLE AS $$
  SELECT locked_until FROM gis.login_attempt WHERE name_hash = p_name_hash AND locked_until > clock_timestamp()
$$;
