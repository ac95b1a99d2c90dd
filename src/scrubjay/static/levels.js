// Levels of records. What an event calls its level is any text: only known names become classes of the page, or it could dress as what it likes.

import { badge } from './dom.js';
import { plain } from './shown.js';

const LEVELS = new Set(['fatal', 'error', 'warning', 'warn', 'info', 'debug', 'trace']);

export const levelClass = (level) => (LEVELS.has(level) ? level : 'other');

export const levelBadge = (level) => badge(plain(level, 20), `level ${levelClass(level)}`);
