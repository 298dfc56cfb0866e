/* NumPy's normals of an SFC64 generator, bit for bit.

   Ziggurat method: Marsaglia & Tsang 2000, J. Stat. Soft. 5(8). */

#include <math.h>
#include <stdint.h>

#define LAYERS 256

typedef struct {
    uint64_t a, b, c, count;
} Source;

/* A layer is `width` times an integer below 2^52 wide; below `inside` it lies wholly under the
   density exp(-x^2 / 2), whose value at its end is `height`. The lowest, the first, ends at `tail`. */
typedef struct {
    const double *height;
    double tail, over_tail;
} Outside;

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
static int __attribute__((noinline)) outside(Source *s, const Outside *o, int layer,
                                             int64_t mantissa, double *x)
{
    if (layer) {
        const double low = o->height[layer], high = o->height[layer - 1];
        return (high - low) * uniform(s) + low < exp(-0.5 * *x * *x);
    }
    for (;;) {
        const double beyond = -o->over_tail * log1p(-uniform(s));
        const double y = -log1p(-uniform(s));
        if (y + y > beyond * beyond) {
            *x = mantissa >> 8 & 1 ? -o->tail - beyond : o->tail + beyond;
            return 1;
        }
    }
}

/* Fill out [n] with the normals of a generator in this state; of each layer these are given. */
void normals(int64_t n, const Source *state, const int64_t *inside, const double *width,
             const double *height, double *restrict out)
{
    double signed_width[2 * LAYERS]; /* what nine bits say: the layer, and the sign above it */
    int64_t limit[2 * LAYERS];
    for (int side = 0; side < 2 * LAYERS; side++) {
        signed_width[side] = side < LAYERS ? width[side] : -width[side - LAYERS];
        limit[side] = inside[side % LAYERS];
    }
    const double tail = width[LAYERS - 1] * 0x1p52;
    const Outside o = {height, tail, 1 / tail};
    Source s = *state;
    for (int64_t i = 0; i < n;) {
        const uint64_t bits = next(&s);
        const int side = bits & 0x1ff;
        const int64_t mantissa = bits >> 9 & 0xfffffffffffff;
        out[i] = (double)mantissa * signed_width[side];
        if (__builtin_expect(mantissa < limit[side], 1)) {
            i++;
        } else {
            Source after = s; /* in memory, where s need not be */
            i += outside(&after, &o, side & 0xff, mantissa, &out[i]);
            s = after;
        }
    }
}
