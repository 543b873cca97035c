import type { CharterVersion, DatasetVersion, InputColumn, Run, TestReport, TrainedEvidence, Transform } from '#contract';
import { findingBlocks, warningBlocks } from '#evaluation';
import type { Block, Document } from '#evaluation';

/** Everything that a card is made from: records, and nothing else. */
export interface CardFacts {
  readonly model: string;
  readonly run: Run;
  readonly report: TestReport;
  readonly charter: CharterVersion;
  readonly transform: Transform;
  readonly evidence: TrainedEvidence;
  /** Dataset versions with what each was for. */
  readonly datasets: readonly { readonly role: string; readonly version: DatasetVersion }[];
}

/** A model card (Mitchell et al. 2019), filled from the records of how the model came about. */
export function modelCard(facts: CardFacts): Document {
  const { model, run, report, charter } = facts;
  const verdict: Block = report.passed
    ? { kind: 'note', tone: 'good', text: `All ${report.gates.length} gates of the test report hold.` }
    : { kind: 'note', tone: 'bad', text: `Gates of the test report do not hold: ${report.gates.filter(({ passed }) => !passed).map(({ name }) => name).join(', ')}.` }; // prettier-ignore
  return {
    title: `Model card: ${model}`,
    subtitle: `${run.trainer ?? 'model'} of run ${run.id}, made from the records of project ${charter.project}, charter version ${charter.version}`,
    blocks: [
      verdict,
      ...purpose(facts),
      ...limits(facts),
      ...data(facts),
      ...findingBlocks(report),
      ...statements(facts),
      ...personalData(facts),
      ...making(facts),
      ...digests(facts),
    ],
  };
}

/** What a model is for, in the words of the charter. */
export function purpose({
  charter: { charter },
  transform,
}: Pick<CardFacts, 'charter'> & { readonly transform: Pick<Transform, 'target' | 'task' | 'positive'> }): Block[] {
  const { scope, stakeholders = [], constraints = [], kpis = [] } = charter;
  const predicts =
    transform.positive === undefined ? `"${transform.target}"` : `the probability that "${transform.target}" is "${transform.positive}"`;
  return [
    { kind: 'heading', text: 'Purpose' },
    { kind: 'text', text: charter.problem },
    {
      kind: 'facts',
      items: [
        ['Predicts', `${predicts} (${transform.task})`],
        ['Owner', charter.owner],
        ...(stakeholders.length === 0 ? [] : [['Stakeholders', stakeholders.join('; ')] as const]),
        ...(scope?.in === undefined ? [] : [['Meant for', scope.in.join('; ')] as const]),
        ['Risk level', charter.risk ?? 'limited'],
        ...(constraints.length === 0 ? [] : [['Constraints', constraints.join('; ')] as const]),
        ...kpis.map(
          ({ name, target, measuredBy }) =>
            [`Aim: ${name}`, measuredBy === undefined ? target : `${target} (measured by ${measuredBy})`] as const,
        ),
      ],
    },
  ];
}

function limits({ charter: { charter }, report, transform }: CardFacts): Block[] {
  const outside = charter.scope?.out ?? [];
  const seen = transform.inputs.flatMap(({ name, range, categories, image }) => {
    if (image !== undefined)
      return [`${name}: pictures, made ${image.width} x ${image.height} pixels (${image.fit}, ${image.kernel}) by ${image.function}`];
    if (range !== undefined) return [`${name}: ${Number(range[0].toPrecision(6))} to ${Number(range[1].toPrecision(6))}`];
    return categories === undefined || categories.length > 12 ? [] : [`${name}: ${categories.join(', ')}`];
  });
  return [
    { kind: 'heading', text: 'Limits' },
    ...warningBlocks(report),
    ...(transform.warnings ?? []).map((text): Block => ({ kind: 'note', tone: 'warning', text })),
    ...(outside.length === 0 ? [] : [{ kind: 'text', text: `Not meant for: ${outside.join('; ')}.` } as const]),
    {
      kind: 'text',
      text: 'The figures below hold for rows like those of the test data. Of values outside what training saw, nothing was measured. Training saw:',
    },
    { kind: 'list', items: seen },
  ];
}

function data({ datasets, transform }: CardFacts): Block[] {
  return [
    { kind: 'heading', text: 'Data' },
    {
      kind: 'table',
      caption: 'Dataset versions, each named by the digest of its manifest',
      columns: [{ title: 'Role' }, { title: 'Dataset' }, { title: 'Rows', numeric: true }, { title: 'Version' }, { title: 'Source' }],
      rows: datasets.map(({ role, version }) => [
        role,
        version.part === undefined ? version.dataset : `${version.dataset}/${version.part}`,
        String(version.manifest.rows),
        version.digest,
        version.source,
      ]),
    },
    {
      kind: 'text',
      text:
        transform.backbone === undefined
          ? `From ${transform.inputs.length} raw columns (${transform.inputs.map(({ name }) => name).join(', ')}) the transform makes ${transform.features.length} features. It was fitted on training rows only and is part of the ONNX graph.`
          : `A network that was trained elsewhere (SHA-256 ${transform.backbone}) makes ${transform.features.length} features of each picture. It was not trained further, and is part of the ONNX graph.`,
    },
  ];
}

