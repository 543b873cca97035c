/**
 * The second wall: judges every import in the repository by the table of rooms. Where oxlint's `no-restricted-imports` looks at
 * import statements by pattern, this resolves what is really imported, sees dynamic `import()`, `import('…')` types, re-exports and
 * `new URL('…', import.meta.url)` (how workers are named), and knows in which room a relative path ends.
 * It also keeps the clock, chance and SQL where they belong.
 */
import { globSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, posix, relative, sep } from 'node:path';
import { parseSync } from 'oxc-parser';
import { ambientHomes, entryPoints, packageHomes, rooms, ui, visibleFrom } from './rooms.ts';
import type { Room } from './rooms.ts';

export interface Finding {
  readonly file: string;
  readonly line: number;
  readonly message: string;
}

interface Imported {
  readonly specifier: string;
  readonly at: number;
}

type Syntax = Readonly<Record<string, unknown>> & { readonly type: string; readonly start: number };

const sourcePatterns = ['src/**/*.{ts,tsx}', 'ui/**/*.{ts,tsx}', 'test/**/*.ts', 'bench/**/*.ts', 'tools/**/*.ts'];
const queryMethods = new Set(['selectFrom', 'insertInto', 'updateTable', 'deleteFrom', 'replaceInto', 'mergeInto']);
const builtins = new Set(builtinModules.map((name) => (name.startsWith('node:') ? name : `node:${name}`)));

/** Judges all sources under a root. @returns every import or call that breaks a wall */
export function checkTree(root: string): readonly Finding[] {
  const files = globSync(sourcePatterns, { cwd: root, exclude: (name) => name.includes('node_modules') || name === 'ui/dist' });
  return files
    .map((file) => file.replaceAll(sep, posix.sep))
    .sort()
    .flatMap((file) => checkFile(file, readFileSync(join(root, file), 'utf8')));
}

/** Judges one file. @param file its path from the repository's root, with `/`; @param source its text */
export function checkFile(file: string, source: string): readonly Finding[] {
  const { program, errors } = parseSync(file, source);
  if (errors.length > 0) return [{ file, line: 1, message: `cannot be parsed: ${errors[0].message}` }];
  const found: Finding[] = [];
  const say = (at: number, message: string): void => {
    found.push({ file, line: source.slice(0, at).split('\n').length, message });
  };
  const place = placeOf(file);
  walk(program, (node) => {
    const imported = importOf(node);
    if (imported !== undefined) {
      const fault = judgeImport(place, imported);
      if (fault !== undefined) say(imported.at, fault);
    }
    const fault = judgeAmbient(place, node) ?? judgeQuery(place, node);
    if (fault !== undefined) say(node.start, fault);
  });
  return found;
}

interface Place {
  readonly file: string;
  readonly room: Room | undefined;
  readonly isTest: boolean;
  readonly isEntry: boolean;
  readonly isUi: boolean;
  readonly mayQuery: boolean;
}

function placeOf(file: string): Place {
  const room = roomOf(file);
  return {
    file,
    room,
    // A contract suite (`contract.ts`, run by each backend's test) and fixtures are named as tests are.
    isTest: /(\.test|\.fixture|-fixture|\.contract)\.tsx?$/.test(file) || (room !== undefined && file === `${room.folder}/contract.ts`),
    isEntry: entryPoints.includes(file),
    isUi: file.startsWith(`${ui.folder}/`),
    mayQuery: room?.name === 'store' || file.endsWith('-store.ts') || file.includes('/migrations/'),
  };
}

function roomOf(path: string): Room | undefined {
  return rooms.find(({ folder }) => path === folder || path.startsWith(`${folder}/`));
}

function judgeImport(place: Place, { specifier }: Imported): string | undefined {
  if (specifier.startsWith('#')) return judgeDoor(place, specifier);
  if (specifier.startsWith('.') || specifier.startsWith('/')) return judgeRelative(place, specifier);
  return judgePackage(place, specifier);
}

function judgeDoor(place: Place, specifier: string): string | undefined {
  const name = specifier.slice(1);
  const target = rooms.find((room) => room.name === name);
  if (target === undefined) {
    const deep = rooms.find((room) => name.startsWith(`${room.name}/`));
    return deep === undefined ? `"${specifier}" is no room` : `"${specifier}" goes past the door: import #${deep.name}`;
  }
  if (place.isUi) return (ui.only as readonly string[]).includes(name) ? undefined : `ui may import only #contract, not ${specifier}`;
  if (place.room === undefined || place.isEntry) return undefined;
  if (target === place.room) return `${specifier} is this room: import the file ("./….ts")`;
  const allowed = visibleFrom(place.room, place.isTest);
  if (allowed.includes(name)) return undefined;
  const rule =
    place.room.only === undefined
      ? `${place.room.name} comes before ${name}`
      : `${place.room.name} may use only ${place.room.only.map((room) => `#${room}`).join(', ') || 'no room'}`;
  return `${place.room.name} may not import ${specifier}: ${rule}`;
}

function judgeRelative(place: Place, specifier: string): string | undefined {
  const target = posix.normalize(posix.join(dirname(place.file), specifier));
  const targetRoom = roomOf(target);
  if (place.room !== undefined) {
    if (targetRoom === place.room) return undefined;
    if (targetRoom !== undefined) return `"${specifier}" goes through the wall: import #${targetRoom.name}`;
    return /\.(ts|tsx|js|mjs)$/.test(target)
      ? `"${specifier}" leaves the room: rooms import rooms, never ${target.split('/')[0]}/`
      : undefined;
  }
  if (place.isUi && !target.startsWith(`${ui.folder}/`)) return `"${specifier}" leaves ui: it may import only #contract`;
  // What a room lends to tests stands in its testing.ts; the harness may take it there.
  if (target.endsWith('/testing.ts') && place.file.startsWith('test/harness/')) return undefined;
  if (targetRoom !== undefined) return `"${specifier}" goes through the wall: import #${targetRoom.name}`;
  return undefined;
}

