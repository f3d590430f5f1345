import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { format, parse } from '../src/duration.js';

describe('parse', () => {
  it('takes one unit', () => {
    assert.equal(parse('90s'), 90);
    assert.equal(parse('2h'), 7200);
  });

  it('adds several units up', () => {
    assert.equal(parse('1h30m'), 5400);
    assert.equal(parse('1d2h'), 93600);
  });

  it('refuses what is no duration', () => {
    assert.throws(() => parse('soon'), RangeError);
    assert.throws(() => parse(''), RangeError);
  });
});

describe('format', () => {
  it('names hours and minutes', () => assert.equal(format(5400), '1h30m'));
  it('names nothing as seconds', () => assert.equal(format(0), '0s'));
});