export function statements({ charter: { charter } }: Pick<CardFacts, 'charter'>): Block[] {
  const listed = (title: string, items: NonNullable<typeof charter.assumptions> = []): Block[] =>
    items.length === 0
      ? []
      : [
          { kind: 'heading', text: title },
          { kind: 'list', items: items.map(({ text, reason, author, date }) => `${text} Reason: ${reason} (${author}, ${date})`) },
        ];
  return [...listed('Assumptions', charter.assumptions), ...listed('Decisions', charter.decisions)];
}

export function personalData({
  charter: { charter },
  transform,
}: Pick<CardFacts, 'charter'> & { readonly transform: { readonly inputs: readonly InputColumn[] } }): Block[] {
  const { personalData: personal } = charter;
  if (personal === undefined)
    return [
      { kind: 'heading', text: 'Personal data' },
      { kind: 'text', text: 'The charter names none.' },
    ];
  const taken = personal.columns.filter((column) => transform.inputs.some(({ name }) => name === column));
  const kept = personal.columns.filter((column) => !taken.includes(column));
  return [
    { kind: 'heading', text: 'Personal data' },
    {
      kind: 'facts',
      items: [
        ['Taken by the model', taken.length === 0 ? 'none' : taken.join(', ')],
        ['In the data, not taken by the model', kept.length === 0 ? 'none' : kept.join(', ')],
        ['Purpose', personal.purpose],
        ['Legal basis, as the charter states it', personal.legalBasis],
        ...(personal.retention === undefined ? [] : [['Retention', personal.retention] as const]),
      ],
    },
  ];
}

function making({ run, model, evidence }: CardFacts): Block[] {
  const { code, environment, parameters } = run;
  const commit =
    code.commit === null ? 'in no git repository' : `commit ${code.commit}${code.dirty ? ', with changes that are stored as a patch' : ''}`;
  return [
    { kind: 'heading', text: 'How it was made' },
    {
      kind: 'facts',
      items: [
        ['Trainer', run.trainer ?? 'unknown'],
        ['Parameters', Object.entries(parameters).map(([name, value]) => `${name} ${value}`).join(', ') || 'defaults'], // prettier-ignore
        ['Seed', String(run.seed ?? 'none')],
        ['Trained', run.endedAt ?? run.startedAt],
        ['By', `${run.createdBy.name}${run.createdBy.simulated === true ? ' (simulated identity)' : ''}`],
        ['Code', commit],
        [
          'Environment',
          environment === undefined
            ? 'not recorded'
            : `Gyre ${environment.gyre}, Node ${environment.node}, ${environment.platform}, lock ${environment.lock}`,
        ],
        [
          'ONNX against the trainer’s own',
          `greatest difference ${evidence.parity.maxDifference.toExponential(1)} on ${evidence.parity.rows} rows, among them rows exactly on a split’s threshold and one float32 step beside it; allowed ${evidence.parity.tolerance.toExponential(0)}`,
        ],
      ],
    },
    { kind: 'heading', text: 'How to make it again' },
    {
      kind: 'text',
      text: 'Training is executed again from the records, with the cache off, and the bytes of the model are compared. VERSION is the number under which this package is registered.',
    },
    { kind: 'commands', lines: [`gyre model show ${model}`, `gyre reproduce ${model}/VERSION`] },
  ];
}

function digests({ evidence }: CardFacts): Block[] {
  const rows: (readonly [string, string])[] = [
    ['Model (model.onnx)', evidence.onnx],
    ['Transform', evidence.transform],
    ...Object.entries(evidence.datasets).map(([role, digest]) => [`Dataset, ${role}`, digest] as const),
    ['Test report (test-report.json)', evidence.testReport],
    ['Charter (charter.json)', evidence.charter],
    ['Environment (environment.json)', evidence.environment],
    ...(evidence.code.patch === undefined ? [] : [['Patch of the code', evidence.code.patch] as const]),
  ];
  return [
    { kind: 'heading', text: 'Evidence' },
    {
      kind: 'table',
      caption: 'SHA-256 of everything that this model was made from; evidence.json holds the same',
      columns: [{ title: 'What' }, { title: 'SHA-256' }],
      rows,
    },
  ];
}
