const { list, unread } = require('../src/inbox');

const MESSAGES = [
  { from: 'ada', text: 'short', at: 1, read: true },
  { from: 'ben', text: 'a word too long', at: 3, read: false },
  { from: 'ada', text: 'unbreakableword', at: 2, read: true },
];

describe('list', () => {
  test('puts the newest first', () => {
    expect(list(MESSAGES).map(({ from }) => from)).toEqual(['ben', 'ada', 'ada']);
  });

  test('ends a preview after a whole word', () => {
    expect(list(MESSAGES)[0].text).toBe('a word too…');
    expect(list([{ from: 'x', text: 'one two three four', at: 0 }])[0].text).toBe('one two…');
  });

  test('cuts a word that is too long', () => {
    expect(list(MESSAGES)[1].text).toBe('unbreakable…');
  });
});

describe('unread', () => {
  test('leaves out senders without any', () => {
    expect(unread(MESSAGES)).toEqual({ ben: 1 });
  });
});
