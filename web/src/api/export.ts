import { address, ask } from "./http";
import { parametersOf, type Question } from "./items";

export type FileFormat = "csv" | "geojson" | "gpkg";

/** Fetch all that a question means as one file; `told` hears how many bytes have come. Returns the file and how many features it has. */
export async function readFile(
  question: Question, format: FileFormat, language: string, told: (bytes: number) => void, signal: AbortSignal,
): Promise<{ file: Blob; count: number }> {
  const { properties: _shown, ...whole } = question;
  const response = await ask(address(`api/export/${encodeURIComponent(question.layer)}`, { ...parametersOf(whole), f: format, lang: language }), {
    signal, headers: { Accept: "*/*" },
  });
  const reader = response.body!.getReader();
  const parts: BlobPart[] = [];
  let bytes = 0;
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    parts.push(next.value as BlobPart);
    bytes += next.value.length;
    told(bytes);
  }
  return { file: new Blob(parts, { type: response.headers.get("Content-Type") ?? "" }), count: Number(response.headers.get("OGC-NumberReturned") ?? 0) };
}

/** Hand a file to the reader. */
export function saveFile(file: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  window.setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
