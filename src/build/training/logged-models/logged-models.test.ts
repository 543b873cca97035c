import { openRooms } from '../testing.ts';
import { loggedModelsContract } from './contract.ts';

loggedModelsContract('SQLite', () => openRooms());
