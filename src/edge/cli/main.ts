/**
 * Where a process starts: `gyre`. What it imports before a verb is known is little; the compile cache comes first, because half of a start
 * is the compiling of modules.
 */
import { enableCompileCache, getCompileCacheDir, setSourceMapsSupport } from 'node:module';
import { join } from 'node:path';
import gyre from '../../../package.json' with { type: 'json' };

if (getCompileCacheDir() === undefined) enableCompileCache(join(import.meta.dirname, '../../../node_modules/.cache/compile'));
// Where the program is joined, an error still names the place in its source.
setSourceMapsSupport(true, { nodeModules: true });

const words = process.argv.slice(2);
if (words.length === 1 && (words[0] === '--version' || words[0] === '-V')) process.stdout.write(`${gyre.version}\n`);
else {
  const { runCli } = await import('./program.ts');
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      // The second Ctrl-C does not wait for what the first one asked.
      if (stopping.signal.aborted) process.exit(130);
      stopping.abort();
    });
  }
  // Somebody who reads only the first lines (`| head`) is no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  process.exitCode = await runCli(words, {
    stdout: process.stdout,
    stderr: process.stderr,
    environment: process.env,
    folder: process.cwd(),
    today: () => new Date().toISOString().slice(0, 10),
    readStdin: async () => {
      const chunks: string[] = [];
      for await (const chunk of process.stdin.setEncoding('utf8')) chunks.push(String(chunk));
      return chunks.join('');
    },
    app: () => import('#app'),
    signal: stopping.signal,
    version: gyre.version,
  });
}
