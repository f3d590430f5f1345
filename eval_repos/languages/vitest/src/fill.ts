import { beside, type Cell } from './grid';

/** How many cells of one colour hang together with a cell. */
export function area(board: string[], start: Cell): number {
  const colour = board[start.row][start.column];
  return 1 + beside(start, board.length).filter((cell) => board[cell.row][cell.column] === colour).length;
}
