-- Jobs: the queue of the processes, in a table. Servers put in, workers take out, and the database's own clock and locks
-- decide who has what. A worker owns a job by (worker, attempt) only as long as its heart beats; whoever has lost a job
-- can no longer write to it.

CREATE TABLE IF NOT EXISTS gis.job (
  job_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  process text NOT NULL,
  inputs jsonb NOT NULL,
  options jsonb NOT NULL DEFAULT '{}',            -- how the answer is wanted; the queue does not look at it
  owner text NOT NULL,                            -- 'account:<number>', or 'public'
  account_id bigint,
  actor text NOT NULL,                            -- the name that changesets know
  audience jsonb NOT NULL,                        -- what the job may read: the grants of who asked
  status text NOT NULL DEFAULT 'accepted' CHECK (status IN ('accepted', 'running', 'successful', 'failed', 'dismissed')),
  progress smallint NOT NULL DEFAULT 0 CHECK (progress BETWEEN 0 AND 100),
  message jsonb,                                  -- {"en", "zh"}
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  started_at timestamptz,
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  finished_at timestamptz,
  expires_at timestamptz,                         -- NULL: kept until it is dismissed
  not_before timestamptz NOT NULL DEFAULT clock_timestamp(),
  attempt smallint NOT NULL DEFAULT 0,
  max_attempts smallint NOT NULL DEFAULT 3,
  worker text,
  heartbeat_at timestamptz,
  layer text,                                     -- the layer that holds the result, noted before it is made
  seq bigint,                                     -- the changeset that filled it
  media_type text,
  error jsonb                                     -- the problem of a failed job
) WITH (fillfactor = 60);
-- The indexes leave out what a heartbeat changes, so that a row that beats each second stays on its page.
CREATE INDEX IF NOT EXISTS job_waiting ON gis.job (created_at) WHERE status = 'accepted';
CREATE INDEX IF NOT EXISTS job_at_work ON gis.job (owner) WHERE status IN ('accepted', 'running');
CREATE INDEX IF NOT EXISTS job_owner ON gis.job (owner, created_at DESC, job_id DESC);
CREATE INDEX IF NOT EXISTS job_created ON gis.job (created_at DESC, job_id DESC);
CREATE INDEX IF NOT EXISTS job_expires ON gis.job (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS job_layer ON gis.job (layer) WHERE layer IS NOT NULL;

CREATE TABLE IF NOT EXISTS gis.job_result (
  job_id uuid PRIMARY KEY REFERENCES gis.job ON DELETE CASCADE,
  body bytea NOT NULL
);

COMMENT ON TABLE gis.job IS 'The queue of the processes and what became of each job';

-- Tell whoever listens that a job changed; they ask for it by its number.
CREATE OR REPLACE FUNCTION gis.tell_job(p_job uuid, p_status text) RETURNS void LANGUAGE sql AS $$
  SELECT pg_notify('gis_job', p_job || ' ' || p_status)
$$;

CREATE OR REPLACE FUNCTION gis.job_problem(p_code text, p_status integer, p_title_en text, p_title_zh text, p_en text, p_zh text)
RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
  SELECT jsonb_build_object('type', 'urn:gis:problem:' || p_code, 'status', p_status,
    'title', jsonb_build_object('en', p_title_en, 'zh', p_title_zh), 'detail', jsonb_build_object('en', p_en, 'zh', p_zh))
$$;

-- A job as it is shown: what it may read concerns the worker only.
CREATE OR REPLACE FUNCTION gis.shown_job(j gis.job) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT to_jsonb(j) - 'audience'
$$;

-- Put a job into the queue. Raises GS429 where the owner has too many open already; DETAIL says how many may be.
CREATE OR REPLACE FUNCTION gis.submit_job(p_process text, p_inputs jsonb, p_options jsonb, p_owner text, p_account bigint, p_actor text,
                                          p_audience jsonb, p_max_open integer, p_max_attempts integer)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  v_job gis.job;
BEGIN
  -- One owner's jobs arrive one after the other, so that the count holds.
  PERFORM pg_advisory_xact_lock(4550, hashtext(p_owner));
  IF (SELECT count(*) FROM gis.job WHERE owner = p_owner AND status IN ('accepted', 'running')) >= p_max_open THEN
    PERFORM gis.refuse('GS429', 'too many open jobs', to_jsonb(p_max_open));
  END IF;
  INSERT INTO gis.job (process, inputs, options, owner, account_id, actor, audience, max_attempts)
  VALUES (p_process, p_inputs, p_options, p_owner, p_account, p_actor, p_audience, p_max_attempts) RETURNING * INTO v_job;
  PERFORM gis.tell_job(v_job.job_id, 'accepted');
  RETURN gis.shown_job(v_job);
END $$;

-- Take the next job for a worker; NULL where there is none. Who has fewer jobs running comes first, and nobody has more
-- than p_per_owner at once. Jobs of accounts that are gone or disabled stay for the sweep.
CREATE OR REPLACE FUNCTION gis.claim_job(p_worker text, p_per_owner integer) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  v_job gis.job;
BEGIN
  -- Takers come one at a time, or two could each see an owner's last free place.
  PERFORM pg_advisory_xact_lock(4548, 5);
  SELECT j.* INTO v_job FROM gis.job j,
    LATERAL (SELECT count(*) AS n FROM gis.job r WHERE r.owner = j.owner AND r.status = 'running') running
  WHERE j.status = 'accepted' AND j.not_before <= clock_timestamp() AND running.n < p_per_owner
    AND (j.account_id IS NULL OR EXISTS (SELECT FROM gis.account a WHERE a.account_id = j.account_id AND a.disabled_at IS NULL))
  ORDER BY running.n, j.created_at, j.job_id LIMIT 1 FOR UPDATE OF j SKIP LOCKED;
  IF v_job.job_id IS NULL THEN
    RETURN NULL;
  END IF;
  UPDATE gis.job SET status = 'running', attempt = attempt + 1, worker = p_worker, heartbeat_at = clock_timestamp(), progress = 0,
    message = NULL, started_at = coalesce(started_at, clock_timestamp()), updated_at = clock_timestamp()
  WHERE job_id = v_job.job_id RETURNING * INTO v_job;
  PERFORM gis.tell_job(v_job.job_id, 'running');
  RETURN to_jsonb(v_job);
END $$;

-- Say that a job is still worked on, and how far it is. False: it is no longer this worker's (dismissed, or given to another).
CREATE OR REPLACE FUNCTION gis.beat_job(p_job uuid, p_worker text, p_attempt integer, p_progress integer, p_message jsonb)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  v_told boolean;
BEGIN
  UPDATE gis.job j SET heartbeat_at = clock_timestamp(), progress = p_progress, message = p_message,
    updated_at = CASE WHEN (j.progress, j.message) IS DISTINCT FROM (p_progress::smallint, p_message) THEN clock_timestamp() ELSE j.updated_at END
  FROM (SELECT progress, message FROM gis.job WHERE job_id = p_job) before
  WHERE job_id = p_job AND worker = p_worker AND attempt = p_attempt AND status = 'running'
  RETURNING (before.progress, before.message) IS DISTINCT FROM (p_progress::smallint, p_message) INTO v_told;
  IF v_told THEN
    PERFORM gis.tell_job(p_job, 'running');
  END IF;
  RETURN v_told IS NOT NULL;
END $$;

-- Note the layer that a job is about to make; whatever happens then, the sweep knows it. False: the job is no longer this worker's.
CREATE OR REPLACE FUNCTION gis.note_job_layer(p_job uuid, p_worker text, p_attempt integer, p_layer text) RETURNS boolean LANGUAGE sql AS $$
  WITH noted AS (UPDATE gis.job SET layer = p_layer
                 WHERE job_id = p_job AND worker = p_worker AND attempt = p_attempt AND status = 'running' RETURNING 1)
  SELECT EXISTS (SELECT FROM noted)
$$;

-- Only one at a time fills a job's layer, also where a worker that was thought lost comes back. Held by the session.
CREATE OR REPLACE FUNCTION gis.lock_job_layer(p_job uuid) RETURNS void LANGUAGE sql AS $$
  SELECT pg_advisory_lock(4551, hashtext(p_job::text))
$$;

-- The changeset that filled a layer, if one did.
CREATE OR REPLACE FUNCTION gis.filled_by(p_layer text) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object('seq', l.seq, 'count', l.added) FROM gis.changeset_layer l JOIN gis.changeset c USING (seq)
  WHERE l.layer = p_layer AND c.kind = 'job' ORDER BY l.seq LIMIT 1
$$;

-- End a job with its result (p_body) or its problem (p_error). False: it is no longer this worker's, and nothing was written.
CREATE OR REPLACE FUNCTION gis.finish_job(p_job uuid, p_worker text, p_attempt integer, p_media_type text, p_body bytea, p_seq bigint,
                                          p_error jsonb, p_kept_s double precision)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  v_status text := CASE WHEN p_error IS NULL THEN 'successful' ELSE 'failed' END;
BEGIN
  UPDATE gis.job SET status = v_status, finished_at = clock_timestamp(), updated_at = clock_timestamp(), media_type = p_media_type,
    seq = p_seq, error = p_error, message = NULL, progress = CASE WHEN p_error IS NULL THEN 100 ELSE progress END,
    expires_at = clock_timestamp() + make_interval(secs => p_kept_s)
  WHERE job_id = p_job AND worker = p_worker AND attempt = p_attempt AND status = 'running';
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  IF p_error IS NULL THEN
    INSERT INTO gis.job_result (job_id, body) VALUES (p_job, p_body);
  END IF;
  PERFORM gis.tell_job(p_job, v_status);
  RETURN true;
END $$;

-- Give a job back to the queue. A worker that ends in good order gives it back as if it had not begun (p_counts false);
-- after a crash the attempt counts, the next begins after a pause, and after the last one the job has failed with p_error.
CREATE OR REPLACE FUNCTION gis.return_job(p_job uuid, p_worker text, p_attempt integer, p_counts boolean, p_error jsonb)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_status text;
BEGIN
  UPDATE gis.job SET status = CASE WHEN p_counts AND attempt >= max_attempts THEN 'failed' ELSE 'accepted' END,
    attempt = CASE WHEN p_counts THEN attempt ELSE attempt - 1 END, worker = NULL, heartbeat_at = NULL, progress = 0, message = NULL,
    not_before = clock_timestamp() + CASE WHEN p_counts THEN interval '1 second' * 2 ^ attempt ELSE interval '0' END,
    updated_at = clock_timestamp()
  WHERE job_id = p_job AND worker = p_worker AND attempt = p_attempt AND status = 'running' RETURNING status INTO v_status;
  IF v_status = 'failed' THEN
    UPDATE gis.job SET error = p_error, finished_at = clock_timestamp(), expires_at = clock_timestamp() + interval '7 days' WHERE job_id = p_job;
  END IF;
  IF v_status IS NOT NULL THEN
    PERFORM gis.tell_job(p_job, v_status);
  END IF;
  RETURN v_status;
END $$;

-- Cancel a job, or throw away what a finished one left; NULL where this asker has no such job. A worker hears of it at once.
CREATE OR REPLACE FUNCTION gis.dismiss_job(p_job uuid, p_owner text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  v_job gis.job;
BEGIN
  UPDATE gis.job SET status = 'dismissed', finished_at = coalesce(finished_at, clock_timestamp()), updated_at = clock_timestamp(),
    message = NULL, error = NULL, expires_at = clock_timestamp() + interval '1 day'
  WHERE job_id = p_job AND (p_owner IS NULL OR owner = p_owner) AND status <> 'dismissed' RETURNING * INTO v_job;
  IF FOUND THEN
    DELETE FROM gis.job_result WHERE job_id = p_job;
    PERFORM gis.tell_job(p_job, 'dismissed');
    RETURN gis.shown_job(v_job);
  END IF;
  RETURN gis.find_job(p_job, p_owner);
END $$;

-- One job as an asker may see it (p_owner NULL: whoever's it is).
CREATE OR REPLACE FUNCTION gis.find_job(p_job uuid, p_owner text) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT gis.shown_job(j) FROM gis.job j WHERE job_id = p_job AND (p_owner IS NULL OR owner = p_owner)
$$;

-- Keep the result of a job until it is dismissed. NULL where this asker has no such job that was successful.
CREATE OR REPLACE FUNCTION gis.keep_job(p_job uuid, p_owner text) RETURNS jsonb LANGUAGE sql AS $$
  UPDATE gis.job j SET expires_at = NULL WHERE job_id = p_job AND (p_owner IS NULL OR owner = p_owner) AND status = 'successful'
  RETURNING gis.shown_job(j)
$$;

CREATE OR REPLACE FUNCTION gis.result_of(p_job uuid) RETURNS bytea LANGUAGE sql STABLE AS $$
  SELECT body FROM gis.job_result WHERE job_id = p_job
$$;

-- The jobs of an owner (NULL: of all), newest first; p_where: {"processes", "statuses", "from", "to", "min_s", "max_s", "before", "before_id"}.
CREATE OR REPLACE FUNCTION gis.list_jobs(p_owner text, p_where jsonb, p_limit integer) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT coalesce(jsonb_agg(gis.shown_job(page.j) ORDER BY page.created_at DESC, page.job_id DESC), '[]') FROM (
    SELECT job AS j, created_at, job_id FROM gis.job
    WHERE (p_owner IS NULL OR owner = p_owner)
      AND (NOT p_where ? 'processes' OR p_where -> 'processes' ? process)
      AND (NOT p_where ? 'statuses' OR p_where -> 'statuses' ? status)
      AND (NOT p_where ? 'from' OR created_at >= (p_where ->> 'from')::timestamptz)
      AND (NOT p_where ? 'to' OR created_at < (p_where ->> 'to')::timestamptz)
      AND (NOT p_where ? 'min_s' OR coalesce(finished_at, clock_timestamp()) - started_at >= make_interval(secs => (p_where ->> 'min_s')::float8))
      AND (NOT p_where ? 'max_s' OR coalesce(finished_at, clock_timestamp()) - started_at <= make_interval(secs => (p_where ->> 'max_s')::float8))
      AND (NOT p_where ? 'before' OR (created_at, job_id) < ((p_where ->> 'before')::timestamptz, (p_where ->> 'before_id')::uuid))
    ORDER BY created_at DESC, job_id DESC LIMIT p_limit) page
$$;

-- Remove a layer that a job made, with all it holds. The changeset that filled it stays in the feed.
CREATE OR REPLACE FUNCTION gis.drop_result_layer(p_layer text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  -- Writers wait: a changeset must not meet a table that goes. Behind a long import the sweep comes back later.
  IF NOT pg_try_advisory_xact_lock(4548, 1) THEN
    RETURN false;
  END IF;
  IF NOT EXISTS (SELECT FROM gis.layer_definition WHERE layer = p_layer AND is_present AND definition ->> 'born' = 'runtime') THEN
    RETURN true;
  END IF;
  EXECUTE format('DROP TABLE IF EXISTS city.%I, city.%I, city_stage.%I', p_layer, p_layer || '_past', p_layer);
  UPDATE gis.layer_definition SET is_present = false WHERE layer = p_layer AND is_present;
  DELETE FROM gis.search_entry WHERE layer = p_layer;
  UPDATE gis.catalogue_state SET version = version + 1;
  PERFORM pg_notify('gis_catalogue', '');
  RETURN true;
EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
  RETURN false;
END $$;

-- Put right what nobody else will: jobs whose worker fell silent, jobs of accounts that were closed, results that expired.
-- Returns how many of each.
CREATE OR REPLACE FUNCTION gis.sweep_jobs(p_lost_s double precision) RETURNS jsonb LANGUAGE plpgsql SET lock_timeout = '500ms' AS $$
DECLARE
  v_job record;
  v_lost integer := 0;
  v_closed integer := 0;
  v_expired integer := 0;
BEGIN
  FOR v_job IN SELECT job_id, worker, attempt, max_attempts FROM gis.job
               WHERE status = 'running' AND heartbeat_at < clock_timestamp() - make_interval(secs => p_lost_s) FOR UPDATE SKIP LOCKED LOOP
    PERFORM gis.return_job(v_job.job_id, v_job.worker, v_job.attempt, true, gis.job_problem(
      'worker-lost', 500, 'The worker was lost', '后台任务进程中断',
      format('The worker was lost while the job ran, at each of %s attempts.', v_job.attempt),
      format('任务运行时后台进程中断，已尝试 %s 次。', v_job.attempt)));
    v_lost := v_lost + 1;
  END LOOP;

  FOR v_job IN UPDATE gis.job j SET status = 'failed', finished_at = clock_timestamp(), updated_at = clock_timestamp(),
                 expires_at = clock_timestamp() + interval '7 days',
                 error = gis.job_problem('forbidden', 403, 'This account may not do that', '该账号无此权限',
                                     'The account that asked was disabled.', '提交任务的账号已停用。')
               WHERE status IN ('accepted', 'running') AND account_id IS NOT NULL
                 AND NOT EXISTS (SELECT FROM gis.account a WHERE a.account_id = j.account_id AND a.disabled_at IS NULL)
               RETURNING job_id LOOP
    PERFORM gis.tell_job(v_job.job_id, 'failed');
    v_closed := v_closed + 1;
  END LOOP;

  -- A few at a time: dropping a layer holds up the writers, and who sweeps has other things to do.
  FOR v_job IN SELECT job_id, layer, expires_at < clock_timestamp() AS is_over FROM gis.job
               WHERE status IN ('successful', 'failed', 'dismissed')
                 -- a worker that was just told may still be about to make the layer
                 AND (expires_at < clock_timestamp() OR (layer IS NOT NULL AND status <> 'successful'
                                                         AND updated_at < clock_timestamp() - interval '10 seconds'))
               ORDER BY expires_at LIMIT 4 FOR UPDATE SKIP LOCKED LOOP
    CONTINUE WHEN v_job.layer IS NOT NULL AND NOT gis.drop_result_layer(v_job.layer);
    IF v_job.is_over THEN
      DELETE FROM gis.job WHERE job_id = v_job.job_id;
      v_expired := v_expired + 1;
    ELSE
      UPDATE gis.job SET layer = NULL WHERE job_id = v_job.job_id;
    END IF;
  END LOOP;
  RETURN jsonb_build_object('lost', v_lost, 'closed', v_closed, 'expired', v_expired);
END $$;
