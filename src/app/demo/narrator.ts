/** Says what happens, station by station. */
export interface Narrator {
  /** A heading: a turn of the loop. */
  chapter(title: string): void;
  /** What a station did, in a line or two with its figures. */
  station(name: string, text: string, cached?: boolean): void;
  /** A line without a station. */
  say(text: string): void;
}

const nameWidth = 12;

/** @param write takes whole lines @param colour whether escape codes may be used */
export function narrator(write: (line: string) => void, colour: boolean): Narrator {
  const paint = (code: number, text: string): string => (colour ? `\u001b[${code}m${text}\u001b[0m` : text);
  return {
    chapter: (title) => {
      write('');
      write(paint(1, title));
    },
    station: (name, text, cached = false) => {
      const [first, ...rest] = text.split('\n');
      write(`  ${paint(36, name.padEnd(nameWidth))}${cached ? paint(2, '(cached) ') : ''}${first}`);
      for (const line of rest) write(`  ${' '.repeat(nameWidth)}${line}`);
    },
    say: write,
  };
}

/** 0.8421 → `0.842` */
export function figure(value: number | null | undefined, digits = 3): string {
  return value === null || value === undefined ? 'not measured' : value.toFixed(digits);
}
