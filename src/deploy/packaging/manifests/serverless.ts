import { GyreError } from '#core';
import type { Written } from './kubernetes.ts';
import {
  annotationsOf,
  containerPort,
  containerSecurity,
  graceSeconds,
  labelsOf,
  metadataOf,
  podSecurity,
  probesOf,
  resourcesOf,
  type Workload,
} from './workload.ts';

/** A request may take this long: longer than a data plane lets it. */
const timeoutSeconds = 60;

/** Knative's own Service: as many as requests want, none when there are none. */
export function knativeService(workload: Workload): readonly Written[] {
  const { minReplicas = 0, maxReplicas, image } = workload;
  return [
    {
      file: 'service.yaml',
      object: {
        apiVersion: 'serving.knative.dev/v1',
        kind: 'Service',
        metadata: metadataOf(workload),
        spec: {
          template: {
            metadata: {
              labels: labelsOf(workload),
              annotations: {
                ...annotationsOf(workload),
                'autoscaling.knative.dev/min-scale': String(minReplicas),
                'autoscaling.knative.dev/max-scale': String(maxReplicas),
              },
            },
            spec: {
              timeoutSeconds,
              enableServiceLinks: false,
              containers: [{ ...knativeContainer(workload, 'model'), image }],
              volumes: [{ name: 'tmp', emptyDir: {} }],
            },
          },
        },
      },
    },
  ];
}

/** What Knative lets a container say. */
function knativeContainer(workload: Workload, name: string): object {
  const { readinessProbe, livenessProbe } = probesOf(containerPort);
  return {
    name,
    ports: [{ name: 'http1', containerPort }],
    resources: resourcesOf(workload),
    readinessProbe,
    livenessProbe,
    securityContext: { ...containerSecurity, ...podSecurity(false) },
    volumeMounts: [{ name: 'tmp', mountPath: '/tmp' }],
  };
}

/** Cloud Run takes Knative's form, with fewer members: /tmp is memory there, and nobody is root. Who may call is said by IAM. */
export function cloudRunService(workload: Workload): readonly Written[] {
  const { name, content, minReplicas = 0, maxReplicas, image, cpu, memory, environment } = workload;
  const label = (text: string): string => text.toLowerCase().replaceAll(/[^a-z0-9_-]/g, '-').slice(0, 63); // prettier-ignore
  return [
    {
      file: 'service.yaml',
      object: {
        apiVersion: 'serving.knative.dev/v1',
        kind: 'Service',
        metadata: {
          name,
          labels: {
            'managed-by': 'gyre',
            model: label(content.model),
            ...(content.version === undefined ? {} : { version: label(content.version) }),
            ...(environment === undefined ? {} : { environment: label(environment) }),
          },
          annotations: { 'run.googleapis.com/ingress': workload.host === undefined ? 'internal' : 'internal-and-cloud-load-balancing' },
        },
        spec: {
          template: {
            metadata: {
              annotations: {
                ...annotationsOf(workload),
                'autoscaling.knative.dev/minScale': String(minReplicas),
                'autoscaling.knative.dev/maxScale': String(maxReplicas),
                'run.googleapis.com/startup-cpu-boost': 'true',
              },
            },
            spec: {
              timeoutSeconds,
              containers: [
                {
                  image,
                  ports: [{ name: 'http1', containerPort }],
                  resources: { limits: { cpu, memory } },
                  startupProbe: { httpGet: { path: '/v2/health/ready' }, periodSeconds: 2, timeoutSeconds: 1, failureThreshold: 60 },
                  livenessProbe: { httpGet: { path: '/v2/health/live' }, periodSeconds: 10, timeoutSeconds: 2, failureThreshold: 3 },
                },
              ],
            },
          },
        },
      },
    },
  ];
}

/**
 * KServe runs it as a predictor of one's own: the data plane speaks the Open Inference Protocol by itself. KServe makes a Knative Service of it where that
 * is there, so it has no member that Knative refuses (PORT, what is said of the pod's security, a startup probe).
 */
