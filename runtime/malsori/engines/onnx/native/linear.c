#include "linear.h"

#include <immintrin.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define AVX2 __attribute__((target("avx2,fma")))
#define INLINE static inline __attribute__((always_inline)) AVX2
#define UNROLL _Pragma("GCC unroll 8")
/* Keeps the compiler from adding up in another order, for which it would need more registers than there are. */
#define KEEP(value) __asm__("" : "+x"(value))

enum { HALVES = PANEL / 8 };

typedef __m256i Tile[ROWS][HALVES]; /* int32, 8 outputs each */

int linear_supported(void) {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

INLINE float lowest(__m256 v) {
    __m128 w = _mm_min_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    w = _mm_min_ps(w, _mm_movehl_ps(w, w));
    return _mm_cvtss_f32(_mm_min_ss(w, _mm_movehdup_ps(w)));
}

INLINE void quantize_row(const float *x, size_t inputs, uint8_t *levels, float *step, float *low) {
    const __m256 zero = _mm256_setzero_ps();
    __m256 least = _mm256_loadu_ps(x), negated = _mm256_sub_ps(zero, least), zeros = _mm256_mul_ps(least, zero);
    for (size_t k = 8; k < inputs; k += 8) {
        __m256 v = _mm256_loadu_ps(x + k);
        least = _mm256_min_ps(least, v);
        negated = _mm256_min_ps(negated, _mm256_sub_ps(zero, v));
        zeros = _mm256_fmadd_ps(v, zero, zeros);
    }
    /* A minimum forgets what is not a number. Here it stays, and all of the row's results are not numbers either. */
    int finite = !_mm256_movemask_ps(_mm256_cmp_ps(zeros, zeros, _CMP_UNORD_Q));
    *low = finite ? lowest(least) : NAN;
    *step = (-lowest(negated) - *low) / LARGEST;
    float inverse = *step > 0 ? 1 / *step : 0; /* a row of one value alone is `low` */
    __m256 factor = _mm256_set1_ps(inverse), shift = _mm256_set1_ps(-*low * inverse);
    const __m256i in_order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7); /* packing goes by halves of a register */
    for (size_t k = 0; k < inputs; k += 32) {
        __m256i quarter[4];
        UNROLL for (int i = 0; i < 4; i++)
            quarter[i] = _mm256_cvtps_epi32(_mm256_fmadd_ps(_mm256_loadu_ps(x + k + 8 * i), factor, shift));
        __m256i packed = _mm256_packus_epi16(_mm256_packs_epi32(quarter[0], quarter[1]),
                                             _mm256_packs_epi32(quarter[2], quarter[3]));
        packed = _mm256_min_epu8(packed, _mm256_set1_epi8(LARGEST));
        _mm256_storeu_si256((__m256i *)(levels + k), _mm256_permutevar8x32_epi32(packed, in_order));
    }
}

AVX2 void linear_quantize(const Linear *l, size_t first, size_t last) {
    for (size_t row = first; row < last; row++)
        quantize_row(l->x + row * l->stride, l->inputs, l->levels + row * l->inputs, l->step + row, l->low + row);
}

/* Lay out `width` columns panel by panel; in a panel, four inputs of each output side by side. */
INLINE void pack(const Linear *l, size_t first, size_t width, int8_t *packed) {
    for (size_t k = 0; k < l->inputs; k += 4)
        for (size_t j = 0; j < width; j += PANEL) {
            __m128i row[4];
            UNROLL for (int i = 0; i < 4; i++)
                row[i] = _mm_loadu_si128((const __m128i *)(l->weight + (k + i) * l->outputs + first + j));
            __m128i low[2], high[2];
            UNROLL for (int i = 0; i < 2; i++) {
                low[i] = _mm_unpacklo_epi8(row[2 * i], row[2 * i + 1]);
                high[i] = _mm_unpackhi_epi8(row[2 * i], row[2 * i + 1]);
            }
            __m128i *out = (__m128i *)(packed + j * l->inputs + k * PANEL);
            _mm_store_si128(out, _mm_unpacklo_epi16(low[0], low[1]));
            _mm_store_si128(out + 1, _mm_unpackhi_epi16(low[0], low[1]));
            _mm_store_si128(out + 2, _mm_unpacklo_epi16(high[0], high[1]));
            _mm_store_si128(out + 3, _mm_unpackhi_epi16(high[0], high[1]));
        }
}

/* Multiply ROWS rows, `stride` bytes apart, by one panel. */
INLINE void multiply(const uint8_t *levels, size_t stride, const int8_t *panel, size_t inputs, size_t depth, Tile sum) {
    const __m256i ones = _mm256_set1_epi16(1);
    UNROLL for (int i = 0; i < ROWS; i++)
        UNROLL for (int j = 0; j < HALVES; j++) sum[i][j] = _mm256_setzero_si256();
    for (size_t k = 0; k < inputs; k += depth) {
        Tile lanes; /* int16 */
        UNROLL for (int i = 0; i < ROWS; i++)
            UNROLL for (int j = 0; j < HALVES; j++) lanes[i][j] = _mm256_setzero_si256();
        _Pragma("GCC unroll 1") for (size_t s = 0; s < depth; s += 4, panel += 4 * PANEL)
            UNROLL for (int i = 0; i < ROWS; i++) {
                const void *four = levels + i * stride + k + s;
                __m256i x = _mm256_castps_si256(_mm256_broadcast_ss(four));
                UNROLL for (int j = 0; j < HALVES; j++) {
                    __m256i w = _mm256_load_si256((const __m256i *)panel + j);
                    lanes[i][j] = _mm256_add_epi16(lanes[i][j], _mm256_maddubs_epi16(x, w));
                    KEEP(lanes[i][j]);
                }
            }
        UNROLL for (int i = 0; i < ROWS; i++)
            UNROLL for (int j = 0; j < HALVES; j++)
                sum[i][j] = _mm256_add_epi32(sum[i][j], _mm256_madd_epi16(lanes[i][j], ones));
    }
}

