import type { OpenApiDocument } from './openapi.ts';
import type { Answer, Route } from './route.ts';
import { routeTags } from './route.ts';

const style = `
:root { color-scheme: light dark; --ink: #1c2024; --soft: #60646c; --line: #d9d9e0; --paper: #fcfcfd; --chip: #f0f0f3; --accent: #0b68cb; }
@media (prefers-color-scheme: dark) { :root { --ink: #edeef0; --soft: #b0b4ba; --line: #363a3f; --paper: #111113; --chip: #212225; --accent: #70b8ff; } }
* { box-sizing: border-box; } body { margin: 0; font: 14px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); }
main { max-width: 60rem; margin: 0 auto; padding: 24px 16px 64px; } h1 { font-size: 28px; margin: 0 0 4px; } h2 { font-size: 20px; margin: 40px 0 4px; }
a { color: var(--accent); } nav ul { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: 4px 16px; } .soft { color: var(--soft); }
details { border-top: 1px solid var(--line); } summary { padding: 8px 4px; cursor: pointer; display: flex; flex-wrap: wrap; gap: 4px 12px; align-items: baseline; }
summary:focus-visible { outline: 2px solid var(--accent); } code, pre { font: 13px/1.5 ui-monospace, monospace; } summary code { font-weight: 600; overflow-wrap: anywhere; }
.method { min-width: 4em; } .chip { background: var(--chip); border-radius: 4px; padding: 0 6px; } .body { padding: 0 4px 16px; } h3 { font-size: 14px; margin: 12px 0 4px; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; vertical-align: top; padding: 4px 12px 4px 0; border-top: 1px solid var(--line); }
pre { background: var(--chip); padding: 8px 12px; overflow: auto; max-height: 32rem; margin: 4px 0; border-radius: 4px; }
`;

/** The API as one page without scripts or other files. */
export function docsPage(document: OpenApiDocument, routes: readonly Route[]): string {
  const tags = routeTags.filter((tag) => routes.some((route) => route.tag === tag));
  const sections = tags.map((tag) =>
    section(
      tag,
      routes.filter((route) => route.tag === tag),
    ),
  );
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Gyre: HTTP API</title><style>${style}</style></head><body><main>
<h1>Gyre: HTTP API</h1>
<p>${routes.length} routes, as <a href="/api/openapi.json">OpenAPI ${escape(document.openapi)}</a>. Send <code>Authorization: Bearer gyre_…</code>;
errors are problem details (RFC 9457) with a code, what was wrong, and the request’s id. Lists come in pages: <code>items</code>, and <code>next</code> to hand back as <code>after</code>.</p>
<nav aria-label="Sections"><ul>${tags.map((tag) => `<li><a href="#${tag}">${tag}</a></li>`).join('')}</ul></nav>
${sections.join('\n')}
</main></body></html>`;
}

function section(tag: string, routes: readonly Route[]): string {
  return `<section aria-labelledby="${tag}"><h2 id="${tag}">${tag}</h2>${routes.map(operation).join('\n')}</section>`;
}

function operation(route: Route): string {
  const permission = route.permission === 'public' ? 'no permission' : route.permission;
  return `<details><summary><code class="method">${route.method}</code><code>${escape(route.path)}</code><span class="chip">${permission}</span>
<span class="soft">${escape(route.summary)}</span></summary><div class="body">
${route.description === undefined ? '' : `<p>${escape(route.description)}</p>`}
${table('Path', route.params)}${table('Query', route.query)}
${route.body === undefined ? '' : `<h3>Body</h3><pre tabindex="0">${escape(sketch(route.body, 0))}</pre>`}
<h3>Answer</h3>${answerText(route.answer)}</div></details>`;
}

function answerText(answer: Answer): string {
  switch (answer.kind) {
    case 'json':
      return `<pre tabindex="0">${answer.status}  ${escape(sketch(answer.schema, 0))}</pre>`;
    case 'file':
      return `<p>${escape(answer.description)} <code>${answer.types.join(', ')}</code></p>`;
    case 'stream':
      return '<p>Server-sent events: <code>text/event-stream</code></p>';
  }
}

interface Shape {
  readonly type?: unknown;
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly required?: readonly string[];
  readonly patternProperties?: Readonly<Record<string, Shape>>;
  readonly items?: Shape;
  readonly anyOf?: readonly Shape[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly default?: unknown;
  readonly description?: string;
}

function table(title: string, shape: Shape | undefined): string {
  const members = Object.entries(shape?.properties ?? {});
  if (members.length === 0) return '';
  const rows = members.map(([name, member]) => {
    const need =
      member.default === undefined
        ? shape?.required?.includes(name) === true
          ? 'needed'
          : 'optional'
        : `default ${String(member.default)}`;
    return `<tr><td><code>${escape(name)}</code></td><td><code>${escape(sketch(member, 1))}</code></td><td>${need}</td><td>${escape(member.description ?? '')}</td></tr>`;
  });
  return `<h3>${title}</h3><table><thead><tr><th scope="col">Name</th><th scope="col">Type</th><th scope="col">Need</th><th scope="col">What</th></tr></thead><tbody>${rows.join('')}</tbody></table>`;
}

/** A shape in the way TypeScript writes it: short enough to read. */
function sketch(shape: Shape, depth: number): string {
  if (shape.const !== undefined) return JSON.stringify(shape.const);
  if (shape.enum !== undefined) return shape.enum.map((word) => JSON.stringify(word)).join(' | ');
  if (shape.anyOf !== undefined) return shape.anyOf.map((branch) => sketch(branch, depth)).join(' | ');
  if (shape.items !== undefined) return `${sketch(shape.items, depth)}[]`;
  if (shape.properties !== undefined) {
    if (depth > 4) return '{ … }';
    const indent = '  '.repeat(depth + 1);
    const members = Object.entries(shape.properties).map(
      ([name, member]) =>
        `${indent}${name}${shape.required?.includes(name) === true && member.default === undefined ? '' : '?'}: ${sketch(member, depth + 1)}`,
    );
    return members.length === 0 ? '{}' : `{\n${members.join('\n')}\n${'  '.repeat(depth)}}`;
  }
  if (shape.patternProperties !== undefined) {
    const [value = {}] = Object.values(shape.patternProperties);
    return `Record<string, ${sketch(value, depth)}>`;
  }
  return Array.isArray(shape.type) ? shape.type.join(' | ') : String(shape.type ?? 'any');
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
