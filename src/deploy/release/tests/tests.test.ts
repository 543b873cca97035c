import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { InputColumn, NamedRow, Signature } from '#contract';
import { seeded } from '#core';
import { computeMetrics } from '#stats';
import type { PlaneClient } from '../plane-client.ts';
import { attempted } from './attempt.ts';
import { whyIncomparable } from './comparable.ts';
import { compareAnswers } from './compare.ts';
import { errorCases } from './error-cases.ts';
import { perturbRows } from './perturb-rows.ts';
import { requirementsOf, unansweredRows } from './requirements.ts';
import { robustness } from './robustness.ts';
import type { Prediction } from './said.ts';
import { memoryGrowth, soakChecks, soakFinding } from './soak.ts';

const inputs: readonly InputColumn[] = [
  { name: 'tenure', type: 'integer', datatype: 'FP64', required: true, range: [0, 72] },
  { name: 'charges', type: 'number', datatype: 'FP64', required: false },
  { name: 'contract', type: 'string', datatype: 'BYTES', required: false, categories: ['monthly', 'yearly'] },
];
const signature: Signature = { task: 'binary', inputs: [...inputs], outputs: [], classes: ['No', 'Yes'], positive: 'Yes' };
const rows: readonly NamedRow[] = Array.from({ length: 100 }, (_, at) => ({
  tenure: at % 72,
  charges: 20 + ((at * 37) % 100),
  contract: at % 2 === 0 ? 'monthly' : 'yearly',
}));
const answer = (probability: number): Prediction => ({
  id: 'p',
  label: probability >= 0.5 ? 'Yes' : 'No',
  probabilities: { No: 1 - probability, Yes: probability },
});
const by = new Map(perturbRows(inputs, rows, seeded(1)).map((perturbation) => [perturbation.name, perturbation]));

/** A plane whose model is this function; a number outside of 0 to 1 is a status. */
function plane(model: (row: NamedRow) => number): PlaneClient {
  const refuse = () => Promise.reject(new Error('not asked'));
  return {
    get: refuse,
    post: refuse,
    predict: refuse,
    ask: (asked) => {
      const status = asked.map(model).find((said) => said > 1);
      if (status !== undefined) return Promise.resolve({ status, body: {} });
      return Promise.resolve({ status: 200, body: { model: 'churn', version: '1', predictions: asked.map((row) => answer(model(row))) } });
    },
    [Symbol.dispose]: () => undefined,
  };
}

async function judged(model: (row: NamedRow) => number, limits = {}, client = plane(model)) {
  const before = rows.map((row) => answer(model(row)));
  return robustness({
    client,
    signature,
    rows,
    before,
    truth: Float64Array.from(before, ({ label }) => (label === 'Yes' ? 1 : 0)),
    personal: ['contract'],
    perturbations: [...by.values()],
    limits,
    rowsInRequest: 50,
    tolerance: 1e-5,
    sleep: () => Promise.resolve(),
  });
}
const failing = ({ checks }: Awaited<ReturnType<typeof judged>>) => checks.filter(({ passed }) => !passed).map(({ name }) => name);

describe('perturbed rows', () => {
  test('are the same for the same seed, and differ from the rows as they say', () => {
    assert.deepEqual([...by.values()], perturbRows(inputs, rows, seeded(1)));
    const changedIn = (name: string, column: string): number =>
      (by.get(name)?.rows ?? []).filter((row, at) => row[column] !== rows[at][column]).length;
    assert.equal(changedIn('noise', 'contract'), 0);
    assert.ok(changedIn('noise', 'charges') > 95);
    assert.ok((by.get('noise')?.rows ?? []).every(({ tenure }) => Number.isInteger(tenure)));
    assert.deepEqual([changedIn('missing values', 'tenure'), changedIn('unseen categories', 'contract')], [0, 100]);
    assert.ok(changedIn('missing values', 'charges') > 2 && changedIn('missing values', 'charges') < 25);
    for (const { tenure } of by.get('out of range')?.rows ?? []) assert.ok(Number(tenure) < 0 || Number(tenure) > 72);
    const order = by.get('another order');
    assert.deepEqual(
      order?.places?.toSorted((left, right) => left - right),
      rows.map((_, at) => at),
    );
    assert.deepEqual(order?.rows[3], rows[order.places?.[3] ?? 0]);
  });

  test('leave out what no column allows', () => {
    const names = perturbRows(
      [{ name: 'contract', type: 'string', datatype: 'BYTES', required: true }],
      [{ contract: 'monthly' }],
      seeded(1),
    );
    assert.deepEqual(
      names.map(({ name }) => name),
      ['unseen categories', 'another order'],
    );
  });
});

