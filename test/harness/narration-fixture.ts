/** Reads the demo's narration back: its lines by station. */
import assert from 'node:assert/strict';

export interface Narration {
  readonly text: string;
  /** The texts of a station, in their order; the lines that belong to it stand behind a line break. */
  station(name: string): readonly string[];
  /** The figures that a station's first text names by a pattern's groups. */
  figures(name: string, pattern: RegExp): readonly number[];
}

export function narration(text: string): Narration {
  const stations: { readonly name: string; text: string }[] = [];
  for (const line of text.split('\n')) {
    const [, name, rest] = /^ {2}(.{12})(.*)$/.exec(line) ?? [];
    if (rest === undefined) continue;
    const last = stations.at(-1);
    if (name.trim() === '' && last !== undefined) last.text += `\n${rest}`;
    else stations.push({ name: name.trim(), text: rest });
  }
  const station = (name: string): readonly string[] => stations.filter((candidate) => candidate.name === name).map((found) => found.text);
  return {
    text,
    station,
    figures: (name, pattern) => {
      const [first] = station(name);
      assert.ok(first !== undefined, `the narration has no station "${name}":\n${text}`);
      const match = pattern.exec(first);
      assert.ok(match !== null, `"${first}" does not match ${String(pattern)}`);
      return match.slice(1).map(Number);
    },
  };
}
