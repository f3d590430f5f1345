const { preview } = require('./preview');

/** Messages, newest first, with what a list shows of each. */
function list(messages) {
  return [...messages]
    .sort((a, b) => b.at - a.at)
    .map(({ from, text }) => ({ from, text: preview(text, 12) }));
}

/** How many messages of each sender are unread. */
function unread(messages) {
  const counts = {};
  for (const { from, read } of messages) counts[from] = (counts[from] || 0) + !read;
  return counts;
}

module.exports = { list, unread };
