import type { EnvironmentSpec, RollSpec } from '#contract';
import { checkBatchSchedules } from './batch-schedule.ts';
import { checkApplicationTests } from './check-application-tests.ts';
import { anyColumnFinding, columnFinding, isDay, parsed } from './check-context.ts';
import type { CheckContext } from './check-context.ts';
import { checkGateMetric, checkMetric } from './check-metrics.ts';
import { parseGate, parseMonitorThreshold, parseThreshold } from './conditions.ts';
import type { Finding, PathStep } from './problems.ts';
import { shareOf } from './resolve-roll.ts';
import { suggestionFor } from './suggest.ts';
import { tasksOf } from './tasks.ts';

/** What does not hold in the charter. */
export function checkCharter(context: CheckContext): Finding[] {
  const { charter, steps } = context.project;
  const findings: Finding[] = [];
  const success = Object.entries(charter.success);
  if (success.length === 0 && Object.values(steps).some((step) => 'trainer' in step)) {
    findings.push({
      path: ['charter', 'success'],
      message: 'names no threshold; a model that nothing is asked of cannot pass',
      suggestion: 'such as { roc_auc: ">= 0.80" }',
    });
  }
  for (const [metric, text] of success) {
    const threshold = parsed(['charter', 'success', metric], () => parseThreshold(text));
    if ('finding' in threshold) findings.push(threshold.finding);
    else
      findings.push(
        ...checkMetric(metric, ['charter', 'success', metric], onlyTask(context), { operator: threshold.value.operator, atKey: true }),
      );
  }
  for (const list of ['assumptions', 'decisions'] as const) {
    (charter[list] ?? []).forEach(({ date }, index) => {
      if (!isDay(date))
        findings.push({ path: ['charter', list, index, 'date'], message: `"${date}" is no day`, suggestion: 'write it as YYYY-MM-DD' });
    });
  }
  (charter.personalData?.columns ?? []).forEach((column, index) => {
    findings.push(...anyColumnFinding(context, column, ['charter', 'personalData', 'columns', index]));
  });
  return findings;
}

/** What does not hold in `serve`. */
export function checkServe({ project: { serve, monitor } }: CheckContext): Finding[] {
  const log = serve?.log ?? {};
  const logged = (['mask', 'drop'] as const).flatMap((member): Finding[] => {
    const [first] = log[member] ?? [];
    const retrains = monitor?.onAlert?.includes('retrain') === true;
    if (first === undefined || !retrains) return [];
    return [
      {
        path: ['serve', 'log', member],
        message: `"${first}" is hidden in the log, and a retraining learns from what is logged`,
        suggestion: 'leave "retrain" out of monitor.onAlert, or log the column: readers without the right see it masked in any case',
      },
    ];
  });
  return [...logged, ...checkBatchSchedules(serve?.batch)];
}

/** What does not hold in `test`. */
export function checkTest(context: CheckContext): Finding[] {
  const { test } = context.project;
  const findings: Finding[] = [];
  (test?.gates ?? []).forEach((text, index) => {
    const path = ['test', 'gates', index];
    const gate = parsed(path, () => parseGate(text));
    if ('finding' in gate) findings.push(gate.finding);
    else {
      findings.push(...checkGateMetric(gate.value, path, onlyTask(context)));
      if (gate.value.by !== undefined) findings.push(...anyColumnFinding(context, gate.value.by, path));
      if (gate.value.on !== undefined) findings.push(...setFinding(context, gate.value.on, path));
    }
  });
  (test?.slices ?? []).forEach((column, index) => findings.push(...anyColumnFinding(context, column, ['test', 'slices', index])));
  return findings;
}

/** A finding when no dataset's split has a validation set of this name. */
function setFinding({ project }: CheckContext, set: string, path: readonly PathStep[]): Finding[] {
  const sets = Object.values(project.data).flatMap(({ split }) => Object.keys(split?.sets ?? {}));
  if (sets.includes(set)) return [];
  const suggestion = suggestionFor(set, sets, 'validation sets') ?? 'name it under split.sets of its dataset';
  return [{ path, message: `no split has a validation set "${set}"`, suggestion }];
}

/** What does not hold in `release`. */
export function checkRelease(context: CheckContext): Finding[] {
  return [...checkEnvironments(context), ...checkApplicationTests(context, onlyTask(context))];
}

function checkEnvironments(context: CheckContext): Finding[] {
  const environments = context.project.release?.environments;
  if (environments === undefined) return [];
  const path = ['release', 'environments'];
  const entries = Object.entries(environments);
  const findings: Finding[] = [];
  if (entries.length === 0)
    findings.push({ path, message: 'names no environment', suggestion: 'leave it out for "test" and "production"' });
  if (entries.length === 1) {
    findings.push({
      path,
      message: `has "${entries[0][0]}" alone: application tests would run where customers are served`,
      severity: 'warning',
    });
  }
  const ports = new Map<number, string>();
  for (const [name, spec] of entries) {
    if (spec.approvals !== undefined && spec.approve === undefined) {
      findings.push({
        path: [...path, name, 'approvals'],
        message: 'counts approvals, but none is asked for',
        suggestion: 'add "approve: approver"',
      });
    }
    findings.push(...checkRoll(spec.roll, [...path, name, 'roll']), ...checkAgents(spec, [...path, name]));
    const taken = spec.port === undefined || spec.port === 0 ? undefined : ports.get(spec.port);
    if (taken !== undefined)
      findings.push({ path: [...path, name, 'port'], message: `port ${spec.port} is taken by environment "${taken}"` });
    else if (spec.port !== undefined) ports.set(spec.port, name);
  }
  return findings;
}

