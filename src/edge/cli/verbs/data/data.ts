import type { Register } from '../../verb.ts';
import { registerDataAdd } from './add.ts';
import { registerDataCompare } from './compare.ts';
import { registerDataIngestions } from './ingestions.ts';
import { registerDataExport } from './export.ts';
import { registerDataList } from './list.ts';
import { registerDataPersonal } from './personal.ts';
import { registerDataProfile } from './profile.ts';
import { registerDataQuality } from './quality.ts';
import { registerDataRows } from './rows.ts';
import { registerDataSchema } from './schema.ts';
import { registerDataSheet } from './sheet.ts';
import { registerDataCheckout } from './checkout.ts';
import { registerDataGc } from './gc.ts';
import { registerDataDiff } from './diff.ts';
import { registerDataLog } from './log.ts';
import { registerDataRemote } from './remote.ts';
import { registerDataSplits } from './splits.ts';
import { registerDataStatus } from './status.ts';
import { registerDataTransfer } from './transfer.ts';
import { registerDataSql } from './sql.ts';

/** `gyre data …`: each verb is a file of this folder. */
export const registerData: Register = (program, bind) => {
  const data = program
    .command('data')
    .summary('dataset versions: list, show, profile, quality')
    .description('Dataset versions: immutable, named by their digest.');
  registerDataList(data, bind);
  registerDataAdd(data, bind);
  registerDataIngestions(data, bind);
  registerDataStatus(data, bind);
  registerDataDiff(data, bind);
  registerDataCheckout(data, bind);
  registerDataTransfer(data, bind);
  registerDataLog(data, bind);
  registerDataGc(data, bind);
  registerDataRemote(data, bind);
  registerDataProfile(data, bind);
  registerDataPersonal(data, bind);
  registerDataQuality(data, bind);
  registerDataSchema(data, bind);
  registerDataCompare(data, bind);
  registerDataRows(data, bind);
  registerDataSheet(data, bind);
  registerDataExport(data, bind);
  registerDataSql(data, bind);
  registerDataSplits(data, bind);
};
