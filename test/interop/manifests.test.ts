import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { stringify, parse } from 'yaml';
import { type ManifestRequest, manifestTargets } from '#contract';
import { manifestsFor } from '#packaging';
import { done, gyre, temporaryFolder } from '../harness/gyre-fixture.ts';
import { pythonFile, pythonMissing } from './python.ts';

const run = promisify(execFile);
const image = `registry.example.org/team/churn@sha256:${'a1'.repeat(32)}`;
const content = { model: 'churn', version: '3', modelVersion: 'mv-3', package: 'b2'.repeat(32) };
const request: Omit<ManifestRequest, 'target'> = {
  image,
  environment: 'production',
  namespace: 'ml',
  host: 'churn.example.org',
  serviceMonitor: true,
  location: 'westeurope',
  subnet: '/subscriptions/1/subnets/s',
};
/** Of these the checker of Kubernetes knows the schemas. */
const known = /^(v1|apps\/v1|autoscaling\/v2|policy\/v1|networking\.k8s\.io\/v1)$/;

interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly spec: { readonly template?: { readonly spec: object }; readonly predictor?: object };
}

describe('manifests, read by the tools of their field', { skip: pythonMissing }, () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  before(async () => {
    folder = await temporaryFolder();
    for (const target of manifestTargets)
      for (const { path, text } of manifestsFor({ ...request, target }, content).files) {
        const file = join(folder.path, target, path);
        await mkdir(dirname(file), { recursive: true });
        await writeFile(file, text);
      }
  });
  after(() => folder[Symbol.asyncDispose]());

  const filesOf = async (target: string): Promise<readonly string[]> =>
    (await readdir(join(folder.path, target), { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name));
  const read = async (file: string): Promise<KubernetesObject> => parse(await readFile(file, 'utf8')) as KubernetesObject;
  const peer = (name: string): string => join(dirname(pythonFile), name);
  const validate = async (files: readonly string[]): Promise<string> => {
    const { stdout, stderr } = await run(peer('kubernetes-validate'), ['--strict', ...files]);
    return stdout + stderr;
  };

  test('have no member that Kubernetes does not know (kubernetes-validate --strict)', async () => {
    const files: string[] = [];
    for (const file of (await Promise.all(['kubernetes', 'openshift', 'kustomize'].map(filesOf))).flat())
      if (known.test((await read(file)).apiVersion)) files.push(file);
    const said = await validate(files);
    assert.equal(said.match(/passed for resource/g)?.length, files.length, said);
    assert.ok(files.length >= 14, String(files.length));
  });

  test('are refused by that checker when they have one: it looks', async () => {
    const file = join(folder.path, 'wrong.yaml');
    await writeFile(file, (await readFile(join(folder.path, 'kubernetes/deployment.yaml'), 'utf8')).replace('readinessProbe', 'readynessProbe')); // prettier-ignore
    await assert.rejects(validate([file]), (error: Error & { readonly stdout?: string }) => /readynessProbe/.test(error.stdout ?? ''));
  });

  test('of Knative and KServe hold pods that Kubernetes takes', async () => {
    const pods = {
      knative: (await read(join(folder.path, 'knative/service.yaml'))).spec.template?.spec,
      kserve: (await read(join(folder.path, 'kserve/inference-service.yaml'))).spec.predictor,
    };
    for (const [name, spec] of Object.entries(pods)) {
      // What is theirs beside the pod's.
      const {
        timeoutSeconds: _knative,
        timeout: _kserve,
        minReplicas: _fewest,
        maxReplicas: _most,
        ...pod
      } = spec as Record<string, unknown>;
      const file = join(folder.path, `${name}-pod.yaml`);
      await writeFile(file, stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec: pod }));
      assert.match(await validate([file]), /passed for resource pod/);
    }
  });

  test('of Compose fit its specification (check-jsonschema)', async () => {
    const { stdout } = await run(peer('check-jsonschema'), ['--builtin-schema', 'compose-spec', join(folder.path, 'compose/compose.yaml')]);
    assert.match(stdout, /ok/);
  });

  test('of Kustomize come together: the overlay’s image and namespace in the base’s objects', async (context) => {
    const version = await run('kubectl', ['version', '--client', '--output=json']).then(({ stdout }) => stdout, () => ''); // prettier-ignore
    const kustomize = /"kustomizeVersion": "v(\d+)/.exec(version)?.[1];
    if (kustomize === undefined || Number(kustomize) < 4) {
      context.skip('there is no kubectl here with Kustomize 4 or newer');
      return;
    }
    const { stdout } = await run('kubectl', ['kustomize', join(folder.path, 'kustomize/overlays/production')]);
    const objects = stdout
      .split(/^---$/m)
      .map((text) => parse(text) as KubernetesObject & { readonly metadata: { readonly namespace?: string } });
    assert.deepEqual(objects.map(({ kind }) => kind).sort(), [
      'Deployment',
      'HorizontalPodAutoscaler',
      'Ingress',
      'NetworkPolicy',
      'PodDisruptionBudget',
      'Service',
      'ServiceMonitor',
    ]);
    assert.ok(objects.every(({ metadata }) => metadata.namespace === 'ml'));
    assert.ok(stdout.includes(`image: ${image}`));
  });

  test('are committed to a branch beside the work, once, and not to the one that is checked out', async () => {
    const cwd = join(folder.path, 'repository');
    await mkdir(cwd);
    const git = async (...words: readonly string[]): Promise<string> => (await run('git', ['-C', cwd, ...words])).stdout.trim();
    await git('init', '--quiet', '--initial-branch', 'main');
    await git('config', 'user.name', 'Ada');
    await git('config', 'user.email', 'ada@example.org');
    await writeFile(join(cwd, 'notes.txt'), 'mine\n');
    const deploy = (...words: readonly string[]): readonly string[] => ['deploy', 'kubernetes', '--name', 'churn', '--namespace', 'ml', '--image', image, '--unchecked', ...words]; // prettier-ignore
    const argo = ['--branch', 'deploy', '--argo-cd', 'https://git.example.org/ml.git'];
    await done(deploy(...argo), { cwd });
    assert.equal(await git('status', '--porcelain'), '?? notes.txt', 'neither the work tree nor the index');
    assert.match(await git('show', 'deploy:churn/deployment.yaml'), new RegExp(image));
    const application = parse(await git('show', 'deploy:churn/argo-cd/application.yaml')) as { readonly spec: { readonly source: object } };
    assert.deepEqual(application.spec.source, {
      repoURL: 'https://git.example.org/ml.git',
      targetRevision: 'deploy',
      path: 'churn',
      directory: { exclude: 'argo-cd/*' },
    });
    const first = await git('rev-parse', 'deploy');
    assert.match(await done(deploy(...argo), { cwd }), /says the same already/);
    assert.equal(await git('rev-parse', 'deploy'), first);
    await done(deploy(...argo, '--max-replicas', '20'), { cwd });
    assert.equal(await git('rev-parse', 'deploy^'), first);
    // What is not written any more goes, what others wrote stays, and a fresh clone goes on where its origin is.
    await done(deploy(...argo, '--host', 'churn.example.org'), { cwd });
    assert.match(await git('ls-tree', '-r', '--name-only', 'deploy'), /churn\/ingress\.yaml/);
    await run('git', ['clone', '--quiet', cwd, `${cwd}-clone`]);
    await run('git', ['-C', `${cwd}-clone`, 'config', 'user.email', 'ada@example.org']);
    await run('git', ['-C', `${cwd}-clone`, 'config', 'user.name', 'Ada']);
    await done(deploy(...argo), { cwd: `${cwd}-clone` });
    const listed = (await run('git', ['-C', `${cwd}-clone`, 'ls-tree', '-r', '--name-only', 'deploy'])).stdout;
    assert.ok(listed.includes('churn/deployment.yaml') && !listed.includes('ingress.yaml'), listed);
    assert.equal((await run('git', ['-C', `${cwd}-clone`, 'rev-list', '--count', 'deploy'])).stdout.trim(), '4');
    for (const path of ['/deploy', '../x', 'a/.git/b'])
      assert.match((await gyre(deploy(...argo, '--path', path), { cwd })).stderr, /no folder of the repository/);
    await git('switch', '--quiet', 'deploy');
    const refused = await gyre(deploy(...argo, '--max-replicas', '30'), { cwd });
    assert.notEqual(refused.code, 0);
    assert.match(refused.stderr, /checked out/);
  });
});
