import { appendFile, mkdir, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Lines that wait to be written, at most: beyond them they are left out. */
const mostWaiting = 10_000;

/** What shadows said beside what was answered, a JSON object a line: `shadow.jsonl`, and `shadow.1.jsonl` before it. */
export interface ShadowLog extends AsyncDisposable {
  readonly write: (line: string) => void;
}

/**
 * Opens the log of shadows. It never holds up an answer: a line that cannot be written, or comes while too many wait, is left out.
 * @param folder where the prediction log is
 * @param maxBytes of one file; there are two at most
 * @param onFailure told the first time that a line cannot be written
 */
export async function openShadowLog(folder: string, maxBytes: number, onFailure: (error: unknown) => void): Promise<ShadowLog> {
  const [path, older] = [join(folder, 'shadow.jsonl'), join(folder, 'shadow.1.jsonl')];
  await mkdir(folder, { recursive: true });
  let size = await stat(path).then(
    (found) => found.size,
    () => 0,
  );
  const waiting: string[] = [];
  let failed = false;
  let writing: Promise<void> | undefined;
  const writeAll = async (): Promise<void> => {
    while (waiting.length > 0) {
      let text = '';
      while (waiting.length > 0 && (text === '' || text.length + waiting[0].length < maxBytes)) text += `${waiting.shift()}\n`;
      try {
        if (size > 0 && size + text.length > maxBytes) {
          await rename(path, older);
          size = 0;
        }
        await appendFile(path, text);
        size += text.length;
      } catch (error) {
        if (!failed) onFailure(error);
        failed = true;
      }
    }
    writing = undefined;
  };
  return {
    write: (line) => {
      if (waiting.length >= mostWaiting) return;
      waiting.push(line);
      writing ??= writeAll();
    },
    [Symbol.asyncDispose]: async () => {
      await writing;
    },
  };
}