describe('robustness', () => {
  const steady = (row: NamedRow): number => (Number(row['tenure']) < 36 ? 0.9 : 0.1);

  test('lets a steady model through, with what was found', async () => {
    const found = await judged(steady, { changed: 0.1, drop: 0.1 });
    assert.deepEqual(failing(found), []);
    const order = found.findings.find(({ perturbation }) => perturbation === 'another order');
    assert.deepEqual([order?.changed, order?.largest, order?.worst], [0, 0, []]);
  });

  test('finds a model that turns over when a number moves a little, and shows the rows, personal inputs masked', async () => {
    // Its answer hangs on the cents of the bill.
    const nervous = (row: NamedRow): number => (Math.abs(Number(row['charges'] ?? 0)) % 1 < 0.001 ? 0.9 : 0.2);
    const found = await judged(nervous, { changed: 0.1 });
    assert.deepEqual(failing(found), ['robustness: noise']);
    const noise = found.findings[0];
    assert.ok((noise.changed ?? 0) > 0.9 && noise.metric?.before === 1 && noise.metric.after < 0.1);
    assert.equal(noise.worst.length, 5);
    assert.ok(noise.worst.every(({ inputs: sent }) => sent['contract'] === '***' && sent['charges'] !== '***'));
  });

  test('finds an accuracy that falls with missing values, where the share of changed answers is allowed', async () => {
    const found = await judged((row) => (row['charges'] === null || row['contract'] === null ? 0.1 : 0.9), { changed: 1, drop: 0.02 });
    assert.deepEqual(failing(found), ['robustness: missing values']);
  });

  test('finds what the server fails at whatever is allowed, and no answer that is no number', async () => {
    const breaks = await judged((row) => (row['contract'] === '(unheard of)' ? 500 : 0.9));
    assert.deepEqual(failing(breaks), ['robustness: unseen categories']);
    const mumbles = await judged((row) => (Number(row['tenure']) > 72 ? Number.NaN : 0.9));
    assert.deepEqual(failing(mumbles), ['robustness: out of range']);
    // To say that a category is unknown is an answer as well.
    const refusing = await judged((row) => (row['contract'] === '(unheard of)' ? 422 : 0.9));
    assert.deepEqual(failing(refusing), []);
    const unseen = refusing.findings.find(({ perturbation }) => perturbation === 'unseen categories');
    assert.deepEqual([unseen?.refused, unseen?.changed], [100, undefined]);
    assert.equal(
      refusing.checks.find(({ name }) => name === 'robustness: unseen categories')?.message,
      'none of 100 rows was answered; 100 refused',
    );
  });

  test('asks the rows of a refused request one by one: one that is refused takes no other with it', async () => {
    const found = await judged((row) => (Number(row['tenure']) > 107 ? 422 : 0.9));
    const far = found.findings.find(({ perturbation }) => perturbation === 'out of range');
    assert.deepEqual([far?.refused, far?.unanswered, far?.changed], [50, 0, 0]);
    assert.match(found.checks.find(({ name }) => name === 'robustness: out of range')?.message ?? '', /^0 % of 50 answers changed/);
  });

  test('comes later where the endpoint says so, and counts rows as failed where it says nothing else', async () => {
    const open = plane(steady);
    let requests = 0;
    const tooMany = () => Promise.resolve({ status: 429, body: {} });
    const busy = await judged(steady, {}, { ...open, ask: (asked) => (requests++ % 2 === 0 ? tooMany() : open.ask(asked)) });
    assert.deepEqual(failing(busy), []);
    const shut = await judged(steady, {}, { ...open, ask: tooMany });
    assert.ok(shut.findings.every(({ rows: sent, unanswered, refused }) => unanswered === sent && refused === 0));
  });

  test('finds a model whose answer hangs on the other rows of its request', async () => {
    let place = 0;
    const found = await judged(() => (place++ % 2 === 0 ? 0.9 : 0.2));
    assert.ok(failing(found).includes('robustness: another order'));
  });
});

