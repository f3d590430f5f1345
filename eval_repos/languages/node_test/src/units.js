// Seconds in each unit, longest first.
export const UNITS = [
  ['h', 3600],
  ['m', 60],
  ['s', 1],
];
