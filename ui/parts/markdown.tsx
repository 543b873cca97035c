import type { JSX } from 'preact';
import { type Block, blocksOf, type Span } from '../lib/markdown.ts';

/** A document, its first heading being of level 2 as it stands in a page. */
export function Markdown({ text, label }: { readonly text: string; readonly label: string }): JSX.Element {
  return (
    <article class="document" aria-label={label}>
      {blocksOf(text).map((block, index) => (
        <BlockView key={index} block={block} place={`${label}, part ${index + 1}`} />
      ))}
    </article>
  );
}

function BlockView({ block, place }: { readonly block: Block; readonly place: string }): JSX.Element {
  switch (block.is) {
    case 'heading':
      if (block.level === 1) return <h2>{spans(block.spans)}</h2>;
      return block.level === 2 ? <h3>{spans(block.spans)}</h3> : <h4>{spans(block.spans)}</h4>;
    case 'paragraph':
      return <p>{spans(block.spans)}</p>;
    case 'bullets':
      return (
        <ul>
          {block.items.map((item, index) => (
            <li key={index}>{spans(item)}</li>
          ))}
        </ul>
      );
    case 'table':
      return (
        <div class="table-scroll" tabIndex={0} role="region" aria-label={place}>
          <table>
            <thead>
              <tr>
                {block.head.map((cell, index) => (
                  <th key={index} scope="col">
                    {spans(cell)}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {block.rows.map((row, index) => (
                <tr key={index}>
                  {row.map((cell, at) => (
                    <td key={at}>{spans(cell)}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      );
  }
}

function spans(list: readonly Span[]): JSX.Element[] {
  return list.map(({ is, text }, index) => {
    if (is === 'bold') return <b key={index}>{text}</b>;
    return is === 'code' ? <code key={index}>{text}</code> : <span key={index}>{text}</span>;
  });
}
