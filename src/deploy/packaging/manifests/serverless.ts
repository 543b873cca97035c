import type { Written } from './kubernetes.ts';
import {
  annotationsOf,
  containerPort,
  containerSecurity,
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
