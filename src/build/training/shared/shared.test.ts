import { openRooms } from '../testing.ts';
import { sharedContract } from './contract.ts';

sharedContract('SQLite', () => openRooms());
