/* The sums of `statistics.block_sums` and `statistics.long_vectors`, each in one walk over a tile.

   A block [R, P] lies in tiles of some vectors, one after the other, each of them transposed, so
   that loops run along the vectors, whatever P is. */

#include <stdint.h>

#define STRIP 512 /* numbers of each of seven vectors, which stay in the innermost cache */
#define MIN(a, b) ((a) < (b) ? (a) : (b))

#define REAL double
#define NAME(loop) loop##_double
#include "sums_of.h"
#undef REAL
#undef NAME
#define REAL float
#define NAME(loop) loop##_float
#include "sums_of.h"

/* Add the sums over d = x - mean [size], of `count` vectors in a block, `tile` in each tile: of the
   powers of d to powers [4, size], of its square times d to q3 [size], and its square to
   norm2 [count]. Of each of the `rows` of `chunk` vectors, those of d and of d^2 go to
   of_rows [2, rows, size] too. */
void sum(int64_t count, int64_t size, int64_t tile, int64_t chunk, int64_t rows, const double *x,
         const double *mean, double *powers, double *q3, double *norm2, double *of_rows)
{
    for (int64_t start = 0; start < count; start += tile) {
        const int64_t n = MIN(tile, count - start), row = start / chunk;
        const double *column = x + start * size;
        double *restrict s = norm2 + start;
        for (int64_t j = 0; j < size; j++, column += n) {
            const double m = mean[j];
            double p1 = 0.0, p2 = 0.0, p3 = 0.0, p4 = 0.0;
#pragma omp simd reduction(+ : p1, p2, p3, p4)
            for (int64_t r = 0; r < n; r++) {
                const double d = column[r] - m, d2 = d * d;
                s[r] += d2;
                p1 += d;
                p2 += d2;
                p3 += d2 * d;
                p4 += d2 * d2;
            }
            powers[j] += p1;
            powers[size + j] += p2;
            powers[2 * size + j] += p3;
            powers[3 * size + j] += p4;
            if (row < rows) {
                of_rows[row * size + j] += p1;
                of_rows[(rows + row) * size + j] += p2;
            }
        }
        column = x + start * size;
        for (int64_t j = 0; j < size; j++, column += n) {
            const double m = mean[j];
            double q = 0.0;
#pragma omp simd reduction(+ : q)
            for (int64_t r = 0; r < n; r++)
                q += s[r] * (column[r] - m);
            q3[j] += q;
        }
    }
}

/* A row of `n` vectors of `size` numbers has ended, the sums of all before it and with it given:
   its mean, less origin, goes to `row`, the square of that of d to norm2 [1], `total` to `before`. */
void end_row(int64_t n, int64_t size, const double *total, double *before, const double *centre,
             const double *origin, float *row, double *norm2)
{
    double square = 0.0;
#pragma omp simd reduction(+ : square)
    for (int64_t j = 0; j < size; j++) {
        const double mean = (total[j] - before[j]) / n;
        square += mean * mean;
        row[j] = mean + centre[j] - origin[j];
        before[j] = total[j];
    }
    *norm2 = square;
}
