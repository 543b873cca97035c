import { openRooms } from '../testing.ts';
import { commentsContract } from './contract.ts';

commentsContract('SQLite', () => openRooms());