export function inferenceService(workload: Workload): readonly Written[] {
  const { minReplicas = 1, maxReplicas, image } = workload;
  return [
    {
      file: 'inference-service.yaml',
      object: {
        apiVersion: 'serving.kserve.io/v1beta1',
        kind: 'InferenceService',
        metadata: metadataOf(workload),
        spec: {
          predictor: {
            minReplicas,
            maxReplicas,
            timeout: timeoutSeconds,
            containers: [{ ...knativeContainer(workload, 'kserve-container'), image }],
            volumes: [{ name: 'tmp', emptyDir: {} }],
          },
        },
      },
    },
  ];
}

const mebibytes = (memory: string): number => Number.parseInt(memory, 10) * (memory.endsWith('Gi') ? 1024 : 1);

/**
 * A container group of Azure Container Instances, reached from a subnet alone: it asks nobody who they are, so it has no address of its own in public.
 * @throws GyreError INVALID_ARGUMENT without a location and a subnet
 */
export function containerGroup(workload: Workload): readonly Written[] {
  const { name, content, image, location, subnet, cpu, memory } = workload;
  if (location === undefined || subnet === undefined)
    throw new GyreError(
      'INVALID_ARGUMENT',
      'container instances want a location, such as westeurope, and the id of the subnet that they are reached from',
      {
        field: location === undefined ? 'location' : 'subnet',
      },
    );
  const http = (path: string): object => ({ httpGet: { path, port: containerPort, scheme: 'http' }, periodSeconds: 10, timeoutSeconds: 2 });
  return [
    {
      file: 'container-group.yaml',
      object: {
        apiVersion: '2023-05-01',
        type: 'Microsoft.ContainerInstance/containerGroups',
        name,
        location,
        tags: { 'managed-by': 'gyre', model: content.model, ...(content.version === undefined ? {} : { version: content.version }) },
        properties: {
          osType: 'Linux',
          restartPolicy: 'Always',
          ipAddress: { type: 'Private', ports: [{ protocol: 'TCP', port: containerPort }] },
          subnetIds: [{ id: subnet }],
          containers: [
            {
              name: 'model',
              properties: {
                image,
                ports: [{ protocol: 'TCP', port: containerPort }],
                environmentVariables: [{ name: 'PORT', value: String(containerPort) }],
                resources: { requests: { cpu: processors(cpu), memoryInGB: Math.ceil((mebibytes(memory) / 1024) * 10) / 10 } },
                readinessProbe: http('/v2/health/ready'),
                livenessProbe: http('/v2/health/live'),
              },
            },
          ],
        },
      },
    },
  ];
}

const processors = (cpu: string): number => (cpu.endsWith('m') ? Number.parseInt(cpu, 10) / 1000 : Number(cpu));

/** A service of Docker Compose on one machine, at its loopback address. */
export function composeFile(workload: Workload): readonly Written[] {
  const { name, image, port = containerPort, cpu, memory } = workload;
  const live = `fetch('http://127.0.0.1:${containerPort}/v2/health/ready').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))`;
  return [
    {
      file: 'compose.yaml',
      object: {
        name,
        services: {
          model: {
            image,
            restart: 'unless-stopped',
            read_only: true,
            cap_drop: ['ALL'],
            security_opt: ['no-new-privileges:true'],
            tmpfs: ['/tmp'],
            environment: { PORT: String(containerPort) },
            // Who may call is decided by what stands in front of it.
            ports: [`127.0.0.1:${port}:${containerPort}`],
            stop_grace_period: `${graceSeconds}s`,
            deploy: { resources: { limits: { cpus: String(processors(cpu)), memory: `${mebibytes(memory)}M` } } },
            healthcheck: { test: ['CMD', '/app/bin/node', '-e', live], interval: '10s', timeout: '5s', start_period: '60s', retries: 3 },
            labels: Object.fromEntries(Object.entries(annotationsOf(workload)).map(([label, text]) => [label, literal(text)])),
          },
        },
      },
    },
  ];
}

/** Compose takes `$` for the beginning of a variable. */
const literal = (text: string): string => text.replaceAll('$', '$$$$');
