import { Type, type Static } from 'typebox';
import { Id, strict } from './common.ts';

/** The end of what a run wrote. */
export const RunLogLines = strict({
  files: Type.Array(Type.String(), { description: 'files of the run that are logs, by path' }),
  from: Type.Optional(Type.String({ description: 'the file; absent where a trainer of Gyre still writes' })),
  lines: Type.Array(Type.String()),
  cut: Type.Boolean({ description: 'there is more before these lines' }),
  going: Type.Boolean({ description: 'the run goes on, and so may its log' }),
});
export type RunLogLines = Static<typeof RunLogLines>;

/** How the code of two runs differs, as far as it is in the repository of the project. */
export const CodeChanges = strict({
  from: Id,
  to: Id,
  unknown: Type.Optional(Type.String({ description: 'why it is not known' })),
  files: Type.Array(strict({ path: Type.String(), added: Type.Integer(), removed: Type.Integer() }), {
    description: 'lines; both 0 for a file that is no text',
  }),
  diff: Type.String({ description: 'as git writes it; only changes in the project’s folder' }),
  cut: Type.Boolean({ description: 'the text is longer than this' }),
});
export type CodeChanges = Static<typeof CodeChanges>;

const GraphValue = strict({
  name: Type.String(),
  type: Type.String(),
  shape: Type.Optional(Type.String({ description: 'such as N × 44' })),
});

/** A model's graph, to be drawn. */
export const ModelGraph = strict({
  inputs: Type.Array(GraphValue),
  outputs: Type.Array(GraphValue),
  nodes: Type.Array(
    strict({
      name: Type.String(),
      operator: Type.String(),
      layer: Type.Integer({ description: 'the longest way from an input' }),
      after: Type.Array(Type.Integer(), { description: 'places of the nodes whose values it takes' }),
      constants: Type.Array(GraphValue),
      outputs: Type.Array(Type.String()),
    }),
  ),
  total: Type.Integer({ description: 'nodes; those beyond the first 500 are left out' }),
  parameters: Type.Number({ description: 'numbers in constants' }),
  producer: Type.String(),
  opsets: Type.Record(Type.String(), Type.Integer()),
});
export type ModelGraph = Static<typeof ModelGraph>;