describe('two versions on the same requests', () => {
  test('differ where they differ, other classes first, and say which is right more often', () => {
    const production = rows.map((_, at) => answer(at % 2 === 0 ? 0.9 : 0.1));
    const candidate = rows.map((_, at) => answer(at === 4 ? 0.45 : at === 7 ? 0.49 : at % 2 === 0 ? 0.9 : 0.1));
    const truth = Float64Array.from(rows, (_, at) => (at % 2 === 0 && at !== 4 ? 1 : 0));
    const found = compareAnswers({ modelVersion: 'mv-1', signature, rows, production, candidate, truth, personal: [] });
    assert.deepEqual([found.rows, found.changed], [100, 0.01]);
    assert.deepEqual(
      found.worst.map(({ row }) => row),
      [4, 7],
    );
    assert.deepEqual(found.worst[0].before, { label: 'Yes', score: 0.9 });
    assert.deepEqual(found.metric, { name: 'accuracy', production: 0.99, candidate: 1 });
  });

  test('are each right by what they said, at thresholds of their own', () => {
    const truth = Float64Array.from([1, 0]);
    const said = (label: string, probability: number): Prediction => ({
      id: 'p',
      label,
      probabilities: { No: 1 - probability, Yes: probability },
    });
    // Production says Yes from 0.3 on and is always right; this version, from 0.8 on, is once.
    const found = compareAnswers({
      modelVersion: 'mv-1',
      signature: { ...signature, threshold: 0.8 },
      rows: rows.slice(0, 2),
      production: [said('Yes', 0.4), said('No', 0.2)],
      candidate: [said('No', 0.7), said('No', 0.1)],
      truth,
      personal: [],
    });
    assert.deepEqual(found.metric, { name: 'accuracy', production: 1, candidate: 0.5 });
  });

  test('of numbers are other answers where they are apart by more than a tenth of the spread, and right by R²', () => {
    const value = (number: number): Prediction => ({ id: 'p', value: number });
    const truth = Float64Array.from(rows, (_, at) => at);
    const found = compareAnswers({
      modelVersion: 'mv-1',
      signature: { ...signature, task: 'regression', classes: [] },
      rows,
      production: rows.map((_, at) => value(at)),
      // The spread is 29: one value moves by more than 2.9, another by less.
      candidate: rows.map((_, at) => value(at === 10 ? 14 : at === 20 ? 22 : at)),
      truth,
      personal: [],
    });
    assert.deepEqual([found.changed, found.largest, found.metric?.name, found.metric?.production], [0.01, 4, 'r2', 1]);
    assert.equal(
      found.metric?.candidate,
      computeMetrics(
        'regression',
        truth,
        truth.map((at) => (at === 10 ? 14 : at === 20 ? 22 : at)),
      ).r2,
    );
  });
});

