/* torch's Poisson numbers, bit for bit, and the state in which it leaves its Mersenne twister.

   A product of uniform numbers: Knuth 1969, vol. 2, section 3.4.1. Matsumoto & Nishimura 1998. */

#include <stdint.h>

#define WORDS 624
#define LATER 397 /* words further on is the one that is mixed in */

static inline uint32_t mixed(uint32_t upper, uint32_t lower, uint32_t with)
{
    const uint32_t word = (upper & 0x80000000) | (lower & 0x7fffffff);
    return with ^ (word >> 1) ^ (-(lower & 1) & 0x9908b0df);
}

/* The next words of the twister. */
static void twist(uint32_t *state)
{
    int i = 0;
    for (; i < WORDS - LATER; i++)
        state[i] = mixed(state[i], state[i + 1], state[i + LATER]);
    for (; i < WORDS - 1; i++)
        state[i] = mixed(state[i], state[i + 1], state[i + LATER - WORDS]);
    state[i] = mixed(state[i], state[0], state[LATER - 1]);
}

static inline uint32_t tempered(uint32_t word)
{
    word ^= word >> 11;
    word ^= (word << 7) & 0x9d2c5680;
    word ^= (word << 15) & 0xefc60000;
    return word ^ (word >> 18);
}

/* A state, of which some words are used, and uniform numbers of the others, two words each. */
typedef struct {
    uint32_t *state, words[WORDS + 1];
    int used, over, given, taken; /* over: of the words, the first has no other yet */
    double u[WORDS / 2];
} Source;

static void refill(Source *s)
{
    if (s->used == WORDS) {
        twist(s->state);
        s->used = 0;
    }
    const int count = s->over + WORDS - s->used;
    for (int i = s->used; i < WORDS; i++)
        s->words[s->over + i - s->used] = tempered(s->state[i]);
    for (int k = 0; k < count / 2; k++) {
        const uint64_t high = s->words[2 * k] & 0x1fffff, low = s->words[2 * k + 1];
        s->u[k] = (double)(int64_t)(high << 32 | low) * 0x1p-53;
    }
    s->words[0] = s->words[count - 1];
    s->given = count / 2;
    s->used = WORDS;
    s->over = count % 2;
    s->taken = 0;
}

static inline double uniform(Source *s)
{
    while (s->taken == s->given) /* of a single word there is none */
        refill(s);
    return s->u[s->taken++];
}

#define DEFINE(name, real)                                                                  \
    /* Fill out [n, p] with numbers of each of p rates, exp(-rate) in limit [p]. Of the words  \
       in `state`, `used` were drawn before; how many then are. */                          \
    int name(uint32_t *state, int64_t used, int64_t n, int64_t p, const double *limit,  \
                 real *restrict out)                                                        \
    {                                                                                       \
        Source s = {.state = state, .used = used};                                          \
        for (int64_t row = 0; row < n; row++)                                               \
            for (int64_t j = 0; j < p; j++) {                                               \
                double product = uniform(&s);                                               \
                int count = 0;                                                              \
                for (; product > limit[j]; count++)                                         \
                    product *= uniform(&s);                                                 \
                out[row * p + j] = count;                                                   \
            }                                                                               \
        return s.used - s.over - 2 * (s.given - s.taken);                                   \
    }

DEFINE(poissons_double, double)
DEFINE(poissons_float, float)
