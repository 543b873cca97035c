import { resolveReferences } from '#project';
import type { DataDeps } from '../port.ts';
import { openExcel } from './read-excel.ts';
import { openFile } from './read-file.ts';
import { openFiles } from './read-files.ts';
import { openMysql } from './read-mysql.ts';
import { openPostgres } from './read-postgres.ts';
import { openSqlite } from './read-sqlite.ts';
import { openUrl } from './read-url.ts';
import type { DatasetSource, OpenSource } from './source.ts';

/**
 * @param address as the user wrote it, for records and messages; what is fetched or asked has an address of its own, without secrets
 * @throws GyreError INVALID_ARGUMENT for an address that is none, or a variable that is not set
 */
export function openSource(deps: DataDeps, source: DatasetSource, address: string): OpenSource {
  const settled = (text: string): string => resolveReferences(text, deps.environment ?? {});
  switch (source.kind) {
    case 'file':
      return openFile(deps, source, address);
    case 'files':
      return openFiles(deps, source, address);
    case 'url':
      return openUrl(deps, { ...source, address: settled(source.address) });
    case 'postgres':
      return openPostgres({ ...source, address: settled(source.address) });
    case 'mysql':
      return openMysql({ ...source, address: settled(source.address) });
    case 'sqlite':
      return openSqlite(source, address);
    case 'excel':
      return openExcel(source, address);
  }
}
