import { openRooms } from '../testing.ts';
import { retentionContract } from './contract.ts';

retentionContract('SQLite', () => openRooms());
