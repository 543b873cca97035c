import type { DatasetImage } from '#contract';

export interface SheetImage {
  readonly item: DatasetImage;
  /** A JPEG; absent where there is nothing to show. */
  readonly bytes?: Uint8Array;
}

/** A contact sheet as a page that needs nothing beside itself. */
export function sheetPage(title: string, pictures: readonly SheetImage[]): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="content-security-policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>${escaped(title)}</title>
<style>
:root { color-scheme: light dark; font: 13px/1.35 system-ui, sans-serif; }
body { margin: 1rem; }
main { display: grid; gap: .5rem; grid-template-columns: repeat(auto-fill, minmax(9.5rem, 1fr)); }
figure { margin: 0; padding: .4rem; border: 1px solid color-mix(in srgb, currentcolor 18%, transparent); border-radius: .3rem; }
figure.even { background: color-mix(in srgb, #3b82f6 14%, transparent); }
img, .none { display: block; width: 100%; aspect-ratio: 1; object-fit: contain; }
.none { display: grid; place-items: center; border: 1px dashed; box-sizing: border-box; }
figcaption { overflow-wrap: anywhere; }
.problem { color: #c2410c; }
</style>
</head>
<body>
<h1>${escaped(title)}</h1>
<main>
${pictures.map(figure).join('\n')}
</main>
</body>
</html>
`;
}

function figure({ item, bytes }: SheetImage): string {
  const { path, label, width, height, problem, group } = item;
  const alt = escaped(`${label ?? 'no label'}: ${path}`);
  const picture =
    bytes === undefined
      ? '<div class="none">nothing to show</div>'
      : `<img alt="${alt}" src="data:image/jpeg;base64,${Buffer.from(bytes).toString('base64')}">`;
  const size = width === null || height === null ? '' : ` ${width} × ${height}`;
  const wrong = problem === 'none' ? '' : `<br><span class="problem">${escaped(problem)}</span>`;
  const shade = group !== undefined && group % 2 === 0 ? ' class="even"' : '';
  return `<figure${shade}>${picture}<figcaption><b>${escaped(label ?? 'no label')}</b>${size}<br>${escaped(path)}${wrong}</figcaption></figure>`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
