-- Services of others: the hosts that an administrator allowed, the layers that people have added from them, and who keeps which.

CREATE TABLE IF NOT EXISTS gis.outside_host (
  host_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  -- scheme, name and port, as layers.outside.read_origin writes them
  origin text NOT NULL UNIQUE CHECK (origin ~ '^https?://[^/?#@[:space:]\\]+$' AND length(origin) <= 300),
  title text CHECK (length(title) BETWEEN 1 AND 120),
  is_private boolean NOT NULL DEFAULT false,   -- its name may lead into the operator's own network
  for_everyone boolean NOT NULL DEFAULT false, -- its layers are shown to readers without an account too
  allowed_by text NOT NULL DEFAULT coalesce(gis.acting('actor'), session_user::text),
  allowed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- A layer is named by the digest of what it is: the same layer added twice is one, and a link to it holds for everybody.
CREATE TABLE IF NOT EXISTS gis.outside_layer (
  layer_id text PRIMARY KEY CHECK (layer_id ~ '^out_[0-9a-f]{20}$'),
  origin text NOT NULL,
  definition jsonb NOT NULL CHECK (jsonb_typeof(definition) = 'object'),
  made_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
ALTER TABLE gis.outside_layer ADD COLUMN IF NOT EXISTS made_by bigint REFERENCES gis.account ON DELETE SET NULL;
CREATE INDEX IF NOT EXISTS outside_layer_made_by ON gis.outside_layer (made_by);

CREATE TABLE IF NOT EXISTS gis.outside_kept (
  account_id bigint NOT NULL REFERENCES gis.account ON DELETE CASCADE,
  layer_id text NOT NULL REFERENCES gis.outside_layer ON DELETE CASCADE,
  kept_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (account_id, layer_id)
);

-- Who lets the server ask which host is in the audit, also where it was plain SQL.
CREATE OR REPLACE FUNCTION gis.audit_outside_host() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    PERFORM gis.audit_append('host_forbidden', p_detail => jsonb_build_object('origin', OLD.origin));
  ELSIF TG_OP = 'INSERT' OR (OLD.origin, OLD.title, OLD.is_private, OLD.for_everyone)
                            IS DISTINCT FROM (NEW.origin, NEW.title, NEW.is_private, NEW.for_everyone) THEN
    PERFORM gis.audit_append('host_allowed', p_detail => jsonb_build_object(
      'origin', NEW.origin, 'title', NEW.title, 'private', NEW.is_private, 'everyone', NEW.for_everyone));
  END IF;
  RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER audit_outside_host AFTER INSERT OR UPDATE OR DELETE ON gis.outside_host
  FOR EACH ROW EXECUTE FUNCTION gis.audit_outside_host();
