import { openRooms } from '../testing.ts';
import { trackingContract } from './contract.ts';

trackingContract('SQLite', () => openRooms());
