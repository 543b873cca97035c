import { readFile } from 'node:fs/promises';
import { GyreError, messageOf } from '#core';
import type { Finding, Position } from './problems.ts';

/** Files of people's own making are small; what is larger is no project file. */
const maxSourceBytes = 4 * 1024 * 1024;

/** A text, or what keeps it from being read and where. */
export type SourceText =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly finding: Finding; readonly position?: Position };

/** Reads a UTF-8 text file (a byte order mark is dropped). Bytes that are no UTF-8 and a missing file are findings, not exceptions. */
export async function readSource(path: string): Promise<SourceText> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT') return unreadable('there is no such file');
    if (code === 'EISDIR') return unreadable('is a folder; a file is needed');
    if (code === 'EACCES') return unreadable('may not be read by this user');
    throw new GyreError('UNAVAILABLE', `${path} cannot be read: ${messageOf(error)}`, { path }, { cause: error });
  }
  if (bytes.length > maxSourceBytes) return unreadable(`has ${bytes.length} bytes; at most ${maxSourceBytes} are read`);
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) {
    return unreadable('is written in UTF-16', { line: 1, column: 1 }, 'save it as UTF-8');
  }
  try {
    return { ok: true, text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch {
    return unreadable('is not UTF-8 from here on', firstInvalid(bytes), 'save it as UTF-8');
  }
}

function unreadable(message: string, position?: Position, suggestion?: string): SourceText {
  const finding: Finding = suggestion === undefined ? { path: [], message } : { path: [], message, suggestion };
  return position === undefined ? { ok: false, finding } : { ok: false, finding, position };
}

function firstInvalid(bytes: Uint8Array): Position {
  let line = 1;
  let start = 0;
  while (start < bytes.length) {
    const newline = bytes.indexOf(0x0a, start);
    const end = newline === -1 ? bytes.length : newline;
    const text = new TextDecoder().decode(bytes.subarray(start, end));
    const column = text.indexOf('\uFFFD');
    if (column !== -1) return { line, column: column + 1 };
    line += 1;
    start = end + 1;
  }
  return { line: 1, column: 1 };
}
