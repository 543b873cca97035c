import { writeFile } from 'node:fs/promises';
import { extname, resolve } from 'node:path';
import type { Command } from 'commander';
import type { DatasetImage, DatasetImages } from '#contract';
import { GyreError, hasCode } from '#core';
import type { Client } from '../../client.ts';
import type { Bind } from '../../verb.ts';
import { examples, whole } from '../../verb.ts';
import { sheetPage } from '../../sheet-page.ts';
import type { SheetImage } from '../../sheet-page.ts';

interface SheetFlags {
  readonly label?: string;
  readonly check?: string;
  readonly out: string;
  readonly limit: number;
  readonly columns: number;
}

/** Pictures side by side. */
export function registerDataSheet(data: Command, bind: Bind): void {
  data
    .command('sheet')
    .description('Writes a contact sheet of a version’s images, as a picture or a page. A check shows what it found, in its groups.')
    .argument('<version>', 'the dataset version’s digest')
    .requiredOption('--out <file>', 'where to: .png or .html')
    .option('--label <label>', 'only images of this label')
    .option('--check <name>', 'only images that this check found, such as "exact duplicates" or "usual brightness"')
    .option('--limit <n>', 'at most so many', whole, 100)
    .option('--columns <n>', 'of a picture: how many side by side', whole, 10)
    .addHelpText(
      'after',
      examples(
        'gyre data sheet 29a8823f --label hat --out hats.png',
        'gyre data sheet 29a8823f --check "exact duplicates" --out twice.html',
      ),
    )
    .action(
      bind<SheetFlags>((cli, options, digest) =>
        cli.withClient(async (client) => {
          const kind = extname(options.out).toLowerCase();
          if (kind !== '.png' && kind !== '.html')
            throw new GyreError('INVALID_ARGUMENT', `"${options.out}" is neither a .png nor a .html: its ending says what is written`);
          if (options.columns === 0) throw new GyreError('INVALID_ARGUMENT', 'a sheet has at least 1 column');
          const { items, total, checks } = await imagesFor(client, digest, options);
          const pictures = await withThumbnails(client, digest, items);
          const title = titleOf(digest, options, items.length, total);
          const file = resolve(cli.host.folder, options.out);
          await writeFile(file, kind === '.html' ? sheetPage(title, pictures) : await pictureOf(title, pictures, options.columns));
          cli.output.facts({ file, images: items.length, total, checks }, () => {
            cli.output.line(`${options.out}: ${items.length} of ${total} images`);
            if (options.check === undefined) for (const { name, images } of checks) cli.output.line(`  --check "${name}" shows ${images}`);
          });
        }),
      ),
    );
}

const page = 200;

async function imagesFor(client: Client, digest: string, { label, check, limit }: SheetFlags): Promise<DatasetImages> {
  const items: DatasetImage[] = [];
  let after: string | undefined;
  for (;;) {
    const query = { label, check, after, limit: Math.max(1, Math.min(page, limit - items.length)) };
    const found = await client.get<DatasetImages>(`datasets/${digest}/images`, query);
    items.push(...found.items.slice(0, limit - items.length));
    after = found.next;
    if (after === undefined || items.length >= limit) return { ...found, items };
  }
}

const atOnce = 8;

async function withThumbnails(client: Client, digest: string, items: readonly DatasetImage[]): Promise<SheetImage[]> {
  const pictures: SheetImage[] = [];
  for (let start = 0; start < items.length; start += atOnce) {
    const some = items.slice(start, start + atOnce).map(async (item): Promise<SheetImage> => {
      const bytes = item.sha256 === null ? undefined : await thumbnailOf(client, digest, item.sha256);
      return { item, ...(bytes === undefined ? {} : { bytes }) };
    });
    pictures.push(...(await Promise.all(some)));
  }
  return pictures;
}

/** Undefined where there is nothing to show: the sheet then shows an empty frame with what is wrong. */
async function thumbnailOf(client: Client, digest: string, sha256: string): Promise<Uint8Array | undefined> {
  try {
    return await client.bytes(`datasets/${digest}/images/${sha256}/thumbnail`);
  } catch (error) {
    if (hasCode(error, 'FAILED_PRECONDITION')) return undefined;
    throw error;
  }
}

async function pictureOf(title: string, pictures: readonly SheetImage[], columns: number): Promise<Uint8Array> {
  const { contactSheet } = await import('#images');
  const cells = pictures.map(({ item, bytes }) => ({
    lines: [item.label ?? 'no label', item.path, ...(item.problem === 'none' ? [] : [item.problem])],
    ...(bytes === undefined ? {} : { bytes }),
    ...(item.group === undefined ? {} : { group: item.group }),
  }));
  return contactSheet({ title, cells, columns: Math.max(1, Math.min(columns, cells.length)), size: 128 });
}

function titleOf(digest: string, { label, check }: SheetFlags, shown: number, total: number): string {
  const what = [check, label === undefined ? undefined : `label ${label}`].filter((part) => part !== undefined).join(', ');
  return `${what === '' ? 'all images' : what}: ${shown} of ${total} (dataset version ${digest.slice(0, 12)})`;
}
