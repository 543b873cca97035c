/** Pictures that are made, and a small network for them: a model of pictures without photos of anybody's. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32, deflateSync } from 'node:zlib';
import { seeded } from '#core';
import type { Random } from '#core';
import { attr, encodeModel, graphBuilder } from '#onnx';

export type Tint = readonly [red: number, green: number, blue: number];
/** Equally bright: data quality finds a class that its brightness gives away. */
const tints = { warm: [160, 115, 70], cold: [90, 116, 200] } as const satisfies Readonly<Record<string, Tint>>;
/** Pixels of a side. */
const side = 32;

/** A PNG (ISO/IEC 15948) of 8-bit red, green and blue. */
function png(pixelAt: (x: number, y: number) => Tint): Buffer {
  const lines = Buffer.alloc(side * (1 + 3 * side));
  for (let y = 0; y < side; y++) for (let x = 0; x < side; x++) lines.set(pixelAt(x, y), y * (1 + 3 * side) + 1 + 3 * x);
  const chunk = (type: string, data: Uint8Array): Buffer => {
    const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
    const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.byteLength);
    check.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, check]);
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(side, 0);
  head.writeUInt32BE(side, 4);
  // 8 bits of each channel, red, green and blue.
  head.set([8, 2, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', head),
    // Not packed: a class that the size of its files gives away is found as well.
    chunk('IDAT', deflateSync(lines, { level: 0 })),
    chunk('IEND', new Uint8Array()),
  ]);
}

/** A picture of one tint, or of two beside each other, lighter or darker than others, each pixel a little off. */
export function tinted(left: keyof typeof tints, right: keyof typeof tints, random: Random): Buffer {
  const light = random.int(81) - 40;
  return png((x) => {
    const [red, green, blue] = tints[x < side / 2 ? left : right];
    const off = (): number => light + random.int(31) - 15;
    return [red + off(), green + off(), blue + off()];
  });
}

/** Means of each channel in the four quarters of a picture in planes [N, 3, 32, 32]: `features` [N, 12]. */
function quarters(): Uint8Array {
  const graph = graphBuilder({ name: 'quarters' });
  graph.input('pixels', 'FLOAT', ['N', 3, side, side]);
  const half = side / 2;
  const means = graph.op('AveragePool', ['pixels'], {
    attributes: { kernel_shape: attr.ints([half, half]), strides: attr.ints([half, half]) },
  });
  graph.output('features', 'FLOAT', ['N', 12], graph.op('Flatten', [means], { attributes: { axis: attr.int(1) } }));
  return encodeModel(graph);
}

/** Writes a project: `count` pictures of each class, the network, gyre.yaml. */
export async function writeTintedProject(folder: string, count: number): Promise<void> {
  const random = seeded(11);
  for (const name of ['warm', 'cold'] as const) {
    const at = join(folder, 'data/pictures', name);
    await mkdir(at, { recursive: true });
    for (let number = 0; number < count; number++) await writeFile(join(at, `${number}.png`), tinted(name, name, random));
  }
  await writeFile(join(folder, 'data/quarters.onnx'), quarters());
  await writeFile(join(folder, 'gyre.yaml'), projectFile);
}

const projectFile = `project: tints
charter:
  problem: Tell warm pictures from cold ones
  owner: ada
  success: { accuracy: ">= 0.9" }
  risk: minimal
data:
  pictures:
    source: { images: data/pictures }
    target: label
    split: { parts: { train: 0.6, validation: 0.2, test: 0.2 }, stratify: label }
steps:
  see:
    of: pictures
    target: label
    positive: warm
    transform:
      image: { backbone: data/quarters.onnx, output: features, width: ${side}, height: ${side}, mean: 128, std: 64 }
  tell: { trainer: logistic, of: see, seed: 3, params: { l2: 1 } }
test:
  gates: [ "accuracy >= 0.9" ]
release:
  environments:
    test: { certify: qa }
    production: { approve: approver }
  tests: { latencyP99Ms: 60000, requestsPerSecond: 2, durationMs: 1000 }
serve:
  endpoint: tints
monitor: { window: 1h, onAlert: [ notify ] }
`;
