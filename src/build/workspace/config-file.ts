/** One `[section]` of a configuration file, such as `core` or `remote "origin"`. */
export interface ConfigSection {
  readonly name: string;
  readonly values: ReadonlyMap<string, string>;
}

const sectionLine = /^\s*\[(.+)\]\s*$/;
const valueLine = /^\s*("?)([^"=]+?)\1\s*=\s*(.*)$/;

/**
 * Reads DVC's configuration format: ConfigObj's INI dialect, `['remote "origin"']` over `key = value`, values quoted where they must be,
 * `#` at a line's start (or after a space behind an unquoted value) begins a comment.
 */
export function parseConfig(text: string): ConfigSection[] {
  const sections: { name: string; values: Map<string, string> }[] = [];
  for (const line of text.split(/\r?\n/)) {
    if (/^\s*(#|$)/.test(line)) continue;
    const section = sectionLine.exec(line);
    if (section) {
      sections.push({ name: unquoted(section[1]), values: new Map() });
      continue;
    }
    const value = valueLine.exec(line);
    const [last] = sections.slice(-1);
    if (value && last !== undefined) last.values.set(value[2].trim(), unquoted(withoutComment(value[3])));
  }
  return sections;
}

/** The text with one value set; its section is made when there is none. Everything else stays as it was written. */
export function withValue(text: string, section: string, key: string, value: string): string {
  const lines = text === '' ? [] : text.replace(/\n$/, '').split('\n');
  const { start, end } = rangeOf(lines, section);
  const line = `    ${key} = ${quotedIfNeeded(value)}`;
  if (start < 0) return `${[...lines, `[${sectionText(section)}]`, line].join('\n')}\n`;
  const at = lines.findIndex((each, i) => i > start && i < end && valueLine.exec(each)?.[2].trim() === key);
  const changed = at < 0 ? lines.toSpliced(end, 0, line) : lines.with(at, line);
  return `${changed.join('\n')}\n`;
}

/** The text without a value; a section that has none left goes with it. */
export function withoutValue(text: string, section: string, key: string): string {
  const lines = text.split('\n');
  const { start, end } = rangeOf(lines, section);
  const at = lines.findIndex((each, i) => i > start && i < end && valueLine.exec(each)?.[2].trim() === key);
  if (start < 0 || at < 0) return text;
  const kept = lines.toSpliced(at, 1);
  return kept.slice(start + 1, end - 1).every((each) => each.trim() === '') ? withoutSection(kept.join('\n'), section) : kept.join('\n');
}

/** The text without a section. */
export function withoutSection(text: string, section: string): string {
  const lines = text.split('\n');
  const { start, end } = rangeOf(lines, section);
  return start < 0 ? text : lines.toSpliced(start, end - start).join('\n');
}

/** Where a section's lines are: its head, and the line after its last value. Start -1 when there is none. */
function rangeOf(lines: readonly string[], section: string): { readonly start: number; readonly end: number } {
  const headOf = (line: string): string | undefined => {
    const found = sectionLine.exec(line);
    return found ? unquoted(found[1]) : undefined;
  };
  const start = lines.findIndex((line) => headOf(line) === section);
  if (start < 0) return { start, end: lines.length };
  const next = lines.findIndex((line, i) => i > start && headOf(line) !== undefined);
  let end = next < 0 ? lines.length : next;
  while (end > start + 1 && lines[end - 1].trim() === '') end -= 1;
  return { start, end };
}

const sectionText = (name: string): string => (name.includes('"') ? `'${name}'` : name);

function unquoted(text: string): string {
  const trimmed = text.trim();
  const [quote] = trimmed;
  const isQuoted = trimmed.length >= 2 && (quote === '"' || quote === "'") && trimmed.endsWith(quote);
  return isQuoted ? trimmed.slice(1, -1) : trimmed;
}

function withoutComment(value: string): string {
  const quoted = /^\s*("[^"]*"|'[^']*')/.exec(value);
  return quoted ? quoted[1] : value.replace(/\s#.*$/, '');
}

function quotedIfNeeded(value: string): string {
  if (!/^\s|\s$|[#'",]|^$/.test(value)) return value;
  return value.includes('"') ? `'${value}'` : `"${value}"`;
}