function judgePackage(place: Place, specifier: string): string | undefined {
  const name = packageName(specifier);
  if (builtins.has(`node:${name}`)) return `"${specifier}": write node:${name}`;
  const isBuiltin = name.startsWith('node:');
  if (place.isUi && !place.isTest) {
    return (ui.packages as readonly string[]).includes(name) ? undefined : `ui may not import "${name}": it runs in a browser`;
  }
  if (place.room === undefined || place.isTest) return undefined;
  const allowed = isBuiltin ? place.room.builtins : place.room.packages;
  if (allowed !== undefined && !allowed.includes(name)) return `${place.room.name} may not import "${name}": it is ${place.room.purpose}`;
  const homes = packageHomes[name];
  if (homes === undefined || homes.includes(place.room.name)) return undefined;
  if (name === 'kysely') return place.mayQuery ? undefined : 'SQL lives in *-store.ts and migrations/: "kysely" may not be imported here';
  return `"${name}" may be imported only in ${homes.map((home) => `#${home}`).join(', ')}`;
}

function packageName(specifier: string): string {
  const parts = specifier.split('/');
  return specifier.startsWith('@') ? parts.slice(0, 2).join('/') : specifier.startsWith('node:') ? specifier : parts[0];
}

/** Clock, chance and ids are handed in: no room reads the machine's own. */
function judgeAmbient(place: Place, node: Syntax): string | undefined {
  if (place.room === undefined || place.room.name === 'app' || place.isTest || place.isEntry || ambientHomes.includes(place.file))
    return undefined;
  if (node.type === 'MemberExpression') {
    const name = `${nameOf(node.object)}.${nameOf(node.property)}`;
    if (name === 'Date.now') return 'Date.now(): take a Clock from the caller';
    if (name === 'Math.random') return 'Math.random(): take a Random from the caller';
    if (/^(crypto|webcrypto|globalThis)\.(randomUUID|randomUUIDv7)$/.test(name)) return 'randomUUID(): take a NewId from the caller';
  }
  if (node.type === 'ImportSpecifier' && /^randomUUID(v7)?$/.test(nameOf(node.imported) ?? ''))
    return 'randomUUID: take a NewId from the caller';
  if (node.type === 'NewExpression' && nameOf(node.callee) === 'Date' && isEmpty(node.arguments))
    return 'new Date(): take a Clock from the caller';
  return undefined;
}

/** Query builders are used only where SQL lives. */
function judgeQuery(place: Place, node: Syntax): string | undefined {
  if (place.room === undefined || place.mayQuery || place.isTest || node.type !== 'CallExpression' || !isSyntax(node.callee))
    return undefined;
  const method = node.callee.type === 'MemberExpression' ? nameOf(node.callee.property) : undefined;
  if (method === undefined || !queryMethods.has(method)) return undefined;
  return `.${method}(): SQL lives in *-store.ts and migrations/`;
}

function importOf(node: Syntax): Imported | undefined {
  switch (node.type) {
    case 'ImportDeclaration':
    case 'ExportNamedDeclaration':
    case 'ExportAllDeclaration':
    case 'ImportExpression':
      return literalImport(node.source, node);
    case 'TSImportType':
      return literalImport(node.source ?? node.argument, node);
    case 'CallExpression':
      return nameOf(node.callee) === 'require' && Array.isArray(node.arguments) ? literalImport(node.arguments[0], node) : undefined;
    case 'NewExpression': {
      if (nameOf(node.callee) !== 'URL' || !Array.isArray(node.arguments) || node.arguments.length !== 2) return undefined;
      const base: unknown = node.arguments[1];
      const ofModule = isSyntax(base) && base.type === 'MemberExpression' && isSyntax(base.object) && base.object.type === 'MetaProperty';
      const imported = ofModule ? literalImport(node.arguments[0], node) : undefined;
      return imported !== undefined && /\.(ts|js|mjs)$/.test(imported.specifier) ? imported : undefined;
    }
    default:
      return undefined;
  }
}

function literalImport(source: unknown, node: Syntax): Imported | undefined {
  if (!isSyntax(source)) return undefined;
  if (source.type === 'TSLiteralType') return literalImport(source.literal, node);
  if (source.type === 'Literal' && typeof source.value === 'string') return { specifier: source.value, at: node.start };
  if (source.type === 'TemplateLiteral' && isEmpty(source.expressions) && Array.isArray(source.quasis)) {
    const quasi = source.quasis[0] as { readonly value: { readonly cooked: string } };
    return { specifier: quasi.value.cooked, at: node.start };
  }
  return undefined;
}

function walk(node: unknown, visit: (node: Syntax) => void): void {
  if (!isSyntax(node)) return;
  visit(node);
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) walk(child, visit);
  }
}

function isSyntax(value: unknown): value is Syntax {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}

function isEmpty(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

function nameOf(node: unknown): string | undefined {
  return isSyntax(node) && node.type === 'Identifier' && typeof node.name === 'string' ? node.name : undefined;
}

if (import.meta.main) {
  const root = join(import.meta.dirname, '..');
  const findings = checkTree(root);
  for (const { file, line, message } of findings) console.log(`${relative('.', join(root, file))}:${line}  ${message}`);
  console.log(findings.length === 0 ? 'every import keeps to the walls' : `${findings.length} imports or calls break a wall`);
  process.exitCode = findings.length === 0 ? 0 : 1;
}
