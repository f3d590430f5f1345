export type Cell = { row: number; column: number };

/** The cells beside a cell, inside a square of `size` cells a side. */
export function beside({ row, column }: Cell, size: number): Cell[] {
  const around = [
    { row: row - 1, column },
    { row, column: column - 1 },
    { row, column: column + 1 },
    { row: row + 1, column },
  ];
  return around.filter((cell) => cell.row >= 0 && cell.column >= 0 && cell.row < size && cell.column < size);
}
