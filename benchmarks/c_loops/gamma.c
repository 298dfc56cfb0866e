/* The derivative of gamma numbers in their concentration, looked up in a table as by torch's
   grid_sample, from which it has its bits: see `estimators.special.gamma_beta`. */

#include <math.h>
#include <stdint.h>

/* A place in a table; 0 of what is no number. */
static inline double within(double value, double most)
{
    return value > 0 ? value < most ? value : most : 0;
}

/* out [n, p] of numbers x and the logarithms of their ratios [n, p], each of p concentrations alpha
   at the places `row` of the table [rows, columns]. A column is at 1 / (start - slope * log_ratio)
   - end, of which the first is at least `least`; all places are in [-1, 1]. */
void gamma_derivatives(int64_t n, int64_t p, int64_t rows, int64_t columns, const double *x,
                       const double *ratio, const double *log_ratio, const double *alpha,
                       const double *row, const double *table, const double *axis,
                       double *restrict out)
{
    const double start = axis[0], slope = axis[1], least = axis[2], end = axis[3];
    const double last_row = rows - 1, last_column = columns - 1;
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < p; j++) {
            const int64_t at = i * p + j;
            double place = fma(-slope, log_ratio[at], start);
            place = 1 / (place < least ? least : place) - end;
            const double across = within((place + 1) * (last_column / 2), last_column);
            const double down = within((row[j] + 1) * (last_row / 2), last_row);
            const double left = floor(across), top = floor(down);
            const double right_share = across - left, left_share = 1 - right_share;
            const double bottom_share = down - top, top_share = 1 - bottom_share;
            const int64_t one = (int64_t)top * columns + (int64_t)left;
            const int64_t next = left < last_column, below = top < last_row ? columns : 0;
            double h = top_share * left_share * table[one];
            h = fma(top_share * right_share, table[one + next], h);
            h = fma(bottom_share * left_share, table[one + below], h);
            h = fma(bottom_share * right_share, table[one + below + next], h);
            const double limit = (log_ratio[at] + 1e-30) / ((ratio[at] - 1) + 1e-30);
            out[at] = x[at] / alpha[j] * limit * h;
        }
}
