import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ManifestRequest } from '#contract';
import { hasCode } from '#core';
import { parse } from 'yaml';
import { manifestsFor } from '../index.ts';

const digest = `sha256:${'a1'.repeat(32)}`;
const image = `registry.example.org/team/churn@${digest}`;
const content = { model: 'churn', version: '3', modelVersion: 'mv-3', package: 'b2'.repeat(32) };
type Tree = { readonly [member: string]: unknown };

function written(request: Partial<ManifestRequest>): ReadonlyMap<string, Tree> {
  const { files } = manifestsFor({ target: 'kubernetes', image, ...request }, content);
  return new Map(files.map(({ path, text }) => [path, parse(text) as Tree]));
}

/** What lies at a path such as `spec.template`, numbers being places in lists. */
function at(tree: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((within, member) => (within as Tree | undefined)?.[member], tree);
}

function refusal(request: Partial<ManifestRequest>): string {
  try {
    written(request);
  } catch (error) {
    assert.ok(hasCode(error, 'INVALID_ARGUMENT'), String(error));
    return error.message;
  }
  return assert.fail('it was written');
}

describe('manifests of a model’s image', () => {
  test('of a cluster scale, outlive the loss of a node, and let nothing out', () => {
    const files = written({ environment: 'production', namespace: 'ml', host: 'churn.example.org', serviceMonitor: true });
    assert.deepEqual(
      [...files.keys()],
      [
        'deployment.yaml',
        'service.yaml',
        'autoscaler.yaml',
        'disruption-budget.yaml',
        'network-policy.yaml',
        'service-monitor.yaml',
        'ingress.yaml',
      ],
    );
    const deployment = files.get('deployment.yaml');
    assert.equal(at(deployment, 'metadata.name'), 'churn-production');
    assert.equal(at(deployment, 'spec.replicas'), undefined, 'the autoscaler says how many');
    assert.deepEqual(at(deployment, 'metadata.annotations'), {
      'gyre.dev/model': 'churn',
      'gyre.dev/model-version': 'mv-3',
      'gyre.dev/package': 'b2'.repeat(32),
      'gyre.dev/environment': 'production',
    });
    assert.equal(at(deployment, 'spec.template.spec.containers.0.image'), image);
    assert.equal(at(deployment, 'spec.template.spec.securityContext.runAsUser'), 65_532);
    assert.equal(at(deployment, 'spec.template.spec.containers.0.securityContext.readOnlyRootFilesystem'), true);
    assert.deepEqual(at(files.get('network-policy.yaml'), 'spec.egress'), []);
    // Whatever selects pods selects those of the deployment.
    const pods = { 'app.kubernetes.io/name': 'churn-production' };
    assert.deepEqual(at(files.get('service.yaml'), 'spec.selector'), pods);
    for (const [file, path] of [
      ['deployment.yaml', 'spec.selector.matchLabels'],
      ['disruption-budget.yaml', 'spec.selector.matchLabels'],
      ['network-policy.yaml', 'spec.podSelector.matchLabels'],
      ['service-monitor.yaml', 'spec.selector.matchLabels'],
    ])
      assert.deepEqual(at(files.get(file), path), pods, file);
    const labels = at(deployment, 'spec.template.metadata.labels') as Tree;
    assert.equal(labels['app.kubernetes.io/name'], pods['app.kubernetes.io/name']);
    for (const [file, object] of files) assert.equal(at(object, 'metadata.namespace'), 'ml', file);
  });

  test('of models whose names are no labels, or as long as one, are called apart', () => {
    const nameOf = (model: string, environment = 'production'): unknown => {
      const { files } = manifestsFor({ target: 'kubernetes', image, environment }, { ...content, model });
      return at(parse(files[0].text), 'metadata.name');
    };
    const long = 'a'.repeat(80);
    const names = [
      nameOf('模型一'),
      nameOf('模型二'),
      nameOf(long),
      nameOf(long, 'test'),
      nameOf('Churn of 2026'),
      nameOf('churn-of-2026'),
    ];
    assert.equal(new Set(names).size, names.length, String(names));
    for (const name of names) assert.match(String(name), /^[a-z][a-z0-9-]{0,47}[a-z0-9]$/);
    // What a reader of YAML 1.1 takes for true stays a text.
    const { files } = manifestsFor({ target: 'kubernetes', image, environment: 'on' }, content);
    assert.match(files[0].text, /gyre\.dev\/environment: "on"/);
  });

  test('are the same texts for the same request', () => {
    const request: ManifestRequest = { target: 'kubernetes', image, environment: 'test' };
    assert.deepEqual(manifestsFor(request, content), manifestsFor(request, content));
  });

  test('name nobody’s host from outside unless one is said', () => {
    assert.ok(!written({}).has('ingress.yaml'));
    assert.equal(
      at(written({ target: 'cloud-run' }).get('service.yaml'), 'metadata.annotations')?.['run.googleapis.com/ingress' as never],
      'internal',
    );
  });

  test('leave the user to OpenShift, and ask for a Route', () => {
    const files = written({ target: 'openshift', host: 'churn.apps.example.org' });
    assert.equal(at(files.get('deployment.yaml'), 'spec.template.spec.securityContext.runAsUser'), undefined);
    assert.equal(at(files.get('deployment.yaml'), 'spec.template.spec.securityContext.runAsNonRoot'), true);
    assert.equal(at(files.get('route.yaml'), 'spec.host'), 'churn.apps.example.org');
    assert.equal(at(files.get('route.yaml'), 'spec.tls.insecureEdgeTerminationPolicy'), 'Redirect');
    assert.ok(!files.has('ingress.yaml'));
  });

  test('of Kustomize keep the image to the overlay of its environment', () => {
    const files = written({ target: 'kustomize', environment: 'Production', minReplicas: 3, memory: '4Gi' });
    const base = at(files.get('base/deployment.yaml'), 'spec.template.spec.containers.0.image');
    assert.equal(base, 'registry.example.org/team/churn');
    const overlay = files.get('overlays/production/kustomization.yaml');
    assert.deepEqual(at(overlay, 'images'), [{ name: base, digest }]);
    assert.deepEqual(at(overlay, 'resources'), ['../../base', 'autoscaler.yaml']);
    assert.match(String(at(overlay, 'patches.0.patch')), /memory: 4Gi/);
    assert.equal(at(files.get('overlays/production/autoscaler.yaml'), 'spec.minReplicas'), 3);
    assert.ok(![...files].some(([file, object]) => file.startsWith('base/') && JSON.stringify(object).includes('roduction')));
    // A base is the same whichever environment it was written with.
    const other = written({ target: 'kustomize', environment: 'test', minReplicas: 1 });
    for (const [file, object] of files) if (file.startsWith('base/')) assert.deepEqual(other.get(file), object, file);
    assert.match(refusal({ target: 'kustomize' }), /overlay is of an environment/);
  });

  test('of what sleeps go down to none, and no lower than is said', () => {
    const scale = (request: Partial<ManifestRequest>): unknown =>
      at(written({ target: 'knative', ...request }).get('service.yaml'), 'spec.template.metadata.annotations');
    assert.equal((scale({}) as Tree)['autoscaling.knative.dev/min-scale'], '0');
    assert.equal((scale({ minReplicas: 2 }) as Tree)['autoscaling.knative.dev/min-scale'], '2');
    assert.equal(at(written({ minReplicas: 0 }).get('autoscaler.yaml'), 'spec.minReplicas'), 1, 'an autoscaler of pods cannot wake');
    assert.equal(at(written({ minReplicas: 20 }).get('autoscaler.yaml'), 'spec.maxReplicas'), 20);
  });

  test('of container instances are reached from a subnet, with sizes as they are counted there', () => {
    const group = written({
      target: 'container-instances',
      location: 'westeurope',
      subnet: '/subscriptions/1/resourceGroups/ml/providers/Microsoft.Network/virtualNetworks/v/subnets/s',
      cpu: '500m',
      memory: '1536Mi',
    }).get('container-group.yaml');
    assert.deepEqual(at(group, 'properties.containers.0.properties.resources.requests'), { cpu: 0.5, memoryInGB: 1.5 });
    assert.equal(at(group, 'properties.ipAddress.type'), 'Private');
    assert.match(refusal({ target: 'container-instances', location: 'westeurope' }), /subnet/);
  });

  test('for Argo CD name the folder in the repository, and what may be kept there', () => {
    const argoCd = { repository: 'https://git.example.org/ml/deploy.git', path: 'churn', revision: 'main' };
    const application = written({ target: 'kustomize', environment: 'test', namespace: 'ml-test', argoCd }).get('argo-cd/test.yaml');
    assert.equal(at(application, 'metadata.name'), 'churn-test', 'environments have Applications of their own');
    assert.deepEqual(at(application, 'spec.source'), { repoURL: argoCd.repository, targetRevision: 'main', path: 'churn/overlays/test' });
    assert.deepEqual(at(application, 'spec.destination'), { server: 'https://kubernetes.default.svc', namespace: 'ml-test' });
    assert.match(refusal({ target: 'compose', argoCd }), /keeps clusters/);
    assert.match(refusal({ target: 'kubernetes', argoCd }), /namespace/);
  });

  test('of one machine listen at its loopback address, and look whether they are well', () => {
    const compose = written({ target: 'compose', port: 9000 }).get('compose.yaml');
    assert.deepEqual(at(compose, 'services.model.ports'), ['127.0.0.1:9000:8080']);
    assert.deepEqual((at(compose, 'services.model.healthcheck.test') as readonly string[]).slice(0, 2), ['CMD', '/app/bin/node']);
  });
});
