import { executesCode } from '#contract';
import type { BroughtEvidence, CharterVersion, InputColumn, TestReport } from '#contract';
import { findingBlocks, warningBlocks } from '#evaluation';
import type { Block, Document } from '#evaluation';
import { personalData, purpose, statements } from './model-card.ts';

/** What the card of a model is made from that was trained elsewhere. */
export interface BroughtCardFacts {
  readonly report: TestReport;
  readonly charter: CharterVersion;
  readonly evidence: BroughtEvidence;
  readonly inputs: readonly InputColumn[];
  readonly positive?: string;
}

/** A model card as of a model of ours, as far as anything is known: what it has learned from is not. */
export function broughtCard({ report, charter, evidence, inputs, positive }: BroughtCardFacts): Document {
  const { brought, model } = evidence;
  const failed = report.gates.filter(({ passed }) => !passed).map(({ name }) => name);
  const verdict: Block = report.passed
    ? { kind: 'note', tone: 'good', text: `All ${report.gates.length} gates of the test report hold.` }
    : { kind: 'note', tone: 'bad', text: `Gates of the test report do not hold: ${failed.join(', ')}.` };
  return {
    title: `Model card: ${model}`,
    subtitle: `a model that was trained elsewhere, tested by charter version ${charter.version} of project ${charter.project}`,
    blocks: [
      verdict,
      ...(evidence.python === undefined ? [] : [codeWarning]),
      ...purpose({ charter, transform: { target: brought.target, task: report.task, ...(positive === undefined ? {} : { positive }) } }),
      { kind: 'heading', text: 'Where it comes from' },
      {
        kind: 'text',
        text: 'It was trained outside of Gyre: its training data, code and parameters are not known here, so it cannot be trained again here. Its files are kept as they were brought.',
      },
      {
        kind: 'facts',
        items: [
          ['Brought by', `${evidence.by.name}${evidence.by.simulated === true ? ' (simulated identity)' : ''}`],
          ['Brought', evidence.at],
          ['Source', evidence.source],
          ...brought.tensors.map(({ name, columns }) => [`Tensor ${name}`, columns.join(', ')] as const),
          ...(evidence.parity === undefined
            ? []
            : [
                [
                  'The graph behind named columns against itself as it was brought',
                  `greatest difference ${evidence.parity.maxDifference.toExponential(1)} on ${evidence.parity.rows} rows; allowed ${evidence.parity.tolerance.toExponential(0)}`,
                ] as const,
              ]),
          ...(evidence.python === undefined ? [] : pythonFacts(evidence.python)),
        ],
      },
      { kind: 'heading', text: 'Limits' },
      ...warningBlocks(report),
      ...((charter.charter.scope?.out ?? []).length === 0
        ? []
        : [{ kind: 'text', text: `Not meant for: ${(charter.charter.scope?.out ?? []).join('; ')}.` } as const]),
      { kind: 'text', text: 'The figures below hold for rows like those of the test data.' },
      ...findingBlocks(report),
      ...statements({ charter }),
      ...personalData({ charter, transform: { inputs } }),
      { kind: 'heading', text: 'Evidence' },
      {
        kind: 'table',
        caption: 'SHA-256 of what was brought and what it was tested with; evidence.json holds the same',
        columns: [{ title: 'What' }, { title: 'SHA-256' }],
        rows: [
          ['List of the files that were brought', brought.package],
          [evidence.python === undefined ? `Graph as it was brought (${brought.graph})` : 'How Python loads it (MLmodel)', evidence.graph],
          ...(evidence.onnx === undefined ? [] : [['Model behind named columns (model.onnx)', evidence.onnx] as const]),
          ...Object.entries(evidence.datasets).map(([role, digest]) => [`Dataset, ${role}`, digest] as const),
          ['Test report (test-report.json)', evidence.testReport],
          ['Charter (charter.json)', evidence.charter],
        ],
      },
    ],
  };
}

const codeWarning: Block = {
  kind: 'note',
  tone: 'bad',
  text: `It ${executesCode}: it has no ONNX graph, and whoever loads it runs code that came in its files. Gyre runs it in a Python process of its own.`,
};

function pythonFacts({ version, libraries, flavors }: NonNullable<BroughtEvidence['python']>): readonly (readonly [string, string])[] {
  const named = Object.entries(libraries).map(([name, own]) => `${name} ${own}`);
  return [
    ['Loaded as', flavors.join(', ')],
    ['Tested with', [`Python ${version}`, ...named].join(', ')],
  ];
}
