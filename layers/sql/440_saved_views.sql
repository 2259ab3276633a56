-- Saved views: what somebody looked at, kept under a short name to come back to or to send. A link has no title, a bookmark has one.

CREATE TABLE IF NOT EXISTS gis.saved_view (
  view_id text PRIMARY KEY CHECK (view_id ~ '^[A-Za-z0-9]{10}$'),
  account_id bigint NOT NULL REFERENCES gis.account ON DELETE CASCADE,
  title text CHECK (length(title) BETWEEN 1 AND 120),
  sharing text NOT NULL CHECK (sharing IN ('private', 'role', 'public')),
  role text CHECK ((sharing = 'role') = (role IS NOT NULL)),
  state jsonb NOT NULL CHECK (jsonb_typeof(state) = 'object'),
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  changed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX IF NOT EXISTS saved_view_account ON gis.saved_view (account_id);
CREATE INDEX IF NOT EXISTS saved_view_role ON gis.saved_view (role) WHERE title IS NOT NULL;
