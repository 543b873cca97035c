/** Tags written one a line, as `key=value`. @returns null for a key without a value: that tag is taken away */
export function tagsIn(text: string): Record<string, string | null> {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return Object.fromEntries(
    lines.map((line) => {
      const at = line.indexOf('=');
      const value = at < 0 ? '' : line.slice(at + 1).trim();
      return [(at < 0 ? line : line.slice(0, at)).trim(), value === '' ? null : value] as const;
    }),
  );
}

/** The same lines for tags that there are; what has more lines than one cannot be written so, and is left out. */
export function tagLines(tags: Readonly<Record<string, string>>): string {
  return Object.entries(tags)
    .filter(([key, value]) => !/[\n=]/.test(key) && !value.includes('\n'))
    .map(([key, value]) => `${key}=${value}`)
    .join('\n');
}
