import { GyreError } from '#core';
import type { Written } from './kubernetes.ts';
import { annotationsOf, containerPort, graceSeconds, type Workload } from './workload.ts';

const mebibytes = (memory: string): number => Number.parseInt(memory, 10) * (memory.endsWith('Gi') ? 1024 : 1);

const processors = (cpu: string): number => (cpu.endsWith('m') ? Number.parseInt(cpu, 10) / 1000 : Number(cpu));

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
