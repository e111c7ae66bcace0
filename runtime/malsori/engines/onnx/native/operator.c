/* The operator `malsori:Int8Linear` for ONNX Runtime: linear.c over tensors, on the session's own threads.
 *
 *     x (..., frames, inputs) float32, weight (kernel * inputs, outputs) int8, scale (outputs), bias (outputs)
 *     -> y (..., results, outputs) float32
 *
 * Attributes, whole numbers: `kernel` frames side by side make a row, the next row begins `stride` frames on (a
 * convolution over frames; 1 and 1 is a linear layer); `depth` as in linear.h; `gelu` is 1 where y goes through it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "linear.h"
#include "onnxruntime_abi.h"

enum { AXES = 8, QUANTIZED = 32 /* rows of one task */, INVALID_ARGUMENT = 2, FAIL = 1 };

typedef struct {
    Functions ort;
    int64_t kernel, stride, depth, gelu;
} Kernel;

typedef struct {
    const void *data;
    int64_t sizes[AXES];
    size_t axes;
} Tensor;

typedef struct {
    Linear linear;
    int failed; /* of several threads: read and written with __atomic */
} Job;

#define TRY(call) \
    do { \
        OrtStatus *status_ = (call); \
        if (status_) return status_; \
    } while (0)

static OrtStatus *read_input(const Functions *ort, OrtKernelContext *context, size_t index, Tensor *tensor) {
    const OrtValue *value;
    OrtShape *shape;
    TRY(ort->input(context, index, &value));
    TRY(ort->data_of((OrtValue *)value, (void **)&tensor->data));
    TRY(ort->shape_of(value, &shape));
    OrtStatus *status = ort->axes_of(shape, &tensor->axes);
    if (!status && tensor->axes > AXES) status = ort->create_status(INVALID_ARGUMENT, "Int8Linear: too many axes");
    if (!status) status = ort->sizes_of(shape, tensor->sizes, tensor->axes);
    ort->release_shape(shape);
    return status;
}

/* Whether the four inputs go together, and with linear.c. */
static int fits(const Kernel *kernel, const Tensor *inputs) {
    const Tensor *x = &inputs[0], *weight = &inputs[1];
    if (x->axes < 2 || weight->axes != 2 || inputs[2].axes != 1 || inputs[3].axes != 1) return 0;
    int64_t width = x->sizes[x->axes - 1], outputs = weight->sizes[1];
    return weight->sizes[0] == kernel->kernel * width && weight->sizes[0] % GROUP == 0 && weight->sizes[0] > 0 &&
           outputs % PANEL == 0 && inputs[2].sizes[0] == outputs && inputs[3].sizes[0] == outputs;
}

static void quantize_task(void *data, size_t task) {
    Job *job = data;
    size_t first = task * QUANTIZED, last = first + QUANTIZED;
    linear_quantize(&job->linear, first, last < job->linear.rows ? last : job->linear.rows);
}

static void multiply_task(void *data, size_t task) {
    Job *job = data;
    if (linear_multiply(&job->linear, task * COLUMNS)) __atomic_store_n(&job->failed, 1, __ATOMIC_RELAXED);
}

static OrtStatus *work(const Functions *ort, OrtKernelContext *context, Job *job) {
    Linear *l = &job->linear;
    TRY(ort->parallel_for(context, quantize_task, (l->rows + QUANTIZED - 1) / QUANTIZED, 0, job));
    TRY(ort->parallel_for(context, multiply_task, (l->outputs + COLUMNS - 1) / COLUMNS, 0, job));
    int failed = __atomic_load_n(&job->failed, __ATOMIC_RELAXED);
    return failed ? ort->create_status(FAIL, "Int8Linear: no memory for the weights of 64 outputs") : NULL;
}

/* Run with room for the levels of x; the rows that round it up are zeros. */
static OrtStatus *run(const Functions *ort, OrtKernelContext *context, Job *job) {
    Linear *l = &job->linear;
    l->levels = calloc((l->rows + ROWS - 1) / ROWS * ROWS, l->inputs);
    l->step = malloc(l->rows * sizeof(float));
    l->low = malloc(l->rows * sizeof(float));
    OrtStatus *status = l->levels && l->step && l->low
                            ? work(ort, context, job)
                            : ort->create_status(FAIL, "Int8Linear: no memory for the levels of x");
    free(l->levels);
    free(l->step);
    free(l->low);
    return status;
}

