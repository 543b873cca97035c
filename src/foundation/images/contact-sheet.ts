import type { OverlayOptions } from 'sharp';
import { loadSharp } from './decode.ts';

/** One picture of a contact sheet. */
export interface SheetCell {
  /** A small picture of any format that is decoded; without it an empty frame is drawn. */
  readonly bytes?: Uint8Array;
  /** Under the picture, each on a line of its own; cut where they are too long. */
  readonly lines: readonly string[];
  /** Cells of one group that follow each other share a background. */
  readonly group?: number;
}

export interface Sheet {
  readonly title: string;
  readonly cells: readonly SheetCell[];
  /** From 1 on. */
  readonly columns: number;
  /** Side of a picture's square, pixels. */
  readonly size: number;
}

const gap = 8;
const lineHeight = 15;
const titleHeight = 36;
/** Mean width of a sign of the captions, so that long ones are cut before they run into the next picture. */
const signWidth = 6.6;

/** Draws pictures in rows, with their captions, as one PNG. */
export async function contactSheet({ title, cells, columns, size }: Sheet): Promise<Uint8Array> {
  const sharp = await loadSharp();
  const lines = Math.max(1, ...cells.map((cell) => cell.lines.length));
  const [cellWidth, cellHeight] = [size + gap, size + lines * lineHeight + gap];
  const rows = Math.ceil(cells.length / columns);
  const [width, height] = [columns * cellWidth + gap, rows * cellHeight + gap + titleHeight];
  const signs = Math.floor(size / signWidth);
  const pictures: OverlayOptions[] = [];
  const drawn: string[] = [`<text x="${gap}" y="24" font-size="17" font-weight="bold">${escaped(title)}</text>`];
  for (const [index, cell] of cells.entries()) {
    const left = gap + (index % columns) * cellWidth;
    const top = titleHeight + Math.floor(index / columns) * cellHeight;
    if (cell.group !== undefined && cell.group % 2 === 0)
      drawn.push(`<rect x="${left - gap / 2}" y="${top - gap / 2}" width="${cellWidth}" height="${cellHeight}" fill="#dde6f3"/>`);
    if (cell.bytes === undefined) drawn.push(emptyFrame(left, top, size));
    else {
      const fitted = sharp(cell.bytes).resize({ width: size, height: size, fit: 'inside' });
      const { data, info } = await fitted.png().toBuffer({ resolveWithObject: true });
      pictures.push({ input: data, left: left + ((size - info.width) >> 1), top: top + ((size - info.height) >> 1) });
    }
    for (const [line, text] of cell.lines.entries())
      drawn.push(`<text x="${left}" y="${top + size + 12 + line * lineHeight}" font-size="11">${escaped(cut(text, signs))}</text>`);
  }
  const captions = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="DejaVu Sans, Arial, sans-serif" fill="#222">${drawn.join('')}</svg>`;
  const sheet = sharp({ create: { width, height, channels: 3, background: '#ffffff' } });
  return sheet
    .composite([{ input: Buffer.from(captions), left: 0, top: 0 }, ...pictures])
    .png()
    .toBuffer();
}

function emptyFrame(left: number, top: number, size: number): string {
  const cross = `M${left} ${top}l${size} ${size}M${left + size} ${top}l${-size} ${size}`;
  return `<rect x="${left}" y="${top}" width="${size}" height="${size}" fill="#f3f3f3" stroke="#b00"/><path d="${cross}" stroke="#b00" fill="none"/>`;
}

/** The end of a path says more than its beginning. */
function cut(text: string, signs: number): string {
  return text.length <= signs ? text : `…${text.slice(text.length - signs + 1)}`;
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll(/\p{Cc}/gu, ' ');
}
