import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { DatasetVersion, EnvironmentState, ModelVersion, NamedRow, PredictAnswer } from '#contract';
import { done, type Ended, eventually, facts, gyre, type Place, temporaryFolder, type Up, up } from '../harness/gyre-fixture.ts';
import { edit, people, smallProject } from '../harness/projects-fixture.ts';
import { releaseVersion } from '../harness/release-fixture.ts';
import { checkStore } from '../harness/store-check-fixture.ts';

interface Page<T> {
  readonly items: readonly T[];
}

const saidBy = ({ stdout, stderr }: Ended): string => `${stdout}${stderr}`;

/** Not a fault of the program's own: a message, and no stack trace. */
function assertClear(ended: Ended, codes: readonly number[], message: RegExp): void {
  const said = saidBy(ended);
  assert.ok(ended.code !== null && codes.includes(ended.code), `${ended.code ?? ended.signal}: ${said}`);
  assert.match(said, message);
  assert.doesNotMatch(said, /\n\s+at .*:\d+:\d+|fault of Gyre/);
}

describe('a table that cannot be learned from', () => {
  const good = people(300);
  const lines = good.trimEnd().split('\n');
  const withLine = (number: number, change: (line: string) => string): string =>
    lines.map((line, index) => (index === number - 1 ? change(line) : line)).join('\n');
  const incomeAs = (text: string) => (line: string) => line.replace(/^(c\d+,\d+,\w*),[\d.]+/, `$1,${text}`);

  const tables: readonly (readonly [string, string | Buffer, RegExp])[] = [
    [
      'a row with more fields than the header',
      withLine(8, (line) => `${line},extra`),
      /people\.csv, line 8: 9 fields, where the header has 8/,
    ],
    ['a row with fewer fields', withLine(10, (line) => line.split(',').slice(0, 4).join(',')), /line 10: 4 fields, where the header has 8/],
    ['an encoding that is not UTF-8', Buffer.from(good.replaceAll('basic', 'bäsic'), 'latin1'), /not UTF-8: byte 0xe4 .*line \d+.*Latin-1/],
    ['UTF-16', Buffer.from(`\ufeff${good}`, 'utf16le'), /UTF-16/],
    ['an empty file', '', /people\.csv is empty/],
    ['a header and no rows', `${lines[0]}\n`, /a header and 0 rows/],
    ['a name twice in the header', good.replace('age,plan', 'age,age'), /line 1: the header names "age" twice, as columns 2 and 3/],
    [
      'a column of mixed types',
      withLine(21, (line) => line.replace(/^(c\d+),\d+/, '$1,old')),
      /column "age" mixes types: 299 values read as number, 1 does not: line 21 "old"/,
    ],
    ['a target with one class', good.replaceAll(/,no$/gm, ',yes'), /target "cancelled" has one class only \(yes\) in 300 rows/],
    ['NaN', withLine(6, incomeAs('NaN')), /column "income" has 1 value.*not finite: line 6 "NaN"/],
    ['an infinite number', withLine(7, incomeAs('inf')), /column "income" has 1 value.*not finite: line 7 "inf"/],
    ['a key that comes twice', [...lines, lines[3]].join('\n'), /repeat a value of customer_id/],
    ['a quote that is never closed', withLine(4, (line) => `"${line}`), /line 4: a quote is opened and never closed/],
  ];
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  before(async () => {
    folder = await temporaryFolder();
  });
  after(() => folder[Symbol.asyncDispose]());

  for (const [at, [what, table, message]] of tables.entries()) {
    test(`${what} is named, and nothing is made of it`, async () => {
      const cwd = await smallProject(join(folder.path, String(at)), { csv: '' });
      await writeFile(join(cwd, 'people.csv'), table);
      assertClear(await gyre(['run'], { cwd }), [1, 2], message);
      const listed = await gyre(['runs', 'ls', '--json'], { cwd });
      if (listed.code === 0) assert.deepEqual((JSON.parse(listed.stdout) as Page<unknown>).items, [], 'no training run');
    });
  }

  test('no row left by the filter is named', async () => {
    const cwd = await smallProject(join(folder.path, 'filter'));
    await edit(join(cwd, 'gyre.yaml'), (text) => text.replace('key: customer_id,', 'key: customer_id, where: "age > 500",'));
    assertClear(await gyre(['run'], { cwd }), [1, 2], /age > 500/);
  });
});

