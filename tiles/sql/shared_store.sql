-- The store of tiles on disk (SQLite): statements by name.

-- name: pragmas
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
PRAGMA temp_store = MEMORY;
PRAGMA journal_size_limit = 16777216;

-- name: schema
CREATE TABLE mark (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
-- `moment` 0 is now, 1 a span of valid time (microseconds since 1970, NULL is open); fixed tiles never expire.
CREATE TABLE tile (
  id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, grid TEXT NOT NULL, z INTEGER NOT NULL, x INTEGER NOT NULL, y INTEGER NOT NULL, margin REAL NOT NULL,
  layers TEXT NOT NULL, moment INTEGER NOT NULL, span_from INTEGER, span_to INTEGER, is_fixed INTEGER NOT NULL,
  seq INTEGER NOT NULL, made_at INTEGER NOT NULL, used INTEGER NOT NULL, weight INTEGER NOT NULL,
  etag TEXT NOT NULL, media_type TEXT NOT NULL, codings TEXT NOT NULL, body BLOB NOT NULL);
CREATE INDEX tile_place ON tile (grid, z, x, y);
CREATE INDEX tile_used ON tile (used, id);

-- name: marks
SELECT name, value FROM mark

-- name: set_mark
INSERT INTO mark (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value

-- name: raise_mark
INSERT INTO mark (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)

-- name: add_mark
UPDATE mark SET value = value + ? WHERE name = ?

-- name: get
SELECT t.id, t.seq, t.made_at, t.used, t.etag, t.media_type, t.codings, t.body,
       (SELECT value FROM mark WHERE name = 'seq'), (SELECT value FROM mark WHERE name = 'clock')
FROM tile t WHERE t.key = ?

-- name: has
SELECT 1 FROM tile WHERE key = ?

-- name: put
INSERT INTO tile (key, grid, z, x, y, margin, layers, moment, span_from, span_to, is_fixed, seq, made_at, used, weight, etag, media_type, codings, body)
VALUES (:key, :grid, :z, :x, :y, :margin, :layers, :moment, :span_from, :span_to, :is_fixed, :seq, :made_at, :used, :weight, :etag, :media_type, :codings, :body)

-- name: remove
DELETE FROM tile WHERE key = ? RETURNING weight

-- name: remove_grid
DELETE FROM tile WHERE grid = ? RETURNING weight

-- name: remove_all
DELETE FROM tile

-- name: remove_marks
DELETE FROM mark

-- name: use
UPDATE tile SET used = ? WHERE id = ?

-- name: oldest
DELETE FROM tile WHERE id IN (SELECT id FROM tile ORDER BY used, id LIMIT 64) RETURNING weight

-- name: expire
DELETE FROM tile
WHERE grid = :grid AND z = :z AND x BETWEEN :x0 AND :x1 AND y BETWEEN :y0 AND :y1 AND margin = :margin AND instr(layers, :layer) AND NOT is_fixed AND seq < :seq
  AND (:is_always OR CASE moment WHEN 0 THEN :is_now ELSE
       (span_from IS NULL OR :until IS NULL OR span_from < :until)
       AND (span_to IS NULL OR :since IS NULL OR :since < span_to OR (span_from = span_to AND :since = span_to)) END)
RETURNING weight

-- name: come_true
DELETE FROM tile
WHERE grid = :grid AND z = :z AND x BETWEEN :x0 AND :x1 AND y BETWEEN :y0 AND :y1 AND margin = :margin AND instr(layers, :layer) AND NOT is_fixed
  AND moment = 0 AND made_at < :at
RETURNING weight

-- name: total
SELECT count(*), coalesce(sum(weight), 0) FROM tile
