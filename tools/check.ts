/** `npm run check`: types, lint, walls, format and dead code, side by side; a line for each, the whole output of those that fail. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';

interface Check {
  readonly name: string;
  readonly command: readonly [script: string, ...rest: string[]];
}

interface Outcome {
  readonly name: string;
  readonly passed: boolean;
  readonly output: string;
  readonly seconds: string;
}

const root = join(import.meta.dirname, '..');
const tool = (path: string): string => join(root, 'node_modules', path);

const checks: readonly Check[] = [
  { name: 'types', command: [tool('typescript/bin/tsc'), '-p', '.'] },
  { name: 'lint', command: [tool('oxlint/bin/oxlint'), '--deny-warnings'] },
  { name: 'walls', command: [join(root, 'tools/check-imports.ts')] },
  { name: 'generated', command: [join(root, 'tools/generate-walls.ts'), '--check'] },
  { name: 'format', command: [tool('oxfmt/bin/oxfmt'), '--check'] },
  { name: 'dead code', command: [tool('knip/bin/knip.js'), '--no-progress'] },
];

async function run({ name, command }: Check): Promise<Outcome> {
  const started = performance.now();
  const child = spawn(process.execPath, command, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, NO_COLOR: '1' } });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  return { name, passed: code === 0, output, seconds: ((performance.now() - started) / 1000).toFixed(1) };
}

const wanted = process.argv.slice(2);
const chosen = checks.filter(({ name }) => wanted.length === 0 || wanted.includes(name));
if (chosen.length === 0) {
  console.error(`no such check; there are ${checks.map(({ name }) => name).join(', ')}`);
  process.exit(2);
}

const outcomes = await Promise.all(
  chosen.map(async (check) => {
    const outcome = await run(check);
    console.log(`${outcome.passed ? 'ok  ' : 'FAIL'}  ${outcome.name.padEnd(10)} ${outcome.seconds} s`);
    return outcome;
  }),
);
for (const { name, output } of outcomes.filter(({ passed }) => !passed)) console.log(`\n--- ${name}\n${output.trimEnd()}`);
const failed = outcomes.filter(({ passed }) => !passed).length;
console.log(`${outcomes.length - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
