/* The arithmetic of `statistics.moments.Table` and what is seen of replicates, the same for any
   block. A pair of vectors, mean and m2, lies `apart` numbers from one to the other. */

#include <math.h>
#include <stdint.h>
#include <string.h>

/* Of vectors whose squares and shares of a way are given: how many squares are no number, how many
   are 0, how many shares are negative, and the sum of the cosines. */
void health(int64_t count, const double *square, const double *along, double *found)
{
    double unhealthy = 0.0, zero = 0.0, wrong_way = 0.0, cosine = 0.0;
#pragma omp simd reduction(+ : unhealthy, zero, wrong_way, cosine)
    for (int64_t r = 0; r < count; r++) {
        unhealthy += !(square[r] <= 0x1.fffffffffffffp+1023);
        zero += square[r] == 0;
        wrong_way += along[r] < 0;
        const double share = along[r] / sqrt(square[r]);
        cosine += square[r] > 0 && share == share ? share : 0.0;
    }
    found[0] = unhealthy;
    found[1] = zero;
    found[2] = wrong_way;
    found[3] = cosine;
}

/* Move the sums about a mean in `whole` [5, size] to another mean: `Moments.shifted`. */
static void shift_to(int64_t size, const double *mean, double *whole, double *counts)
{
    double *m1 = whole, *m2 = m1 + size, *m3 = m2 + size, *m4 = m3 + size, *q3 = m4 + size;
    const double n = counts[0];
    double trace = 0.0, norm2 = 0.0, apart = 0.0;
    for (int64_t j = 0; j < size; j++) {
        const double shift = m1[j] - mean[j];
        trace += m2[j];
        norm2 += shift * shift;
        apart += shift * (q3[j] + shift * m2[j]);
    }
    for (int64_t j = 0; j < size; j++) {
        const double shift = m1[j] - mean[j], by_mean = n * shift * shift;
        m1[j] = mean[j];
        q3[j] += shift * (2 * m2[j] + trace + n * norm2);
        m4[j] += shift * (4 * m3[j] + shift * (6 * m2[j] + by_mean));
        m3[j] += shift * (3 * m2[j] + by_mean);
        m2[j] += by_mean;
    }
    counts[1] += 4 * apart + norm2 * (2 * trace + n * norm2);
}

/* Merge the row `other` of `two` chunks into another of `one`, perhaps none. */
static void merge(int64_t size, int64_t apart, double *into, int64_t one, const double *other,
                  int64_t two, int64_t chunk)
{
    const double share = (double)two / (one + two);
    const double between = (double)one * two / (one + two) * chunk;
    for (int64_t j = 0; j < size; j++) {
        const double off = other[j] - into[j];
        into[j] = one ? into[j] + share * off : other[j];
        into[apart + j] =
            one ? into[apart + j] + other[apart + j] + between * off * off : other[apart + j];
    }
}

static void copy(int64_t size, int64_t apart, double *into, const double *from)
{
    memmove(into, from, size * sizeof(double));
    memmove(into + apart, from + apart, size * sizeof(double));
}

/* Take in a row of `chunk` vectors whose sums of d = x - mean and of d^2 are given. */
static void append(int64_t size, int64_t limit, int64_t chunk, const double *mean,
                   const double *sums, const double *squares, double *rows, int64_t *filled)
{
    const int64_t apart = (limit + 2) * size;
    double *rest = rows + (limit + 1) * size, *new = rows + filled[0] * size;
    for (int64_t j = 0; j < size; j++) {
        const double off = sums[j] / chunk, m2 = squares[j] - chunk * off * off;
        new[j] = mean[j] + off;
        new[apart + j] = m2 < 0 ? 0.0 : m2;
    }
    merge(size, apart, rest, filled[1], new, 1, chunk);
    filled[1]++;
    if (filled[1] * chunk < filled[2])
        return;
    copy(size, apart, new, rest);
    filled[1] = 0;
    filled[0]++;
    if (filled[0] <= limit)
        return;
    const int64_t each = filled[2] / chunk;
    for (int64_t pair = 0; pair < filled[0] / 2; pair++) {
        double *left = rows + 2 * pair * size;
        merge(size, apart, left, each, left + size, each, chunk);
        copy(size, apart, rows + pair * size, left);
    }
    if (filled[0] % 2) {
        copy(size, apart, rest, rows + (filled[0] - 1) * size);
        filled[1] = each;
    }
    filled[0] /= 2;
    filled[2] *= 2;
}

/* Add the sums of `count` vectors of a block, about the new mean of all, to the whole [5, size] (mean,
   m2, m3, m4 and q3), to counts (of vectors, and q4) and to rows [2, limit + 2, size] (mean and m2;
   the last row is the rest, which has not filled one yet). Of those, `filled` says how many there
   are, how many chunks are in the rest, and how many vectors a row has. */
void take_in(int64_t count, int64_t size, int64_t limit, int64_t chunk, int64_t whole_rows,
             const double *mean, const double *powers, const double *q3, const double *norm2,
             const double *sums, double *whole, double *counts, double *rows, int64_t *filled)
{
    shift_to(size, mean, whole, counts);
    for (int64_t j = 0; j < 3 * size; j++)
        whole[size + j] += powers[size + j];
    for (int64_t j = 0; j < size; j++)
        whole[4 * size + j] += q3[j];
    counts[0] += count;
    double q4 = 0.0;
#pragma omp simd reduction(+ : q4)
    for (int64_t r = 0; r < count; r++)
        q4 += norm2[r] * norm2[r];
    counts[1] += q4;
    for (int64_t row = 0; row < whole_rows; row++)
        append(size, limit, chunk, mean, sums + row * size, sums + (whole_rows + row) * size, rows,
               filled);
}
