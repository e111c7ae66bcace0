/* y = x W + b in whole numbers: W in 8 bits, x brought to 7 while it runs. For x86-64 with AVX2 but no VNNI.
 *
 * AVX2 multiplies bytes with vpmaddubsw, which adds two products into 16 bits, and needs a second multiplication,
 * vpmaddwd, to widen them: half of its time. Here 16 bits take depth / 2 products before they are widened. That they
 * never run over is the weights' doing: of those that meet in one lane the positive ones sum up to at most LANE, and
 * so do the negative ones (export/graph/native.py chooses each column's scale so), and levels of x are at most LARGEST:
 * LANE * LARGEST = 258 * 127 < 32768. So every sum is exact.
 *
 *     inputs  0 1 2 3 | 4 5 6 7 | ... | 28 29 30 31      depth 32
 *     lane    a a b b   a a b b         a  a  b  b       of one output: two lanes of 16 products each
 *
 * The more products, the faster, and the coarser the weights must be.
 *
 * x gets a scale of its own in every row. So a row's result does not depend on the rows beside it, as ONNX Runtime's
 * does, which has one scale for all of x.
 */
#ifndef MALSORI_LINEAR_H
#define MALSORI_LINEAR_H

#include <stddef.h>
#include <stdint.h>

enum {
    GROUP = 32,   /* inputs are a multiple of it, and it of the depth */
    PANEL = 16,   /* outputs are a multiple of it */
    COLUMNS = 64, /* outputs of one task */
    ROWS = 4,     /* of x that are multiplied at once */
    LARGEST = 127, /* level of x; the smallest is 0 */
};

typedef struct {
    const float *x; /* `rows` rows of `inputs` values, each `stride` behind the last */
    size_t rows, inputs, stride, depth;
    const int8_t *weight; /* (inputs, outputs) */
    const float *scale;   /* (outputs) */
    const float *bias;    /* (outputs) */
    size_t outputs;
    int gelu; /* whether y goes through the Gaussian error linear unit */
    float *y; /* (rows, outputs) */
    /* Room for the levels of x, x = low + step * level: (rows rounded up to ROWS, inputs), and (rows) twice. */
    uint8_t *levels;
    float *step, *low;
} Linear;

/* Whether this processor has the instructions. */
int linear_supported(void);

/* Bring rows [first, last) of x to levels. */
void linear_quantize(const Linear *l, size_t first, size_t last);

/* Compute the outputs [first, first + COLUMNS), as far as there are any, once there are the levels of all of x.
 * Return 0, or -1 where there is no memory. */
int linear_multiply(const Linear *l, size_t first);

#endif