describe('a gyre.yaml that is wrong', () => {
  const mistakes: readonly (readonly [string, string, string, RegExp])[] = [
    [
      'an unknown key',
      'project: shop',
      'project: shop\nmonitr: {}',
      /^gyre\.yaml:2:1 monitr: unknown key "monitr".*did you mean "monitor"|^gyre\.yaml:2:1 monitr: unknown key "monitr"/m,
    ],
    [
      'text where a number is wanted',
      'minRows: 10',
      'minRows: ten',
      /^gyre\.yaml:\d+:33 monitor\.minRows: must be a whole number from 1, is the text "ten"/m,
    ],
    [
      'fractions that do not add up',
      'test: 0.3',
      'test: 0.4',
      /^gyre\.yaml:7:\d+ data\.people\.split\.parts: the fractions add up to 1\.1/m,
    ],
    [
      'a trainer that there is not',
      'trainer: gbdt',
      'trainer: xgboost',
      /^gyre\.yaml:\d+:\d+ steps\.boosting\.trainer: "xgboost" is not known here; known here: /m,
    ],
    [
      'a dataset that there is not',
      'of: people',
      'of: peple',
      /^gyre\.yaml:\d+:\d+ steps\.prepare\.of: there is no dataset "peple"; did you mean "people"\?/m,
    ],
    ['text that is no YAML', 'project: shop', 'project: [shop', /^gyre\.yaml:2:1: /m],
  ];
  for (const [what, from, to, message] of mistakes) {
    test(`with ${what} is refused with file, line and column, by check and by run`, async () => {
      await using folder = await temporaryFolder();
      const cwd = await smallProject(folder.path);
      await edit(join(cwd, 'gyre.yaml'), (text) => text.replace(from, to));
      assertClear(await gyre(['check'], { cwd }), [2], message);
      const run = await gyre(['run'], { cwd });
      assert.equal(run.code, 2, saidBy(run));
      assert.match(run.stderr, /gyre\.yaml:\d+:\d+/);
      assert.ok(!(await readdir(cwd)).includes('.gyre') || !(await readdir(join(cwd, '.gyre'))).includes('gyre.db'), 'no store was made');
    });
  }
});

const canMount = ((): boolean => {
  try {
    execFileSync('unshare', ['--mount', 'true'], { stdio: 'ignore' });
    return process.getuid?.() === 0;
  } catch {
    return false;
  }
})();

/** A small disk for as long as a test lasts. */
function disk(folder: string, options: string): Disposable & { grow(): void } {
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder]);
  return {
    grow: () => void execFileSync('mount', ['-o', 'remount,rw,size=64m', folder]),
    [Symbol.dispose]: () => void execFileSync('umount', ['-l', folder]),
  };
}

describe('a folder that cannot be written', () => {
  test('such as one below a regular file or in /proc is named, with what would be right', async () => {
    await using folder = await temporaryFolder();
    const cwd = await smallProject(folder.path);
    await writeFile(join(folder.path, 'file'), '');
    for (const data of [join(folder.path, 'file/data'), '/proc/gyre', '/proc/1/gyre']) {
      for (const verb of [['run'], ['up', '--port', '0']]) {
        const ended = await gyre([...verb, '--data', data], { cwd });
        assertClear(ended, [3], /cannot write the data folder .*--data DIR/);
        assert.ok(ended.stderr.includes(data));
      }
    }
  });

  test('such as one on a disk that is mounted read-only is named', { skip: canMount ? false : 'may not mount' }, async () => {
    await using folder = await temporaryFolder();
    const cwd = await smallProject(folder.path);
    await mkdir(join(folder.path, 'disk'));
    using _disk = disk(join(folder.path, 'disk'), 'size=1m,ro');
    assertClear(await gyre(['run', '--data', join(folder.path, 'disk/data')], { cwd }), [3], /cannot write the data folder/);
  });

  test(
    'for want of room says so, keeps what it has, and goes on when there is room',
    { skip: canMount ? false : 'may not mount' },
    async () => {
      await using folder = await temporaryFolder();
      const cwd = await smallProject(folder.path);
      const place: Place = { cwd };
      for (const size of ['512k', '1800k', '2400k']) {
        const where = join(folder.path, size);
        await mkdir(where);
        using small = disk(where, `size=${size}`);
        const data = join(where, 'data');
        const ended = await gyre(['run', '--data', data], place);
        assertClear(ended, [1, 5], /disk .*full|no space|ENOSPC/i);
        small.grow();
        await done(['run', '--data', data], place);
        await checkStore(data);
        const version = await facts<ModelVersion>(['model', 'show', 'shop', '--data', data], place);
        assert.equal(version.version, 1, `on ${size}`);
      }
    },
  );
});