/* e^x for x <= 0, to 2e-7 of it: 2^whole by the exponent's bits, 2^part by the polynomial of this degree that is
 * nearest to it between -1/2 and 1/2, found by Remez' exchange (Taylor's is off by 3e-6 there). */
INLINE __m256 exp_of_negative(__m256 x) {
    static const float factors[] = {1.32764725e-3f, 9.67554096e-3f, 5.55071309e-2f,
                                    2.40221202e-1f, 6.93146944e-1f, 1.00000012f};
    x = _mm256_max_ps(_mm256_mul_ps(x, _mm256_set1_ps(1.44269504f)), _mm256_set1_ps(-126.0f));
    __m256 whole = _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    __m256 part = _mm256_sub_ps(x, whole), power = _mm256_set1_ps(factors[0]);
    UNROLL for (int i = 1; i < 6; i++) power = _mm256_fmadd_ps(power, part, _mm256_set1_ps(factors[i]));
    __m256i exponent = _mm256_slli_epi32(_mm256_cvtps_epi32(whole), 23);
    return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(power), exponent));
}

/* x (1 + erf(x / sqrt 2)) / 2; the error function by Abramowitz and Stegun, 7.1.26, to 1.5e-7. */
INLINE __m256 gelu(__m256 x) {
    static const float factors[] = {1.061405429f, -1.453152027f, 1.421413741f, -0.284496736f, 0.254829592f};
    const __m256 sign = _mm256_set1_ps(-0.0f), one = _mm256_set1_ps(1.0f);
    __m256 z = _mm256_mul_ps(_mm256_andnot_ps(sign, x), _mm256_set1_ps(0.70710678f));
    __m256 t = _mm256_div_ps(one, _mm256_fmadd_ps(z, _mm256_set1_ps(0.3275911f), one));
    __m256 tail = _mm256_set1_ps(factors[0]);
    UNROLL for (int i = 1; i < 5; i++) tail = _mm256_fmadd_ps(tail, t, _mm256_set1_ps(factors[i]));
    tail = _mm256_mul_ps(_mm256_mul_ps(tail, t), exp_of_negative(_mm256_mul_ps(_mm256_xor_ps(z, sign), z)));
    __m256 lost = _mm256_mul_ps(_mm256_mul_ps(x, _mm256_set1_ps(0.5f)), tail); /* of x where it is positive */
    return _mm256_blendv_ps(_mm256_sub_ps(x, lost), lost, x);
}

/* Write 8 outputs of one row. x W = step * levels W + low * (sum of W's column). */
INLINE void finish(const Linear *l, size_t row, size_t column, __m256i sum, __m256 column_sum) {
    __m256 y = _mm256_mul_ps(_mm256_cvtepi32_ps(sum), _mm256_set1_ps(l->step[row]));
    y = _mm256_fmadd_ps(column_sum, _mm256_set1_ps(l->low[row]), y);
    y = _mm256_fmadd_ps(y, _mm256_loadu_ps(l->scale + column), _mm256_loadu_ps(l->bias + column));
    _mm256_storeu_ps(l->y + row * l->outputs + column, l->gelu ? gelu(y) : y);
}

AVX2 static void multiply_packed(const Linear *l, size_t first, size_t width, const int8_t *packed,
                                 const uint8_t *ones) {
    __m256 column_sums[COLUMNS / 8];
    for (size_t j = 0; j < width; j += PANEL) {
        Tile sum;
        multiply(ones, 0, packed + j * l->inputs, l->inputs, l->depth, sum);
        for (int half = 0; half < HALVES; half++) column_sums[j / 8 + half] = _mm256_cvtepi32_ps(sum[0][half]);
    }
    for (size_t row = 0; row < l->rows; row += ROWS)
        for (size_t j = 0; j < width; j += PANEL) {
            Tile sum;
            multiply(l->levels + row * l->inputs, l->inputs, packed + j * l->inputs, l->inputs, l->depth, sum);
            for (size_t i = 0; i < ROWS && row + i < l->rows; i++)
                for (int half = 0; half < HALVES; half++)
                    finish(l, row + i, first + j + 8 * half, sum[i][half], column_sums[j / 8 + half]);
        }
}

AVX2 int linear_multiply(const Linear *l, size_t first) {
    size_t width = l->outputs - first < COLUMNS ? l->outputs - first : COLUMNS;
    int8_t *packed = aligned_alloc(32, width * l->inputs);
    uint8_t *ones = malloc(l->inputs);
    int failed = !packed || !ones;
    if (!failed) {
        memset(ones, 1, l->inputs);
        pack(l, first, width, packed);
        multiply_packed(l, first, width, packed, ones);
    }
    free(packed);
    free(ones);
    return failed ? -1 : 0;
}
