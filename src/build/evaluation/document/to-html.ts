import type { Block, Cell, Document, Table } from './blocks.ts';
import { escapeHtml } from './escape.ts';
import { style } from './style.ts';

/** A self-contained page: no scripts, nothing loaded from elsewhere, light and dark. */
export function toHtml({ title, subtitle, blocks }: Document): string {
  const lines = [
    '<!doctype html>',
    '<html lang="en">',
    '<head>',
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>${escapeHtml(title)}</title>`,
    `<style>${style}</style>`,
    '</head>',
    '<body>',
    '<main>',
    `<h1>${escapeHtml(title)}</h1>`,
    ...(subtitle === undefined ? [] : [`<p class="subtitle">${escapeHtml(subtitle)}</p>`]),
    ...blocks.map(blockHtml),
    '</main>',
    '</body>',
    '</html>',
  ];
  return `${lines.join('\n')}\n`;
}

const toneWord = { good: 'Passed', bad: 'Failed', warning: 'Warning', plain: 'Note' } as const;

function blockHtml(block: Block): string {
  switch (block.kind) {
    case 'heading':
      return `<h2>${escapeHtml(block.text)}</h2>`;
    case 'text':
      return `<p>${escapeHtml(block.text)}</p>`;
    case 'note':
      return `<p class="note ${block.tone}"><strong>${toneWord[block.tone]}.</strong> ${escapeHtml(block.text)}</p>`;
    case 'list':
      return `<ul>${block.items.map((item) => `<li>${escapeHtml(item)}</li>`).join('')}</ul>`;
    case 'facts':
      return `<dl>${block.items.map(([term, value]) => `<dt>${escapeHtml(term)}</dt><dd>${escapeHtml(value)}</dd>`).join('')}</dl>`;
    case 'commands':
      return `<pre tabindex="0">${escapeHtml(block.lines.join('\n'))}</pre>`;
    case 'table':
      return tableHtml(block);
    case 'figures':
      return `<div class="figures">${block.figures.map(({ svg, caption }) => `<figure>${svg}<figcaption>${escapeHtml(caption)}</figcaption></figure>`).join('')}</div>`;
  }
}

function tableHtml({ caption, columns, rows }: Table): string {
  const side = (column: number): string => (columns[column]?.numeric === true ? ' class="number"' : '');
  const head = columns.map(({ title }, column) => `<th scope="col"${side(column)}>${escapeHtml(title)}</th>`).join('');
  const body = rows
    .map(
      (row) =>
        `<tr>${row.map((cell, column) => (column === 0 ? `<th scope="row">${cellHtml(cell)}</th>` : `<td${side(column)}>${cellHtml(cell)}</td>`)).join('')}</tr>`,
    )
    .join('\n');
  // Wide tables scroll; what scrolls must be reachable by keyboard and have a name.
  return `<div class="scroll" role="region" aria-label="${escapeHtml(caption)}" tabindex="0"><table><caption>${escapeHtml(caption)}</caption><thead><tr>${head}</tr></thead><tbody>\n${body}\n</tbody></table></div>`;
}

function cellHtml(cell: Cell): string {
  return typeof cell === 'string' ? escapeHtml(cell) : `<span class="${cell.tone}">${escapeHtml(cell.text)}</span>`;
}
