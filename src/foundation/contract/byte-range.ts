/**
 * The range of bytes that a `Range` header asks for, `end` exclusive. Several at once, other units and what cannot be read count as no range
 * at all (RFC 9110, 14.2).
 * @param size of the whole in bytes
 * @returns `outside` where nothing of it is there (status 416)
 */
export function byteRangeOf(
  header: string | undefined,
  size: number,
): { readonly start: number; readonly end: number } | 'whole' | 'outside' {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? [];
  if (first === undefined || (first === '' && last === '')) return 'whole';
  if (first === '') {
    const length = Math.min(Number(last), size);
    return length === 0 ? 'outside' : { start: size - length, end: size };
  }
  const start = Number(first);
  const end = last === '' ? size : Math.min(Number(last) + 1, size);
  if (last !== '' && Number(last) < start) return 'whole';
  return start >= size ? 'outside' : { start, end };
}
