import { runLogContract } from './contract.ts';
import { openRooms } from './testing.ts';

runLogContract('SQLite', () => openRooms());
