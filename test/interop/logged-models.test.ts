import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { temporaryFolder, up } from '../harness/gyre-fixture.ts';
import { smallProject } from '../harness/projects-fixture.ts';
import { pythonMissing, runPython } from './python.ts';

type SideAnswer = Readonly<Record<string, unknown>>;
interface Compared {
  readonly compared: number;
  readonly accepted: number;
  readonly differences: readonly { readonly call: string; readonly theirs: SideAnswer; readonly ours: SideAnswer }[];
}

describe('logged models', { skip: pythonMissing }, () => {
  test('answer hundreds of calls as MLflow’s own database store does', async () => {
    await using folder = await temporaryFolder();
    await using gyre = await up({ cwd: await smallProject(folder.path, { rows: 20 }) });
    const token = readFileSync(join(gyre.dataFolder, 'secrets', 'owner-token'), 'utf8').trim();
    const { compared, accepted, differences } = await runPython<Compared>('logged_models_peer.py', {
      address: gyre.address,
      token,
      seed: 7,
    });
    // What their server fails at, ours says what is wrong with.
    const meant = ({ theirs, ours }: Compared['differences'][number]): boolean =>
      theirs.refused === 'INTERNAL_ERROR' && ours.refused === 'INVALID_PARAMETER_VALUE';
    assert.deepEqual(
      differences.filter((each) => !meant(each)).map((each) => JSON.stringify(each)),
      [],
    );
    assert.ok(compared > 330 && accepted > 250, `${accepted} of ${compared} were accepted by both`);
  });
});