describe('the version in production', () => {
  const [tenure, charges, contract] = inputs;
  const taking = (...columns: readonly InputColumn[]): Signature => ({ ...signature, inputs: [...columns] });

  test('is asked the same rows where it takes them', () => {
    assert.equal(whyIncomparable(signature, taking(contract, charges, tenure)), undefined);
    // What may not be missing here is never missing there; a number is wherever a whole number is.
    assert.equal(whyIncomparable(signature, taking({ ...tenure, type: 'number', required: false }, charges, contract)), undefined);
    assert.equal(whyIncomparable(signature, { ...signature, classes: ['Yes', 'No'] }), undefined);
  });

  test('is not asked where it would refuse them or say something else, and the reason names the column', () => {
    const why = (production: Signature): string => whyIncomparable(signature, production) ?? 'comparable';
    assert.match(why(taking(tenure, charges)), /other columns: "contract" is not one of them/);
    assert.match(why(taking(...inputs, { ...charges, name: 'discount' })), /other columns: "discount" is one of them only there/);
    assert.match(
      why(taking(tenure, { ...charges, type: 'string', datatype: 'BYTES' }, contract)),
      /"charges" is string there and number here/,
    );
    assert.match(why(taking(tenure, { ...charges, type: 'integer' }, contract)), /"charges" is integer there and number here/);
    assert.match(why(taking(tenure, { ...charges, required: true }, contract)), /"charges" may not be missing there/);
    assert.match(why({ ...signature, classes: ['Left', 'Stayed'] }), /other classes: Left, Stayed instead of No, Yes/);
    assert.match(why({ ...signature, task: 'regression', classes: [] }), /is for regression, not for binary/);
  });
});

describe('a section that ends in an error', () => {
  test('is a failed check that says why', async () => {
    const found = await attempted({ name: 'soak: errors', wanted: 'a load' }, () => Promise.reject(new Error('no thread')));
    assert.deepEqual(found, [{ name: 'soak: errors', passed: false, observed: null, wanted: 'a load', message: 'no thread' }]);
  });
});

describe('errors', () => {
  test('are listed the surest first', () => {
    const said = [0.6, 0.99, 0.2, 0.9].map((probability) => answer(probability));
    const cases = errorCases(signature, rows, said, Float64Array.from([0, 0, 0, 1]), []);
    assert.deepEqual(
      cases.map(({ row, truth }) => [row, truth]),
      [
        [1, 'No'],
        [0, 'No'],
      ],
    );
  });
});

describe('a soak', () => {
  test('tells a leak from a warm-up', () => {
    const at = (place: number, residentMiB: number) => ({ atMs: place * 1000, residentMiB });
    const warm = memoryGrowth(Array.from({ length: 40 }, (_, place) => at(place, place < 15 ? 100 + place * 10 : 250)));
    assert.equal(warm.grewMiB, 0);
    const leak = memoryGrowth(Array.from({ length: 40 }, (_, place) => at(place, 100 + place * 0.5)));
    // Half a MiB a second, over the 19 seconds of the second half.
    assert.ok(Math.abs((leak.growthMiBPerHour ?? 0) - 1800) < 1e-6 && Math.abs((leak.grewMiB ?? 0) - 9.5) < 1e-9);
    assert.deepEqual(memoryGrowth([at(0, 1)]), {});
  });

  test('looks at memory while it loads, and does without where nobody knows it', async () => {
    let nowMs = 0;
    const loaded = Promise.withResolvers<void>();
    const plan = {
      offer: async () => {
        await loaded.promise;
        return {
          requests: 10,
          errors: 1,
          durationMs: 1000,
          ratePerSecond: 10,
          p50Ms: 1,
          p95Ms: 1,
          p99Ms: 2,
          maxMs: 3,
          failures: {},
          lateP99Ms: 0,
          backlog: 0,
        };
      },
      ratePerSecond: 10,
      durationMs: 6000,
      sleep: (ms: number) => {
        nowMs += ms;
        if (nowMs >= 6000) loaded.resolve();
        return Promise.resolve();
      },
      monotonicMs: () => nowMs,
    };
    const seen = await soakFinding({ ...plan, residentBytes: () => Promise.resolve(1024 * 1024 * (100 + nowMs / 1000)) });
    assert.ok(seen.memory.length >= 60 && Math.abs((seen.growthMiBPerHour ?? 0) - 3600) < 1e-6);
    const blind = await soakFinding({ ...plan, residentBytes: () => Promise.resolve(undefined) });
    assert.deepEqual([blind.memory, blind.grewMiB, blind.errors], [[], undefined, 1]);
  });
});