/** What needs a data plane that the platform reaches does not go with agents, which are behind whatever is between. */
function checkAgents(spec: EnvironmentSpec, path: readonly PathStep[]): Finding[] {
  if (spec.agents !== true) {
    if (spec.agentsWait === undefined) return [];
    return [{ path: [...path, 'agentsWait'], message: 'waits for agents, but none serve it', suggestion: 'add "agents: true"' }];
  }
  const unfit = (['certify', 'roll', 'port', 'grpcPort'] as const).filter((member) => spec[member] !== undefined);
  const why = {
    certify: [
      'application tests ask a data plane that the platform reaches, and agents only call out',
      'test in an environment without agents',
    ],
    roll: [
      'a step is judged by what a data plane has just counted, which agents do not tell in time',
      'leave it out: agents switch at once',
    ],
    port: ['is of a data plane of the platform', 'give it to the agent: gyre agent run --port'],
    grpcPort: ['is of a data plane of the platform', 'give it to the agent: gyre agent run --grpc-port'],
  } as const;
  return unfit.map((member) => ({ path: [...path, member], message: why[member][0], suggestion: why[member][1] }));
}

/** A step never takes traffic away: that is a rollback. */
function checkRoll(roll: RollSpec | undefined, path: readonly PathStep[]): Finding[] {
  if (roll === undefined) return [];
  const steps = Array.isArray(roll) ? roll : 'steps' in roll ? roll.steps.map(({ weight }) => weight) : [];
  const shares = steps.map(shareOf);
  const at = shares.findIndex((share, k) => k > 0 && share <= shares[k - 1]);
  if (at < 0) return [];
  const where = Array.isArray(roll) ? [...path, at] : [...path, 'steps', at, 'weight'];
  return [
    { path: where, message: `${steps[at]} comes after ${steps[at - 1]}`, suggestion: 'each step has a larger share than the one before' },
  ];
}

/** What does not hold in `ci`. */
export function checkCi(context: CheckContext): Finding[] {
  const { ci } = context.project;
  const isBranch = ci?.base === undefined || !/^[-/]|\.\.|[\s~^:?*[\\]|[/.]$|@\{/.test(ci.base);
  return [
    ...(isBranch ? [] : [{ path: ['ci', 'base'], message: `"${ci.base}" is no name of a branch`, suggestion: 'main is one' }]),
    ...Object.keys(ci?.mayWorsen ?? {}).flatMap((metric) =>
      checkMetric(metric, ['ci', 'mayWorsen', metric], onlyTask(context), { atKey: true }),
    ),
  ];
}

/** What does not hold in `monitor`. */
export function checkMonitor(context: CheckContext): Finding[] {
  const { monitor, data, steps, charter } = context.project;
  if (monitor === undefined) return [];
  const findings: Finding[] = [];
  for (const [metric, text] of Object.entries(monitor.performance ?? {})) {
    const path = ['monitor', 'performance', metric];
    if (text.trim() === 'charter') {
      if (!Object.hasOwn(charter.success, metric)) {
        const suggestion = suggestionFor(metric, Object.keys(charter.success), 'it has');
        findings.push({
          path,
          message: `the charter has no threshold for "${metric}"`,
          ...(suggestion === undefined ? {} : { suggestion }),
        });
      }
      continue;
    }
    const threshold = parsed(path, () => parseMonitorThreshold(text));
    if ('finding' in threshold) findings.push(threshold.finding);
    else findings.push(...checkMetric(metric, path, onlyTask(context), { operator: threshold.value.operator, atKey: true }));
  }
  const datasets = [
    ...new Set(Object.values(steps).flatMap((step) => ('transform' in step && Object.hasOwn(data, step.of) ? [step.of] : []))),
  ];
  const parts = datasets.flatMap((name) => Object.keys(data[name].split?.parts ?? { train: 1, validation: 1, test: 1 }));
  if (monitor.reference !== undefined && datasets.length > 0 && !parts.includes(monitor.reference)) {
    const suggestion = suggestionFor(monitor.reference, [...new Set(parts)], 'parts');
    findings.push({
      path: ['monitor', 'reference'],
      message: `there is no part "${monitor.reference}"`,
      ...(suggestion === undefined ? {} : { suggestion }),
    });
  }
  (monitor.drift?.columns ?? []).forEach((column, index) => {
    const path = ['monitor', 'drift', 'columns', index];
    findings.push(...(datasets.length === 1 ? columnFinding(context, datasets[0], column, path) : anyColumnFinding(context, column, path)));
  });
  return findings;
}

function onlyTask(context: CheckContext): ReturnType<typeof tasksOf>[number] | undefined {
  const tasks = tasksOf(context.project, context.facts);
  return tasks.length === 1 ? tasks[0] : undefined;
}
