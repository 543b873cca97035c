import {
  containerPort,
  containerSecurity,
  fewestReplicas,
  graceSeconds,
  labelsOf,
  annotationsOf,
  lingerSeconds,
  metadataOf,
  podSecurity,
  probesOf,
  resourcesOf,
  selectorOf,
  type Workload,
} from './workload.ts';

/** An object of a cluster, and the file that it is written to. */
export interface Written {
  readonly file: string;
  readonly object: object;
}

interface Variant {
  /** As OpenShift wants it: users come from its security context constraints, requests by a Route. */
  readonly openShift?: boolean;
}

/** What runs a model on a cluster: it scales by load, is updated without a gap, is not evicted as a whole, and speaks to nobody. */
export function kubernetesObjects(workload: Workload, { openShift = false }: Variant = {}): readonly Written[] {
  const { host, serviceMonitor = false } = workload;
  return [
    { file: 'deployment.yaml', object: deployment(workload, openShift) },
    { file: 'service.yaml', object: service(workload) },
    { file: 'autoscaler.yaml', object: autoscaler(workload) },
    { file: 'disruption-budget.yaml', object: disruptionBudget(workload) },
    { file: 'network-policy.yaml', object: networkPolicy(workload) },
    ...(serviceMonitor ? [{ file: 'service-monitor.yaml', object: monitor(workload) }] : []),
    ...(openShift ? [{ file: 'route.yaml', object: route(workload) }] : []),
    ...(host !== undefined && !openShift ? [{ file: 'ingress.yaml', object: ingress(workload, host) }] : []),
  ];
}

function deployment(workload: Workload, openShift: boolean): object {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: metadataOf(workload),
    spec: {
      // How many there are is the autoscaler's: said here as well, each apply would set it back.
      revisionHistoryLimit: 5,
      selector: { matchLabels: selectorOf(workload) },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
      template: {
        metadata: { labels: labelsOf(workload), annotations: annotationsOf(workload) },
        spec: {
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          securityContext: podSecurity(!openShift),
          terminationGracePeriodSeconds: graceSeconds,
          topologySpreadConstraints: [
            {
              maxSkew: 1,
              topologyKey: 'kubernetes.io/hostname',
              whenUnsatisfiable: 'ScheduleAnyway',
              labelSelector: { matchLabels: selectorOf(workload) },
            },
          ],
          containers: [
            {
              name: 'model',
              image: workload.image,
              imagePullPolicy: 'IfNotPresent',
              env: [{ name: 'PORT', value: String(containerPort) }],
              ports: [{ name: 'http', containerPort }],
              resources: resourcesOf(workload),
              ...probesOf('http'),
              // There is no shell in the image: the kubelet waits by itself (Kubernetes 1.30).
              lifecycle: { preStop: { sleep: { seconds: lingerSeconds } } },
              securityContext: containerSecurity,
              volumeMounts: [{ name: 'tmp', mountPath: '/tmp' }],
            },
          ],
          volumes: [{ name: 'tmp', emptyDir: { sizeLimit: '256Mi' } }],
        },
      },
    },
  };
}

function service(workload: Workload): object {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadataOf(workload),
    spec: { type: 'ClusterIP', selector: selectorOf(workload), ports: [{ name: 'http', port: 80, targetPort: 'http' }] },
  };
}

function autoscaler(workload: Workload): object {
  return {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: metadataOf(workload),
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: workload.name },
      minReplicas: fewestReplicas(workload),
      maxReplicas: workload.maxReplicas,
      metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 70 } } }],
      behavior: { scaleDown: { stabilizationWindowSeconds: 300 } },
    },
  };
}

function disruptionBudget(workload: Workload): object {
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: metadataOf(workload),
    spec: { maxUnavailable: 1, selector: { matchLabels: selectorOf(workload) } },
  };
}

/** Pods of the cluster may ask it; it asks nobody, not even for names. */
function networkPolicy(workload: Workload): object {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: metadataOf(workload),
    spec: {
      podSelector: { matchLabels: selectorOf(workload) },
      policyTypes: ['Ingress', 'Egress'],
      ingress: [{ from: [{ namespaceSelector: {} }], ports: [{ protocol: 'TCP', port: 'http' }] }],
      egress: [],
    },
  };
}

function monitor(workload: Workload): object {
  return {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'ServiceMonitor',
    metadata: metadataOf(workload),
    spec: { selector: { matchLabels: selectorOf(workload) }, endpoints: [{ port: 'http', path: '/metrics', interval: '15s' }] },
  };
}

/** Whoever is let in is decided by what stands behind that host: the data plane asks for no token here. */
function ingress(workload: Workload, host: string): object {
  const { name } = workload;
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: metadataOf(workload),
    spec: {
      tls: [{ hosts: [host], secretName: `${name}-tls` }],
      rules: [{ host, http: { paths: [{ path: '/v2', pathType: 'Prefix', backend: { service: { name, port: { name: 'http' } } } }] } }],
    },
  };
}

function route(workload: Workload): object {
  const { name, host } = workload;
  return {
    apiVersion: 'route.openshift.io/v1',
    kind: 'Route',
    metadata: metadataOf(workload),
    spec: {
      ...(host === undefined ? {} : { host }),
      path: '/v2',
      to: { kind: 'Service', name, weight: 100 },
      port: { targetPort: 'http' },
      tls: { termination: 'edge', insecureEdgeTerminationPolicy: 'Redirect' },
    },
  };
}
