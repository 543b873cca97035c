import type { Block, Cell, Document, Table } from './blocks.ts';

/** The document as Markdown (GitHub's dialect for tables). */
export function toMarkdown({ title, subtitle, blocks }: Document): string {
  const parts = [`# ${escape(title)}`, ...(subtitle === undefined ? [] : [escape(subtitle)]), ...blocks.map(blockMarkdown)];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

const toneWord = { good: 'Passed', bad: 'Failed', warning: 'Warning', plain: 'Note' } as const;

function blockMarkdown(block: Block): string {
  switch (block.kind) {
    case 'heading':
      return `## ${escape(block.text)}`;
    case 'text':
      return escape(block.text);
    case 'note':
      return `> **${toneWord[block.tone]}.** ${escape(block.text)}`;
    case 'list':
      return block.items.map((item) => `- ${escape(item)}`).join('\n');
    case 'facts':
      return block.items.map(([term, value]) => `- **${escape(term)}**: ${escape(value)}`).join('\n');
    case 'commands':
      return ['```sh', ...block.lines, '```'].join('\n');
    case 'table':
      return tableMarkdown(block);
    case 'figures':
      return '';
  }
}

function tableMarkdown({ caption, columns, rows }: Table): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [
    `**${escape(caption)}**`,
    '',
    line(columns.map(({ title }) => escape(title))),
    line(columns.map(({ numeric }) => (numeric === true ? '---:' : '---'))),
    ...rows.map((row) => line(row.map(cellMarkdown))),
  ].join('\n');
}

function cellMarkdown(cell: Cell): string {
  return escape(typeof cell === 'string' ? cell : cell.text);
}

/** Signs that Markdown or HTML would read as markup, anywhere or at the beginning of a line; line breaks become spaces. */
function escape(text: string): string {
  return text
    .replaceAll(/\s*\n\s*/g, ' ')
    .replaceAll(/[\\`*_[\]<|]/g, (sign) => `\\${sign}`)
    .replace(/^(>|[#+-](?=\s))/, (start) => `\\${start}`);
}
