import { openRooms } from '../testing.ts';
import { artifactsContract } from './contract.ts';

artifactsContract('SQLite', () => openRooms());
