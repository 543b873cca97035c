import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import type { EnvironmentState, ExplainAnswer, OcclusionMap } from '#contract';
import { seeded } from '#core';
import { done, eventually, facts, temporaryFolder, up, type Place, type Up } from '../harness/gyre-fixture.ts';
import { releaseVersion } from '../harness/release-fixture.ts';
import { tinted, writeTintedProject } from '../harness/tinted-pictures-fixture.ts';
import { browserMissing, openBrowser } from './browser.ts';
import { pageViews } from './page-views.ts';
import { pythonMissing, runPython } from './python.ts';

interface Asked {
  readonly label: readonly string[];
  readonly probabilities: readonly (readonly number[])[];
  readonly ids: readonly string[];
}

type Ways = Readonly<Record<'http png' | 'http jpeg' | 'grpc png' | 'grpc jpeg', Asked>>;

interface Seen extends Ways {
  readonly refused: readonly { readonly status: string; readonly message: string }[];
  readonly image: { readonly function: string; readonly width: number; readonly datatype: string };
}

interface Logged {
  readonly id: string;
  readonly predicted?: string;
  readonly inputs: Readonly<Record<string, unknown>>;
}

const random = seeded(5);
const pictures = [tinted('warm', 'warm', random), tinted('cold', 'cold', random), tinted('warm', 'warm', random)];

describe('a model of pictures, from a folder of them to tritonclient', { skip: pythonMissing }, () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let place: Place;
  let server: Up;
  let production: EnvironmentState;
  let seen: Seen;
  before(async () => {
    folder = await temporaryFolder();
    place = { cwd: folder.path, env: { GYRE_PORT: '0' } };
    await writeTintedProject(folder.path, 40);
    await done(['run'], place);
    server = await up(place);
    // Its application tests send pictures of the test report, and must pass.
    await releaseVersion(server, 'tints', 1);
    const { items } = await server.get<{ items: readonly EnvironmentState[] }>('environments');
    production = items.find(({ name }) => name === 'production') ?? assert.fail('there is no production');
    const { address, grpcAddress } = production;
    seen = await runPython<Seen>('pictures_client.py', { address, grpcAddress, endpoint: 'tints', pictures: pictures.map((one) => one.toString('base64')) }); // prettier-ignore
  });
  after(async () => {
    await server?.[Symbol.asyncDispose]();
    await folder?.[Symbol.asyncDispose]();
  });

  test('JPEG and PNG as BYTES are answered alike over HTTP and gRPC, each row with an id', () => {
    const { 'http png': first, image } = seen;
    assert.deepEqual(first.label, ['warm', 'cold', 'warm']);
    assert.deepEqual([image.function, image.width, image.datatype], ['image/1', 32, 'UINT8']);
    for (const way of ['http png', 'http jpeg', 'grpc png', 'grpc jpeg'] as const) {
      assert.deepEqual(seen[way].label, first.label, way);
      assert.equal(seen[way].ids.length, 3, way);
      // JPEG loses some of the noise; its means stay.
      const tolerance = way.endsWith('png') ? 1e-6 : 0.05;
      seen[way].probabilities.flat().forEach((share, at) => assert.ok(Math.abs(share - first.probabilities.flat()[at]) <= tolerance, `${way}: ${share}`)); // prettier-ignore
    }
  });

  test('what is no picture is refused with its row, over both', () => {
    const [http, grpc] = seen.refused;
    assert.match(http.status, /400/);
    assert.match(grpc.status, /INVALID_ARGUMENT/);
    for (const { message } of seen.refused) assert.match(message, /row 1 of the input "image".*is no image/);
  });

  test('the log has the SHA-256 of each picture, and never its bytes', async () => {
    const asked = seen['http png'].ids;
    let logged: readonly Logged[] = [];
    await eventually(
      'the predictions are in the log',
      async () => {
        logged = (await server.get<{ items: readonly Logged[] }>('predictions?first=newest&limit=100')).items;
        return asked.every((id) => logged.some((one) => one.id === id));
      },
      60_000,
    );
    for (const [at, id] of asked.entries()) {
      const { inputs, predicted } = logged.find((one) => one.id === id) ?? assert.fail(id);
      assert.equal(predicted, seen['http png'].label[at]);
      assert.deepEqual(inputs, { image: createHash('sha256').update(pictures[at]).digest('hex'), 'image.size': pictures[at].length });
    }
  });

  test(
    'the form on the endpoint’s page takes a picture, and draws over it what speaks for its class',
    { skip: browserMissing },
    async () => {
      await using browser = await openBrowser();
      const { withTab, isWhole } = pageViews(
        () => browser,
        () => server,
      );
      await withTab('dark', async (tab) => {
        const { page, open } = tab;
        await open(`${server.address}/endpoints/production`);
        const card = page.getByRole('region', { name: 'Try it' });
        const input = card.locator('input[type=file]');
        await input.setInputFiles({ name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('no picture') });
        await card.getByText('notes.txt is no picture: JPEG, PNG, WebP, GIF, TIFF or AVIF is wanted.').waitFor();
        await input.setInputFiles({ name: 'half.png', mimeType: 'image/png', buffer: tinted('warm', 'warm', random) });
        await card.getByText(/^half\.png, /).waitFor();
        await card.getByRole('button', { name: 'Predict', exact: true }).click();
        await card.getByText(/said by tints version 1/).waitFor();
        await card.getByText('-F picture=@half.png').waitFor();
        await card.getByRole('button', { name: 'Explain', exact: true }).click();
        await card.getByRole('img', { name: /^Where the picture speaks for warm: / }).waitFor({ timeout: 60_000 });
        await isWhole(tab, 'a picture that was explained');
      });
    },
  );

  test('a picture that is half warm speaks for warm where it is, and against it where it is cold', async () => {
    const image = tinted('warm', 'cold', random).toString('base64');
    const answered = await server.post<ExplainAnswer>('endpoints/production/explain', { rows: [{ image }], classes: ['warm', 'cold'], patch: 8, stride: 8 }); // prettier-ignore
    assert.equal(answered.status, 200, JSON.stringify(answered.body));
    const { method, scale, maps } = answered.body;
    assert.deepEqual([method, scale, maps?.width, maps?.images.length], ['occlusion', 'probability', 32, 1]);
    const [warm, cold] = maps?.images[0] ?? [];
    const sides = ({ values }: OcclusionMap): readonly [number, number] => [0, 2].map((from) => values.reduce((sum, line) => sum + line[from] + line[from + 1], 0)) as [number, number]; // prettier-ignore
    const [left, right] = sides(warm);
    assert.ok(left > 0 && right < 0, `warm: ${left} on the left, ${right} on the right`);
    // Two classes share one: what speaks for one speaks against the other.
    warm.values.flat().forEach((value, at) => assert.ok(Math.abs(value + cold.values.flat()[at]) < 1e-5));
    // The same from the command line.
    const told = await facts<ExplainAnswer>(['explain', '--environment', 'production', '--set', `image=${image}`], place);
    assert.equal(told.maps?.images[0][0].class, 'warm');
  });
});
