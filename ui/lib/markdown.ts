/*
 * The Markdown of the platform and of people, as blocks to draw: headings, paragraphs, bullets, tables, fenced blocks; bold, code and links within.
 * Pure. What is no such mark stays text, so that nothing in a document becomes a page's own elements; links lead to pages of this
 * platform or of the web, never to a script.
 */

export type Span =
  | { readonly is: 'text' | 'bold' | 'code'; readonly text: string }
  | { readonly is: 'link'; readonly text: string; readonly href: string };

export type Block =
  | { readonly is: 'heading'; readonly level: number; readonly spans: readonly Span[] }
  | { readonly is: 'paragraph'; readonly spans: readonly Span[] }
  | { readonly is: 'fence'; readonly language: string; readonly text: string }
  | { readonly is: 'bullets'; readonly items: readonly (readonly Span[])[] }
  | { readonly is: 'table'; readonly head: readonly (readonly Span[])[]; readonly rows: readonly (readonly (readonly Span[])[])[] };

export function blocksOf(markdown: string): readonly Block[] {
  // Whole lines of three marks open and close; what is never closed goes on to the end.
  return markdown
    .replaceAll('\r\n', '\n')
    .split(/^```([^\n`]*)\n([^]*?)(?:^```[ \t]*$|$(?![^]))/m)
    .flatMap((part, at, parts): readonly Block[] => {
      if (at % 3 === 0) return plainBlocks(part);
      return at % 3 === 1 ? [{ is: 'fence', language: part.trim(), text: (parts[at + 1] ?? '').replace(/\n$/, '') }] : [];
    });
}

function plainBlocks(markdown: string): readonly Block[] {
  return markdown
    .split(/\n{2,}/)
    .map((part) => part.replace(/^\n+/, '').trimEnd())
    .filter((part) => part.trim() !== '')
    .map(blockOf);
}

function blockOf(part: string): Block {
  const lines = part.split('\n');
  const [first = '', second = ''] = lines;
  const heading = /^(#{1,6}) (.*)$/.exec(first);
  if (heading !== null && lines.length === 1) return { is: 'heading', level: heading[1]?.length ?? 1, spans: spansOf(heading[2] ?? '') };
  if (first.startsWith('- ')) {
    const items = part.split(/\n(?=- )/).map((item) => spansOf(item.slice(2).replaceAll(/\n\s*/g, ' ')));
    return { is: 'bullets', items };
  }
  if (first.startsWith('|') && /^\|[\s|:-]+\|$/.test(second)) {
    const [head = [], , ...rows] = lines.map(cellsOf);
    return { is: 'table', head, rows };
  }
  return { is: 'paragraph', spans: spansOf(lines.join(' ')) };
}

/** A bar after a backslash is one of the text. */
function cellsOf(line: string): readonly (readonly Span[])[] {
  const cells = line
    .replace(/^\|/, '')
    .replace(/\|$/, '')
    .split(/(?<!\\)\|/);
  return cells.map((cell) => spansOf(cell.trim().replaceAll('\\|', '|')));
}

function spansOf(text: string): readonly Span[] {
  return text
    .split(/(\*\*[^*]+\*\*|`[^`]+`|\[[^\]]+\]\((?:https?:\/\/|\/(?!\/))[^\s)]*\))/)
    .filter((piece) => piece !== '')
    .map((piece): Span => {
      if (piece.length > 4 && piece.startsWith('**')) return { is: 'bold', text: piece.slice(2, -2) };
      const link = /^\[([^\]]+)\]\(([^\s)]+)\)$/.exec(piece);
      if (link !== null) return { is: 'link', text: link[1] ?? '', href: link[2] ?? '' };
      if (piece.length > 2 && piece.startsWith('`')) return { is: 'code', text: piece.slice(1, -1) };
      return { is: 'text', text: piece };
    });
}
