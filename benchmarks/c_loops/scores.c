/* Scores of many samples, and counts by inversion: tables and sums over samples in one walk each.

   The same bits as by torch: sums are added up in the order of k. */

#include <stdint.h>

/* out[n, p] = table[p, x[n, p]], a table of `size` columns. Whether each x is one of them. */
int looked_up(int64_t n, int64_t p, int64_t size, const double *table, const double *restrict x,
              double *restrict out)
{
    int64_t broken = 0;
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < p; j++) {
            const int64_t place = (int64_t)x[i * p + j];
            const int64_t good = (double)place == x[i * p + j] && place >= 0 && place < size;
            broken |= !good;
            out[i * p + j] = table[j * size + (place & -good)];
        }
    return !broken;
}

/* out [n]: what the table has for the first bits of each number; where it has -1, the first of
   the integers from `first` on whose cdf [m] is beyond u. */
void inverted(int64_t n, int64_t m, int64_t shift, const uint64_t *restrict bits, const int32_t *table,
              int64_t first, const double *cdf, int32_t *restrict out)
{
    for (int64_t i = 0; i < n; i++) {
        out[i] = table[bits[i] >> shift];
        if (out[i] >= 0)
            continue;
        const double u = (double)(bits[i] >> 12) * 0x1p-52;
        int64_t low = 0, high = m;
        while (low < high) {
            const int64_t middle = (low + high) / 2;
            if (cdf[middle] <= u)
                low = middle + 1;
            else
                high = middle;
        }
        out[i] = first + low;
    }
}

/* The sums over k of w z and (w z) z, [n, p], of weights w [k, n] and numbers z [k, n, p]. */
void weighted_sums(int64_t k, int64_t n, int64_t p, const double *w, const double *z,
                   double *restrict first, double *restrict second)
{
    for (int64_t i = 0; i < n; i++) {
        double *restrict a = first + i * p, *restrict b = second + i * p;
        for (int64_t j = 0; j < p; j++)
            a[j] = b[j] = 0.0;
        for (int64_t s = 0; s < k; s++) {
            const double weight = w[s * n + i], *restrict row = z + (s * n + i) * p;
            for (int64_t j = 0; j < p; j++) {
                const double term = weight * row[j];
                a[j] += term;
                b[j] += term * row[j];
            }
        }
    }
}
