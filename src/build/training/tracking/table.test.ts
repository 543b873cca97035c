import { openRooms } from '../testing.ts';
import { runTableContract } from './table-contract.ts';

runTableContract('SQLite', () => openRooms());
