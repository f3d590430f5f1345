import { UNITS } from './units.js';

/** Seconds in a text such as "1h30m". Throws RangeError for anything else. */
export function parse(text) {
  const match = /^(\d+)([hms])$/.exec(text);
  if (!match) throw new RangeError(`not a duration: ${text}`);
  const [, count, name] = match;
  const [, seconds] = UNITS.find(([unit]) => unit === name);
  return Number(count) * seconds;
}

/** The shortest text for a number of seconds: 5400 is "1h30m". */
export function format(total) {
  const parts = [];
  for (const [unit, seconds] of UNITS) {
    const count = Math.floor(total / seconds);
    if (count > 0) parts.push(`${count}${unit}`);
    total -= count * seconds;
  }
  return parts.join('') || '0s';
}
