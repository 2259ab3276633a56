/** Processes of the server: asked, waited for where the server makes a job of it, and dismissed where nobody waits any more. */
import { address, ask, askJson } from "./http";

interface Job {
  jobID: string;
  status: "accepted" | "running" | "successful" | "failed" | "dismissed";
  progress?: number;
}

const EVERY_MS = 500;

function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = window.setTimeout(resolve, ms);
    signal?.addEventListener("abort", () => {
      window.clearTimeout(timer);
      reject(signal.reason as Error);
    }, { once: true });
  });
}

/** Run a process and return its result; `told` hears the percent of a job. Throws Problem. */
export async function runProcess<T>(id: string, inputs: object, signal?: AbortSignal, told: (percent: number) => void = () => undefined): Promise<T> {
  const response = await ask(address(`ogc/processes/${id}/execution`), { method: "POST", body: { inputs }, signal });
  if (response.status !== 201) return (await response.json()) as T;
  let job = (await response.json()) as Job;
  const url = address(`ogc/jobs/${job.jobID}`);
  try {
    while (job.status === "accepted" || job.status === "running") {
      told(job.progress ?? 0);
      await pause(EVERY_MS, signal);
      job = await askJson<Job>(url, { signal });
    }
  } catch (error) {
    // Nobody waits for it any more.
    if (signal?.aborted) void ask(url, { method: "DELETE" }).catch(() => undefined);
    throw error;
  }
  return askJson<T>(address(`ogc/jobs/${job.jobID}/results`), { signal });
}
