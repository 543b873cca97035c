import { setImmediate as nextTurn } from 'node:timers/promises';
import type { QualityReport } from '#contract';
import type { Frame } from '#tables';
import { balanceCheck, contentChecks, labelChecks, rowsWithFile } from './checks.ts';
import type { ImageCheck } from './checks.ts';
import { conflictCheck, duplicateCheck, leakageCheck, nearDuplicateCheck, sameText } from './duplicate-checks.ts';
import { outlierChecks } from './outlier-checks.ts';

type Characteristic = QualityReport['characteristics'][number]['name'];

/** A division of a version's rows. */
export interface Division {
  readonly name: string;
  /** Row → part. */
  readonly partOf: (row: number) => string | undefined;
}

/** Whether rows are those of images: of a source, or of a part or selection of one. */
export function areImages(frame: Pick<Frame, 'has'>): boolean {
  return ['path', 'label', 'sha256', 'phash', 'pixels', 'readable', 'problem'].every((name) => frame.has(name));
}

/** What was found of rows that are images; nothing of others. */
export type ImageChecks = Partial<Record<Characteristic, readonly ImageCheck[]>>;

/**
 * All checks on images, by characteristic. Of 100,000 images they take seconds: between them others have their turn.
 * @param divisions the splits of the version, for leakage
 */
export async function imageChecks(frame: Frame, divisions: readonly Division[] = []): Promise<ImageChecks> {
  const accuracy = [...contentChecks(frame), ...outlierChecks(frame)];
  await nextTurn();
  const completeness = labelChecks(frame);
  const near = nearDuplicateCheck(frame);
  await nextTurn();
  const present = rowsWithFile(frame).length;
  const [bytes, pixels] = [sameText(frame, 'sha256'), sameText(frame, 'pixels')];
  // the same bytes are the same pixels, but those that cannot be decoded have bytes only
  const same = [...pixels, ...bytes.filter((group) => frame.texts('pixels').codes[group[0]] < 0)];
  return {
    accuracy,
    completeness,
    reliability: [
      duplicateCheck(frame, { name: 'exact duplicates', groups: bytes, applied: present, words: 'are the same file as' }),
      duplicateCheck(frame, {
        name: 'same pixels',
        groups: pixels.map((group) => firstOfEachFile(frame, group)).filter((group) => group.length > 1),
        applied: present,
        words: 'show the same pixels, in other bytes, as',
      }),
      near,
      conflictCheck(frame, same, present),
      ...(frame.has('folder')
        ? [
            leakageCheck(frame, {
              name: 'folders share no image',
              groups: same,
              sideOf: folderOf(frame),
              sides: 'folders above the classes',
            }),
          ]
        : []),
      ...divisions.map(({ name, partOf }) =>
        leakageCheck(frame, { name: `parts share no image: ${name}`, groups: same, sideOf: partOf, sides: `parts of ${name}` }),
      ),
      balanceCheck(frame),
    ],
  };
}

/** A check by its name. */
export async function imageCheckNamed(frame: Frame, name: string, divisions: readonly Division[] = []): Promise<ImageCheck | undefined> {
  return Object.values(await imageChecks(frame, divisions))
    .flat()
    .find(({ finding }) => finding.name === name);
}

/** Of rows with the same pixels one for each file, so that exact duplicates are not counted twice. */
function firstOfEachFile(frame: Frame, group: readonly number[]): readonly number[] {
  const { codes } = frame.texts('sha256');
  const seen = new Set<number>();
  return group.filter((row) => !seen.has(codes[row]) && seen.add(codes[row]));
}

function folderOf(frame: Frame): (row: number) => string | undefined {
  const { codes, dictionary } = frame.texts('folder');
  return (row) => (codes[row] < 0 ? undefined : dictionary[codes[row]]);
}
