/* NumPy's normals of an SFC64 generator, bit for bit.

   Ziggurat method: Marsaglia & Tsang 2000, J. Stat. Soft. 5(8). */

#include <math.h>
#include <stdint.h>

#include "ziggurat.h"

typedef struct {
    uint64_t a, b, c, count;
} Source;

static inline uint64_t next(Source *s)
{
    const uint64_t bits = s->a + s->b + s->count++;
    s->a = s->b ^ (s->b >> 11);
    s->b = s->c + (s->c << 3);
    s->c = ((s->c << 24) | (s->c >> 40)) + bits;
    return bits;
}

static inline double uniform(Source *s)
{
    return (double)(int64_t)(next(s) >> 11) * 0x1p-53;
}

/* What is drawn beyond the inside of a layer, at x; whether it is under the density, and a normal. */
static int __attribute__((noinline)) outside(Source *s, int layer, int64_t mantissa, double *x)
{
    if (layer) {
        const double low = LAYERS[layer].height, high = LAYERS[layer - 1].height;
        return (high - low) * uniform(s) + low < exp(-0.5 * *x * *x);
    }
    for (;;) {
        const double beyond = -OVER_TAIL * log1p(-uniform(s));
        const double y = -log1p(-uniform(s));
        if (y + y > beyond * beyond) {
            *x = mantissa >> 8 & 1 ? -TAIL - beyond : TAIL + beyond;
            return 1;
        }
    }
}

/* Fill out [n] with the normals of a generator in this state. */
void normals(const Source *state, int64_t n, double *restrict out)
{
    double width[512]; /* of each layer, then with the other sign: what nine bits say */
    int64_t inside[512];
    for (int side = 0; side < 512; side++) {
        width[side] = side < 256 ? LAYERS[side].width : -LAYERS[side - 256].width;
        inside[side] = LAYERS[side % 256].inside;
    }
    Source s = *state;
    for (int64_t i = 0; i < n;) {
        const uint64_t bits = next(&s);
        const int side = bits & 0x1ff;
        const int64_t mantissa = bits >> 9 & 0xfffffffffffff;
        out[i] = (double)mantissa * width[side];
        if (__builtin_expect(mantissa < inside[side], 1)) {
            i++;
        } else {
            Source after = s; /* in memory, where s need not be */
            i += outside(&after, side & 0xff, mantissa, &out[i]);
            s = after;
        }
    }
}
