import { isObjectName } from './layout.ts';

/**
 * `.dvc` files in the plain form that both DVC and this program write them in. Nearly all are in it, and it needs no YAML reader, whose
 * loading takes longer than a look at 5,000 files.
 */

/** In DVC's order. */
const keys = new Set(['md5', 'size', 'nfiles', 'isexec', 'hash', 'path']);

/** Whether every reader of YAML takes a text for just that text when it stands without quotes. */
export function isPlainText(text: string): boolean {
  return /^[\p{L}_./][\p{L}\p{N}_./ +@=()-]*$/u.test(text) && !/^(true|false|yes|no|on|off|null|y|n)$/i.test(text) && text.trim() === text;
}

/** Whether an object's name is no number in any reader's eyes. */
export function isPlainName(text: string): boolean {
  return isObjectName(text) && !/^[0-9]+(e[0-9]+)?$/.test(text);
}

/** @returns the members of each of "outs" as YAML would give them; undefined for a text in any other form */
export function parsePlain(text: string): readonly ReadonlyMap<string, unknown>[] | undefined {
  const [head, ...lines] = text.split('\n');
  if (head !== 'outs:' || lines.pop() !== '' || lines.length === 0) return undefined;
  const outs: Map<string, unknown>[] = [];
  for (const line of lines) {
    const [, start, key, text] = /^(- | {2})([a-z0-9]+): (.+)$/.exec(line) ?? [];
    if (start === '- ') outs.push(new Map());
    const [last] = outs.slice(-1);
    const value = text === undefined ? undefined : valueOf(key, text);
    if (value === undefined || last === undefined || last.has(key)) return undefined;
    last.set(key, value);
  }
  return outs;
}

function valueOf(key: string, text: string): unknown {
  if (!keys.has(key)) return undefined;
  if (key === 'size' || key === 'nfiles') return /^(0|[1-9]\d{0,14})$/.test(text) ? Number(text) : undefined;
  if (key === 'isexec') return text === 'true' ? true : undefined;
  if (key === 'md5') return isPlainName(text) ? text : undefined;
  // Some readers take ".5", "._" and ".inf" for numbers. ASCII alone: the tables of Unicode take longer to load than the rest of a file.
  return /^[ -~]+$/.test(text) && isPlainText(text) && !/^\.([\d_]|inf$|nan$)/i.test(text) ? text : undefined;
}

/** Whether an out's members are in the order in which they are written. */
export function isInOrder(members: ReadonlyMap<string, unknown>): boolean {
  const found = [...members.keys()];
  return found.join() === [...keys].filter((key) => members.has(key)).join();
}

/** @returns the text that the YAML writer gives for one out; undefined where a value needs its quotes */
export function plainText(values: readonly (readonly [key: string, value: unknown])[]): string | undefined {
  const present = values.filter(([, value]) => value !== undefined);
  if (present.some(([key, value]) => valueOf(key, String(value)) === undefined)) return undefined;
  return `outs:\n- ${present.map(([key, value]) => `${key}: ${String(value)}`).join('\n  ')}\n`;
}