static OrtStatus *compute(void *data, OrtKernelContext *context) {
    const Kernel *kernel = data;
    const Functions *ort = &kernel->ort;
    Tensor inputs[4];
    for (size_t i = 0; i < 4; i++) TRY(read_input(ort, context, i, &inputs[i]));
    if (!fits(kernel, inputs))
        return ort->create_status(INVALID_ARGUMENT, "Int8Linear: shapes that do not go together");

    const Tensor *x = &inputs[0];
    int64_t shape[AXES], frames = x->sizes[x->axes - 2], width = x->sizes[x->axes - 1], clips = 1;
    int64_t results = frames < kernel->kernel ? 0 : (frames - kernel->kernel) / kernel->stride + 1;
    memcpy(shape, x->sizes, x->axes * sizeof *shape);
    shape[x->axes - 2] = results;
    shape[x->axes - 1] = inputs[1].sizes[1];
    for (size_t axis = 0; axis + 2 < x->axes; axis++) clips *= x->sizes[axis];
    OrtValue *value;
    float *y;
    TRY(ort->output(context, 0, shape, x->axes, &value));
    TRY(ort->data_of(value, (void **)&y));
    if (kernel->kernel == 1 && kernel->stride == 1) results *= clips, clips = 1; /* rows follow each other */

    Job job = {.linear = {.rows = results, .inputs = kernel->kernel * width, .stride = kernel->stride * width,
                          .depth = kernel->depth, .weight = inputs[1].data, .scale = inputs[2].data,
                          .bias = inputs[3].data, .outputs = inputs[1].sizes[1], .gelu = kernel->gelu != 0}};
    for (int64_t clip = 0; clip < clips && results; clip++) {
        job.linear.x = (const float *)x->data + clip * frames * width;
        job.linear.y = y + clip * results * (int64_t)job.linear.outputs;
        TRY(run(ort, context, &job));
    }
    return NULL;
}

static OrtStatus *create(const OrtCustomOp *op, const OrtApi *api, const OrtKernelInfo *info, void **result) {
    (void)op;
    Kernel kernel = {.ort = functions_of(api)};
    TRY(kernel.ort.attribute(info, "kernel", &kernel.kernel));
    TRY(kernel.ort.attribute(info, "stride", &kernel.stride));
    TRY(kernel.ort.attribute(info, "depth", &kernel.depth));
    TRY(kernel.ort.attribute(info, "gelu", &kernel.gelu));
    if (kernel.kernel < 1 || kernel.stride < 1 || kernel.kernel > INT32_MAX || kernel.stride > INT32_MAX)
        return kernel.ort.create_status(INVALID_ARGUMENT, "Int8Linear: kernel and stride are at least 1, in 32 bits");
    if (kernel.depth != 8 && kernel.depth != 16 && kernel.depth != 32)
        return kernel.ort.create_status(INVALID_ARGUMENT, "Int8Linear: depth is 8, 16 or 32");
    if (!(*result = malloc(sizeof kernel))) return kernel.ort.create_status(FAIL, "Int8Linear: no memory");
    memcpy(*result, &kernel, sizeof kernel);
    return NULL;
}

static const char *name(const OrtCustomOp *op) { return (void)op, "Int8Linear"; }
static const char *provider(const OrtCustomOp *op) { return (void)op, "CPUExecutionProvider"; }
static int input_type(const OrtCustomOp *op, size_t index) { return (void)op, index == 1 ? INT8 : FLOAT32; }
static size_t four(const OrtCustomOp *op) { return (void)op, 4; }
static int output_type(const OrtCustomOp *op, size_t index) { return (void)op, (void)index, FLOAT32; }
static size_t one(const OrtCustomOp *op) { return (void)op, 1; }
static int required(const OrtCustomOp *op, size_t index) { return (void)op, (void)index, 0; }
static int in_memory(const OrtCustomOp *op, size_t index) { return (void)op, (void)index, 0; }

static const OrtCustomOp INT8_LINEAR = {
    .version = ABI_VERSION, .create_v2 = create, .compute_v2 = compute, .destroy = free,
    .name = name, .provider = provider, .inputs = four, .outputs = one, .input_type = input_type,
    .output_type = output_type, .input_kind = required, .output_kind = required, .input_memory = in_memory,
};

/* The domain with the operator. It lives as long as the library: sessions go on pointing at it. */
static OrtStatus *shared_domain(const Functions *ort, OrtCustomOpDomain **result) {
    static OrtCustomOpDomain *shared;
    if (!(*result = __atomic_load_n(&shared, __ATOMIC_ACQUIRE))) {
        TRY(ort->create_domain("malsori", result));
        TRY(ort->add_operator(*result, &INT8_LINEAR));
        OrtCustomOpDomain *none = NULL, *mine = *result;
        if (!__atomic_compare_exchange_n(&shared, &none, mine, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
            ort->release_domain(mine); /* another thread was faster */
            *result = none;
        }
    }
    return NULL;
}

/* What ONNX Runtime calls when the library is registered with a session's options. */
__attribute__((visibility("default"))) OrtStatus *RegisterCustomOps(OrtSessionOptions *options,
                                                                    const OrtApiBase *base) {
    const OrtApi *table = base->get_api(ABI_VERSION);
    if (!table) /* what every version has will do to say so */
        return functions_of(base->get_api(1)).create_status(FAIL, "this ONNX Runtime lacks version 17 of its API");
    Functions ort = functions_of(table);
    if (!linear_supported()) return ort.create_status(FAIL, "Int8Linear needs a processor with AVX2 and FMA");
    OrtCustomOpDomain *domain;
    TRY(shared_domain(&ort, &domain));
    return ort.add_domain(options, domain);
}
