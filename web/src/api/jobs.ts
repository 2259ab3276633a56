/** Jobs of the server: followed until they end, or dismissed when nobody waits any more. */
import { address, ask, askJson } from "./http";

export interface JobState {
  jobID: string;
  status: "accepted" | "running" | "successful" | "failed" | "dismissed";
  progress: number;
  message?: string;
}

const PAUSE_MS = 400;

const pause = (signal: AbortSignal) => new Promise<void>((resolve, reject) => {
  const timer = window.setTimeout(resolve, PAUSE_MS);
  signal.addEventListener("abort", () => { window.clearTimeout(timer); reject(signal.reason as Error); }, { once: true });
});

/** Ask for something by a job and return its file; `told` hears how far it is. Aborting dismisses the job. */
export async function fileByJob(path: string, body: unknown, told: (state: JobState) => void, signal: AbortSignal): Promise<Blob> {
  let state = await askJson<JobState>(address(path), { method: "POST", body, signal, headers: { Prefer: "respond-async" } });
  const job = address(`ogc/jobs/${state.jobID}`);
  try {
    while (state.status === "accepted" || state.status === "running") {
      told(state);
      await pause(signal);
      state = await askJson<JobState>(job, { signal });
    }
    // Of a job that failed, this is what went wrong.
    return await (await ask(`${job}/results`, { signal, headers: { Accept: "*/*" } })).blob();
  } finally {
    if (signal.aborted) void ask(job, { method: "DELETE" }).catch(() => undefined);
  }
}
