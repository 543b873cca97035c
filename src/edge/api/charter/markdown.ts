/** What nobody has said: noted where it is missed, and listed in the end. */
export interface Gaps {
  readonly missing: { readonly what: string; readonly add: string }[];
  /** @param add the line of gyre.yaml, or the command, that says it @returns words for the place where it is missing */
  note(what: string, add: string): string;
}

export function openGaps(): Gaps {
  const missing: Gaps['missing'] = [];
  return {
    missing,
    note: (what, add) => {
      missing.push({ what, add });
      return `**Missing:** ${what}. Add \`${add}\`.`;
    },
  };
}

export function heading(level: 1 | 2 | 3, text: string): string {
  return `${'#'.repeat(level)} ${text}`;
}

export function bullets(items: readonly string[]): string {
  return items.map((item) => `- ${item.trim().replaceAll('\n', '\n  ')}`).join('\n');
}

/** A table; what would break its cells is taken out of them. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
