import type { PackageFile, ReleaseDiffPart } from '#contract';
import { digestOf } from '#core';
import { counted } from '../links.ts';
import type { Gathered } from './gather.ts';
import { flattened, type Said, type Sayings } from './lines.ts';

const short = (digest: string): string => digest.slice(0, 12);
const names = (of: readonly string[]): string | undefined => (of.length === 0 ? undefined : of.join(', '));

/** What each part says of one side. */
export const sayingsOf: Readonly<Record<ReleaseDiffPart, (of: Gathered) => Sayings>> = {
  model: ({ version, run }) => ({
    Version: `${version.model} version ${version.version}`,
    Trained: version.brought !== undefined || run === undefined ? 'elsewhere' : 'here',
    Run: run === undefined ? undefined : { text: run.name, kind: 'run', id: run.id, exact: run.id },
    Trainer: run?.trainer,
    'Registered by': version.createdBy.name,
    Flavours: names(version.flavors ?? []),
    'Executes code on load': version.executesCodeOnLoad === true ? 'yes' : 'no',
    'What is special about it': version.description === '' ? undefined : version.description,
  }),
  data: ({ data }) =>
    Object.fromEntries(
      data.map(({ role, version: { digest, dataset, part, manifest } }) => {
        const name = part === undefined ? dataset : `${dataset}, part ${part}`;
        const isAlone = data.filter((one) => one.role === role).length === 1;
        const said: Said = { text: `${name}: ${counted(manifest.rows, 'row')}`, exact: digest, kind: 'dataset_version', id: digest };
        return [isAlone ? role : `${role}, ${name}`, said];
      }),
    ),
  code: ({ run }) =>
    run === undefined
      ? {}
      : {
          Commit: run.code.commit === null ? 'in no git repository' : { text: short(run.code.commit), exact: run.code.commit },
          'Changes that were not committed':
            run.code.patch === undefined
              ? run.code.dirty
                ? 'yes, not kept'
                : 'none'
              : { text: short(run.code.patch), exact: run.code.patch },
        },
  parameters: ({ run }) =>
    run === undefined ? {} : { ...flattenedTop(run.parameters), seed: run.seed === undefined ? undefined : String(run.seed) },
  signature: ({ version: { signature } }) =>
    signature === undefined
      ? {}
      : {
          Task: signature.task,
          ...Object.fromEntries(
            signature.inputs.map(({ name, type, datatype, required, categories, image }): [string, Said] => [
              `takes ${name}`,
              {
                text: `${type}${required ? '' : ', may be missing'}${categories === undefined ? '' : `, ${counted(categories.length, 'value')} seen`}`,
                exact: digestOf({ datatype, categories: categories ?? null, image: image ?? null }),
              },
            ]),
          ),
          ...Object.fromEntries((signature.tensors ?? []).map((tensor) => [`takes tensor ${tensor.name}`, tensorText(tensor)])),
          ...Object.fromEntries(signature.outputs.map((tensor) => [`gives ${tensor.name}`, tensorText(tensor)])),
          Classes: names(signature.classes),
          'Positive class': signature.positive,
          'Decides at': signature.threshold === undefined ? undefined : String(signature.threshold),
        },
  gates: ({ report }) =>
    Object.fromEntries(
      (report?.gates ?? []).map(({ name, passed, observed, wanted }) => [
        name,
        `${passed ? 'passed' : 'failed'}: ${typeof observed === 'number' ? rounded(observed) : String(observed)}, wanted ${wanted}`,
      ]),
    ),
  application_tests: ({ tests }) =>
    Object.fromEntries(
      tests.flatMap(({ id, environment, checks, passed, profile, requirements = [], load }) => {
        const good = checks.filter((check) => check.passed).length;
        const failed = checks.flatMap((check) => (check.passed ? [] : [check.name]));
        const said: Sayings = {
          [`${environment}: verdict`]: {
            text: `${passed ? 'passed' : 'failed'}, ${good} of ${counted(checks.length, 'check')}${profile === 'full' ? ', long profile' : ''}`,
            kind: 'application_test',
            id,
          },
          [`${environment}: failed checks`]: names(failed),
          ...Object.fromEntries(
            requirements.map((one) => [`${environment}: ${one.id.replaceAll('_', ' ')}`, one.verdict.replaceAll('_', ' ')]),
          ),
          ...(load === undefined
            ? {}
            : {
                [`${environment}: p99 under load`]: `${rounded(load.p99Ms)} ms at ${Math.round(load.ratePerSecond)} requests/s`,
                [`${environment}: errors under load`]: String(load.errors),
              }),
        };
        return Object.entries(said);
      }),
    ),
  sign_off: ({ certifications, approvals, findings }) => ({
    Certification: names(
      certifications.map(({ verdict, certifiedBy, certifiedAt }) => `${verdict} by ${certifiedBy.name}, ${day(certifiedAt)}`),
    ),
    ...Object.fromEntries(
      [...new Set(approvals.map(({ environment }) => environment))].map((environment) => [
        `Approval for ${environment}`,
        names(
          approvals
            .filter((one) => one.environment === environment)
            .map(({ verdict, approvedBy, approvedAt }) => `${verdict} by ${approvedBy.name}, ${day(approvedAt)}`),
        ),
      ]),
    ),
    Policy: names([...new Set(approvals.flatMap(({ policy }) => (policy === undefined ? [] : [`${policy.name}/${policy.version}`])))]),
    Evidence: names([...new Set(approvals.flatMap(({ evidence = [] }) => evidence.map(({ item }) => item)))]),
    ...Object.fromEntries(
      findings.map(({ id, severity, statement, state, owner }) => [
        `Finding …${id.slice(-6)}`,
        `${state}, ${severity}: ${statement} (${owner.name})`,
      ]),
    ),
  }),
  settings: ({ manifest, version }) => {
    if (manifest === undefined) return {};
    const { environment, endpoint, models, warm = [], log, limits, execution, route, explain, tokenHashes } = manifest.manifest;
    const own = models.find(({ modelVersion }) => modelVersion === version.id);
    return {
      environment,
      endpoint,
      'share of the traffic': own === undefined ? undefined : `${rounded(own.weight * 100)} %`,
      'beside it': names(
        models.filter((one) => one !== own).map(({ name, version: number, weight }) => `${name}/${number} (${rounded(weight * 100)} %)`),
      ),
      'kept warm': names(warm.map(({ name, version: number }) => `${name}/${number}`)),
      ...flattened(limits, 'limits'),
      ...flattened(log, 'log'),
      ...flattened(execution, 'execution'),
      ...flattened(route, 'route'),
      ...flattened(explain, 'explain'),
      'tokens that may infer': { text: String(tokenHashes.length), exact: digestOf([...tokenHashes].sort()) },
      'signed by key': manifest.keyId,
    };
  },
  engine: ({ run, evidence }) => {
    const python = evidence !== undefined && 'python' in evidence ? evidence.python : undefined;
    return {
      Gyre: run?.environment?.gyre,
      Node: run?.environment?.node,
      Platform: run?.environment?.platform,
      'Locked dependencies':
        run?.environment === undefined ? undefined : { text: short(run.environment.lock), exact: run.environment.lock },
      Python: python?.version,
      ...Object.fromEntries(Object.entries(python?.libraries ?? {}).map(([name, number]) => [`Python: ${name}`, number])),
    };
  },
  package: ({ version: { package: digest, files } }) => ({
    Package: digest === undefined ? 'not in Gyre' : { text: short(digest), exact: digest },
    ...Object.fromEntries(files.map((file) => [file.path, fileText(file)])),
  }),
};

function fileText({ digest, size }: PackageFile): Said {
  return { text: `${short(digest)}, ${counted(size, 'byte')}`, exact: digest };
}

function tensorText({ datatype, shape }: { readonly datatype: string; readonly shape: readonly number[] }): string {
  return `${datatype} [${shape.join(', ')}]`;
}

function flattenedTop(values: Readonly<Record<string, string | number | boolean>>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)]));
}

function rounded(value: number): string {
  return String(Number(value.toPrecision(4)));
}

function day(instant: string): string {
  return instant.slice(0, 10);
}
