import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { temporaryFolder, up } from '../harness/gyre-fixture.ts';
import { pythonMissing, runPython } from './python.ts';

const denied = 'PERMISSION_DENIED';

describe('MLflow’s own clients', { skip: pythonMissing }, () => {
  test('come in by token or password, make users, and grant what others then may or may not', async () => {
    await using folder = await temporaryFolder();
    const cwd = join(folder.path, 'shop');
    await mkdir(cwd);
    await writeFile(join(cwd, 'people.csv'), 'id,age\n1,30\n2,40\n');
    await writeFile(
      join(cwd, 'gyre.yaml'),
      `project: shop
charter: { problem: p, owner: o, success: { accuracy: ">= 0.5" } }
data: { people: { source: people.csv, key: id } }
steps: { show: { run: ls } }
`,
    );
    await using house = await up({ cwd, env: { GYRE_LOCAL_IDENTITY: 'false' } });
    const owner = await readFile(join(house.dataFolder, 'secrets', 'owner-token'), 'utf8');
    const said = await runPython<Record<string, unknown>>('mlflow_auth_peer.py', { address: house.address, token: owner.trim() });
    const { denied: refusals, ...rest } = said;
    assert.deepEqual(rest, {
      made: ['ada', false, true],
      again: 'RESOURCE_ALREADY_EXISTS',
      short: 'INVALID_PARAMETER_VALUE',
      unknown: 'RESOURCE_DOES_NOT_EXIST',
      promoted: true,
      'by password': 'done',
      'token as password': 'done',
      'wrong password': 'UNAUTHENTICATED',
      'wrong token': 'UNAUTHENTICATED',
      nobody: 'UNAUTHENTICATED',
      'open to roles': ['done', 'done'],
      'may not grant': denied,
      'granted twice': 'RESOURCE_ALREADY_EXISTS',
      own: 'MANAGE',
      'bea’s': 'NO_PERMISSIONS',
      experiments: [['Default', 'open-0', 'open-1'], ['open-2', 'open-3', 'open-4'], ['open-5']],
      runs: 0,
      models: [],
      versions: 0,
      revoked: 'done',
      role: ['risk', 'default', 'who scores', ['risk']],
      'role twice': 'RESOURCE_ALREADY_EXISTS',
      'role permission twice': 'RESOURCE_ALREADY_EXISTS',
      'unknown role': 'RESOURCE_DOES_NOT_EXIST',
      assigned: [true, true],
      'assigned twice': 'RESOURCE_ALREADY_EXISTS',
      'denied by role': denied,
      'own roles': ['risk'],
      'may not make roles': denied,
      'roles of others': [denied, denied],
      "role's permissions": [
        ['experiment', '1', 'DENY'],
        ['registered_model', '*', 'READ'],
      ],
      "role's users": [true],
      'renamed role': ['scoring', 2],
      'allowed again': 'done',
      'no roles': [],
      'all roles': [],
      'own password': ['INVALID_PARAMETER_VALUE', 'done'],
      'old password': 'UNAUTHENTICATED',
      'new password': 'done',
      'others’ user': denied,
      'may not delete': denied,
      gone: 'RESOURCE_DOES_NOT_EXIST',
      'locked out': 'UNAUTHENTICATED',
    });
    const allowed = Object.entries(refusals as Record<string, string>).filter(([, code]) => code !== denied);
    assert.deepEqual(allowed, []);
  });
});
