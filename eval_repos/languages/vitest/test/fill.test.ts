import { describe, expect, it } from 'vitest';
import { area } from '../src/fill';
import { beside } from '../src/grid';

const BOARD = ['aab', 'bab', 'baa'];

describe('area', () => {
  it('is one for a cell alone', () => expect(area(['ab', 'ba'], { row: 0, column: 0 })).toBe(1));

  it('follows the colour round corners', () => {
    expect(area(BOARD, { row: 0, column: 0 })).toBe(5);
    expect(area(BOARD, { row: 2, column: 0 })).toBe(2);
  });
});

describe('beside', () => {
  it.each([
    [0, 0, 2],
    [1, 1, 4],
    [2, 1, 3],
  ])('of %i,%i has %i cells', (row, column, count) => {
    expect(beside({ row, column }, 3)).toHaveLength(count);
  });
});