describe('a limit of memory growth', () => {
  const soak = { durationMs: 500, ratePerSecond: 10, requests: 5, errors: 0, p99Ms: 1 };
  const memoryOf = (samples: number, grewMiB?: number) => {
    const memory = Array.from({ length: samples }, (_, at) => ({ atMs: 100 * at, residentMiB: 100 }));
    const found = { ...soak, memory, ...(grewMiB === undefined ? {} : { grewMiB }) };
    return soakChecks(found, { latencyP99Ms: 100, soak: { growthMiB: 5 } }).find(({ name }) => name === 'soak: memory');
  };

  test('fails where memory was looked at too few times, or cannot be, and says which', () => {
    assert.equal(memoryOf(60, 3)?.passed, true);
    assert.equal(memoryOf(60, 7)?.passed, false);
    const brief = memoryOf(5);
    assert.deepEqual([brief?.passed, brief?.observed], [false, null]);
    assert.match(brief?.message ?? '', /looked at 5 times in 500 ms, too few to tell its growth; a longer soak/);
    assert.match(memoryOf(0)?.message ?? '', /cannot be measured on this system/);
  });
});

describe('requirements', () => {
  const check = (name: string, passed: boolean) => ({ name, passed, observed: 1, wanted: '0', message: `about ${name}` });

  test('fail with the messages of their checks, stand first, and say what was not asked', () => {
    const found = requirementsOf({
      profile: 'quick',
      checks: [
        check('golden_requests', true),
        check('load: latency', false),
        check('charter: accuracy', true),
        check('robustness: noise', true),
      ],
    });
    assert.deepEqual([found[0].id, found[0].verdict, found[0].says], ['load', 'failed', 'about load: latency']);
    assert.deepEqual(
      found.filter(({ verdict }) => verdict === 'passed').map(({ id }) => id),
      ['golden', 'accuracy', 'robustness'],
    );
    assert.match(found.find(({ id }) => id === 'soak')?.says ?? '', /--profile full/);
  });

  test('say of what they could not ask, beside what was found', () => {
    const unasked = { slices: '"accuracy by contract >= 0.65" was judged in the test report alone' };
    const slices = [{ column: 'contract', value: 'monthly', rows: 12, metrics: { accuracy: 0.8 } }];
    const said = (checks: readonly ReturnType<typeof check>[]) =>
      requirementsOf({ profile: 'quick', checks: [...checks], slices }, unasked).find(({ id }) => id === 'slices');
    assert.deepEqual([said([])?.verdict, said([])?.says], ['not_asked', unasked.slices]);
    const judged = said([check('slices: f1 by contract >= 0.1', true)]);
    assert.deepEqual([judged?.verdict, judged?.says], ['passed', `about slices: f1 by contract >= 0.1; ${unasked.slices}`]);
  });

  test('of an endpoint that does not answer say so, not that they do not apply', () => {
    const found = requirementsOf({ profile: 'full', checks: [check('accuracy', false)] }, unansweredRows('full'));
    for (const id of ['robustness', 'comparison', 'slices', 'soak'])
      assert.match(found.find((one) => one.id === id)?.says ?? '', /rows of the test report were not answered/, id);
  });

  test('say why they were not asked, where there is a reason of its own', () => {
    const found = requirementsOf({ profile: 'full', checks: [] }, { comparison: 'the same model serves in production' });
    const comparison = found.find(({ id }) => id === 'comparison');
    assert.deepEqual([comparison?.verdict, comparison?.says], ['not_asked', 'the same model serves in production']);
  });
});
