/* What goes over gradients as they come, in numbers of type REAL; included once for each. */

/* Put g [n, p] into out [p, n]: four columns abreast, each line of the cache a few times. */
static void NAME(transpose)(int64_t n, int64_t p, const REAL *restrict g, double *restrict out)
{
    int64_t j = 0;
    for (; j + 4 <= p; j += 4)
        for (int64_t r = 0; r < n; r++)
            for (int64_t i = j; i < j + 4; i++)
                out[i * n + r] = g[r * p + i];
    for (; j < p; j++)
        for (int64_t r = 0; r < n; r++)
            out[j * n + r] = g[r * p + j];
}

/* Put g [count, p], of `size` parameters those from `first` on, into x, less the origin [size].
   Add up g - origin in total [size], the share of way [size] in along [count], and its square in
   square [count]. There may be no way. */
void NAME(take)(int64_t count, int64_t p, int64_t first, int64_t size, int64_t tile, const REAL *g,
                const double *origin, const double *way, double *x, double *total,
                double *along, double *square)
{
    for (int64_t start = 0; start < count; start += tile) {
        const int64_t n = MIN(tile, count - start);
        double *restrict a = along + start, *restrict s = square + start;
        double *turned = x + start * size + first * n;
        NAME(transpose)(n, p, g + start * p, turned);
        for (int64_t j = 0; j < p; j++) {
            double *restrict d = turned + j * n, sum = 0.0;
            const double o = origin[first + j];
            if (way) {
                const double w = way[first + j];
                for (int64_t r = 0; r < n; r++)
                    a[r] += d[r] * w;
            }
#pragma omp simd reduction(+ : sum)
            for (int64_t r = 0; r < n; r++) {
                s[r] += d[r] * d[r];
                d[r] -= o;
                sum += d[r];
            }
            total[first + j] += sum;
        }
    }
}

/* Add rows g [count, size], `step` numbers apart, to the sums s1 to s4 [size] of powers of
   d = g - centre [size]: a strip of all rows while it is at hand. Their squares of d and their
   shares of way [size], if there is one, are added to norm2 and along [count]. */
void NAME(add)(int64_t count, int64_t size, int64_t step, const REAL *g, const double *way,
               const double *centre, double *restrict s1, double *restrict s2,
               double *restrict s3, double *restrict s4, double *norm2, double *along)
{
    for (int64_t start = 0; start < size; start += STRIP) {
        const int64_t stop = MIN(start + STRIP, size);
        for (int64_t r = 0; r < count; r++) {
            const REAL *restrict row = g + r * step;
            double square = 0.0, share = 0.0;
#pragma omp simd reduction(+ : square)
            for (int64_t j = start; j < stop; j++) {
                const double d = row[j] - centre[j], d2 = d * d;
                s1[j] += d;
                s2[j] += d2;
                s3[j] += d2 * d;
                s4[j] += d2 * d2;
                square += d2;
            }
            norm2[r] += square;
            if (!way)
                continue;
#pragma omp simd reduction(+ : share)
            for (int64_t j = start; j < stop; j++)
                share += row[j] * way[j];
            along[r] += share;
        }
    }
}
