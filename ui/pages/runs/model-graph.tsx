import type { JSX } from 'preact';
import type { ModelGraph } from '#contract';
import { number } from '../../lib/format.ts';
import { useResource } from '../../lib/resource.ts';
import { Facts, Load } from '../../parts/page.tsx';
import { Table } from '../../parts/table.tsx';

/** More than this are a table only: a drawing of hundreds of boxes says nothing. */
const mostDrawn = 80;
const [boxWidth, boxHeight, gapX, gapY] = [132, 30, 14, 26];

/** The graph of an ONNX file: drawn in layers from inputs to outputs, and as a table of its nodes. */
export function ModelGraphView({ run, path }: { readonly run: string; readonly path: string }): JSX.Element {
  const graph = useResource<ModelGraph>(`runs/${encodeURIComponent(run)}/model-graph?file=${encodeURIComponent(path)}`);
  return (
    <Load of={graph} what="The graph of the model">
      {(data) => (
        <>
          <Facts
            facts={[
              ['Takes', values(data.inputs)],
              ['Gives', values(data.outputs)],
              ['Nodes', number(data.total, 0)],
              ['Numbers in constants', number(data.parameters, 0)],
              ['Made by', data.producer === '' ? 'not said' : data.producer],
              [
                'Operators of',
                Object.entries(data.opsets)
                  .map(([domain, version]) => `${domain} ${version}`)
                  .join(', '),
              ],
            ]}
          />
          {data.nodes.length <= mostDrawn && data.total === data.nodes.length && <Drawing graph={data} path={path} />}
          <Table
            name="model-nodes"
            caption={`Nodes of ${path}`}
            rows={data.nodes}
            rowKey={(node) => String(data.nodes.indexOf(node))}
            columns={[
              { key: 'operator', head: 'Operator', value: ({ operator }) => operator },
              { key: 'name', head: 'Name', value: ({ name }) => name },
              { key: 'layer', head: 'Layer', number: true, value: ({ layer }) => layer },
              {
                key: 'constants',
                head: 'Constants',
                value: ({ constants }) => constants.map(({ shape, type }) => `${type} ${shape ?? ''}`.trim()).join('; '),
              },
              { key: 'outputs', head: 'Gives', value: ({ outputs }) => outputs.join(', ') },
            ]}
          />
          {data.total > data.nodes.length && (
            <p class="quiet">
              The first {data.nodes.length} of {number(data.total, 0)} nodes.
            </p>
          )}
        </>
      )}
    </Load>
  );
}

function values(list: ModelGraph['inputs']): string {
  const shown = list.slice(0, 8).map(({ name, type, shape }) => `${name} (${type}${shape === undefined ? '' : ` ${shape}`})`);
  return shown.join(', ') + (list.length > 8 ? ` and ${list.length - 8} more` : '');
}

interface Placed {
  readonly x: number;
  readonly y: number;
}

function Drawing({ graph, path }: { readonly graph: ModelGraph; readonly path: string }): JSX.Element {
  const layers: number[] = [];
  const places = graph.nodes.map(({ layer }): Placed => {
    const column = layers[layer] ?? 0;
    layers[layer] = column + 1;
    return { x: column * (boxWidth + gapX), y: layer * (boxHeight + gapY) };
  });
  const width = Math.max(1, ...layers.map((count) => (count ?? 0) * (boxWidth + gapX) - gapX));
  const height = layers.length * (boxHeight + gapY) - gapY;
  return (
    <div class="graph-scroll" tabIndex={0} role="region" aria-label={`Drawing of ${path}`}>
      <svg
        class="model-graph"
        viewBox={`-2 -2 ${width + 4} ${height + 4}`}
        width={width + 4}
        height={height + 4}
        role="img"
        aria-label={`${graph.nodes.length} nodes in ${layers.length} layers`}
      >
        {graph.nodes.flatMap(({ after }, at) =>
          after.map((before) => {
            const [from, to] = [places[before], places[at]];
            if (from === undefined || to === undefined) return null;
            const [x1, y1, x2, y2] = [from.x + boxWidth / 2, from.y + boxHeight, to.x + boxWidth / 2, to.y];
            return <path key={`${before}-${at}`} d={`M${x1} ${y1}C${x1} ${y1 + gapY} ${x2} ${y2 - gapY} ${x2} ${y2}`} />;
          }),
        )}
        {graph.nodes.map(({ operator, name }, at) => {
          const { x, y } = places[at] ?? { x: 0, y: 0 };
          return (
            <g key={at}>
              <rect x={x} y={y} width={boxWidth} height={boxHeight} rx="5" />
              <text x={x + boxWidth / 2} y={y + boxHeight / 2 + 4}>
                {operator.replace('ai.onnx.ml.', '').slice(0, 18)}
                <title>{name}</title>
              </text>
            </g>
          );
        })}
      </svg>
    </div>
  );
}