describe('bytes that changed on the disk', () => {
  test('are found by their digest, which the message names', async () => {
    await using folder = await temporaryFolder();
    const cwd = await smallProject(folder.path);
    await done(['run'], { cwd });
    const { items } = await facts<Page<DatasetVersion>>(['data', 'ls'], { cwd });
    const train = items.find(({ part }) => part === 'train');
    assert.ok(train !== undefined);
    const digest = train.rowsDigest;
    const path = join(cwd, '.gyre/blobs/sha256', digest.slice(0, 2), digest.slice(2));
    const bytes = await readFile(path);
    bytes[bytes.length >> 1] ^= 0x10;
    await writeFile(path, bytes);
    for (const verb of [
      ['data', 'rows', train.digest],
      ['reproduce', 'shop/1'],
      ['run', '--fresh'],
    ]) {
      const ended = await gyre(verb, { cwd });
      assert.notEqual(ended.code, 0, verb.join(' '));
      assert.ok(saidBy(ended).includes(digest), `gyre ${verb.join(' ')}: ${saidBy(ended)}`);
    }
  });
});

describe('a request that makes no sense', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let house: Up;
  let plane = '';
  const customer: NamedRow = { age: 30, plan: 'basic', income: 50_000, newsletter: false, spend: 70 };
  const without = (name: string): NamedRow => Object.fromEntries(Object.entries(customer).filter(([column]) => column !== name));

  before(async () => {
    folder = await temporaryFolder();
    const place: Place = { cwd: await smallProject(folder.path) };
    await done(['run'], place);
    house = await up(place);
    await releaseVersion(house, 'shop', 1);
    await eventually('production is served', async () => {
      const { items } = await house.get<Page<EnvironmentState>>('environments');
      plane = items.find(({ name }) => name === 'production')?.address ?? '';
      return plane !== '';
    });
  });
  after(async () => {
    await house[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  const post = async (path: string, body: string): Promise<{ readonly status: number; readonly text: string }> => {
    const response = await fetch(`${plane}${path}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    return { status: response.status, text: await response.text() };
  };
  const rows = (...given: readonly NamedRow[]): string => JSON.stringify({ rows: given });

  const refused: readonly (readonly [string, string, RegExp])[] = [
    ['a missing column', rows(without('age')), /row 0 lacks the column \\"age\\"/],
    ['an extra column', rows({ ...customer, shoe: 43 }), /row 0 has the column \\"shoe\\"/],
    ['text where a number is wanted', rows(customer, { ...customer, age: 'old' }), /row 1, column \\"age\\".*\\"old\\"/],
    ['a number where text is wanted', rows({ ...customer, plan: 7 }), /row 0, column \\"plan\\"/],
    ['an infinite number', rows(customer).replace('30', '1e999'), /Infinity/],
    ['an empty batch', rows(), /\\"rows\\" is empty/],
    ['no rows', '{}', /\\"rows\\"/],
    ['no JSON', '{"rows": [', /no JSON/],
    ['fewer keys than rows', JSON.stringify({ rows: [customer, customer], keys: ['a'] }), /keys/],
  ];
  for (const [what, body, message] of refused) {
    test(`with ${what} is answered 400 and what was wrong`, async () => {
      const { status, text } = await post('/predict/shop', body);
      assert.equal(status, 400, text);
      assert.match(text, message);
    });
  }

  test('with a category never seen, or a value that is missing, is answered like any other', async () => {
    const { status, text } = await post('/predict/shop', rows({ ...customer, plan: 'gold' }, { ...customer, age: null }));
    assert.equal(status, 200, text);
    assert.equal((JSON.parse(text) as PredictAnswer).predictions.length, 2);
  });

  test('with a body over the limit is answered 413', async () => {
    // The client asks before it sends: nothing of the answer can be lost to a connection that closes while a body is on its way.
    const headers = { 'content-type': 'application/json', 'content-length': String(64 * 1024 * 1024), expect: '100-continue' };
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const call = request(`${plane}/predict/shop`, { method: 'POST', headers }, (response) => {
        resolve(response.statusCode);
        call.destroy();
      });
      call.on('error', reject);
      call.on('continue', () => reject(new Error('the plane asked for a body over its limit')));
      call.flushHeaders();
    });
    assert.equal(status, 413);
  });

  test('in the Open Inference Protocol is answered 4xx as well', async () => {
    const tensor = { name: 'age', shape: [1, 1], datatype: 'FP64', data: [30] };
    for (const inputs of [[], [tensor], [{ ...tensor, datatype: 'BYTES', data: ['x'] }], [{ ...tensor, shape: [0, 1], data: [] }], 'x']) {
      const { status, text } = await post('/v2/models/shop/infer', JSON.stringify({ inputs }));
      assert.ok(status >= 400 && status < 500, `${status} ${text} for ${JSON.stringify(inputs)}`);
      assert.match(text, /"error"/);
    }
    assert.equal((await post('/v2/models/nobody/infer', '{"inputs":[]}')).status, 404);
  });

  test('did the plane no harm', async () => {
    assert.equal((await post('/predict/shop', rows(customer))).status, 200);
  });
});
