/** How a file can be looked at without keeping it. */
export type PreviewKind = 'image' | 'table' | 'markdown' | 'json' | 'html' | 'text' | 'audio' | 'graph';

const imageTypes: Readonly<Record<string, string>> = {
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  gif: 'image/gif',
  webp: 'image/webp',
  bmp: 'image/bmp',
  svg: 'image/svg+xml',
};
const kinds: Readonly<Record<string, PreviewKind>> = {
  csv: 'table',
  tsv: 'table',
  md: 'markdown',
  json: 'json',
  html: 'html',
  htm: 'html',
  onnx: 'graph',
  ...Object.fromEntries(['wav', 'mp3', 'ogg', 'oga', 'flac', 'm4a', 'opus'].map((extension) => [extension, 'audio'])),
  ...Object.fromEntries(Object.keys(imageTypes).map((extension) => [extension, 'image'])),
  ...Object.fromEntries(
    ['txt', 'log', 'yaml', 'yml', 'py', 'r', 'sh', 'toml', 'ini', 'cfg', 'js', 'ts', 'sql', 'xml', 'jsonl', 'diff', 'patch', 'mlmodel'].map(
      (extension) => [extension, 'text'],
    ),
  ),
};
const namesOfText = new Set(['mlmodel', 'mlproject', 'dockerfile', 'makefile', 'license']);

const extensionOf = (path: string): string => /\.([^./]+)$/.exec(path)?.[1]?.toLowerCase() ?? '';

/** Undefined: bytes that say nothing to a reader. */
export function previewOf(path: string): PreviewKind | undefined {
  const name = path.slice(path.lastIndexOf('/') + 1).toLowerCase();
  return namesOfText.has(name) ? 'text' : kinds[extensionOf(path)];
}

/** The media type of an image. */
export function imageType(path: string): string {
  return imageTypes[extensionOf(path)] ?? 'application/octet-stream';
}

/** Rows of a table in text (RFC 4180), at most `most`; quotes may hold separators and lines. */
export function tableRows(text: string, separator: ',' | '\t', most: number): readonly (readonly string[])[] {
  const rows: string[][] = [];
  let row: string[] = [];
  let cell = '';
  let quoted = false;
  for (let at = 0; at < text.length && rows.length < most; at += 1) {
    const sign = text.charAt(at);
    if (quoted) {
      if (sign !== '"') cell += sign;
      else if (text.charAt(at + 1) === '"') {
        cell += '"';
        at += 1;
      } else quoted = false;
    } else if (sign === '"' && cell === '') quoted = true;
    else if (sign === separator) {
      row.push(cell);
      cell = '';
    } else if (sign === '\n') {
      rows.push([...row, cell.replace(/\r$/, '')]);
      row = [];
      cell = '';
    } else cell += sign;
  }
  if (rows.length < most && (cell !== '' || row.length > 0)) rows.push([...row, cell]);
  return rows;
}
