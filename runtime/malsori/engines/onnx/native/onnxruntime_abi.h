/* The little of ONNX Runtime's C interface that an operator of one's own needs, so that building one needs no headers.
 *
 * OrtApi is a table of functions. Releases only ever add at its end (its header says so, and the library asserts it
 * when it is compiled), so a function is known by its place, as counted in the header of 1.24. A library hands out the table
 * of every version up to its own.
 */
#ifndef MALSORI_ONNXRUNTIME_ABI_H
#define MALSORI_ONNXRUNTIME_ABI_H

#include <stddef.h>
#include <stdint.h>

enum {
    ABI_VERSION = 17, /* of the table and of OrtCustomOp; the first with KernelContext_ParallelFor */
    FLOAT32 = 1,      /* ONNXTensorElementDataType */
    INT8 = 3,
};

typedef struct OrtStatus OrtStatus; /* none where all is well */
typedef struct OrtKernelInfo OrtKernelInfo;
typedef struct OrtKernelContext OrtKernelContext;
typedef struct OrtSessionOptions OrtSessionOptions;
typedef struct OrtCustomOpDomain OrtCustomOpDomain;
typedef struct OrtValue OrtValue;
typedef struct OrtShape OrtShape; /* OrtTensorTypeAndShapeInfo */
typedef struct OrtCustomOp OrtCustomOp;
typedef struct OrtApi OrtApi;

typedef OrtStatus *CreateStatus(int code, const char *message);
typedef OrtStatus *CreateCustomOpDomain(const char *domain, OrtCustomOpDomain **);
typedef OrtStatus *CustomOpDomainAdd(OrtCustomOpDomain *, const OrtCustomOp *);
typedef OrtStatus *AddCustomOpDomain(OrtSessionOptions *, OrtCustomOpDomain *);
typedef OrtStatus *GetTensorMutableData(OrtValue *, void **data);
typedef OrtStatus *GetDimensionsCount(const OrtShape *, size_t *count);
typedef OrtStatus *GetDimensions(const OrtShape *, int64_t *values, size_t count);
typedef OrtStatus *GetTensorTypeAndShape(const OrtValue *, OrtShape **);
typedef OrtStatus *GetAttribute(const OrtKernelInfo *, const char *name, int64_t *value);
typedef OrtStatus *GetInput(const OrtKernelContext *, size_t index, const OrtValue **);
typedef OrtStatus *GetOutput(OrtKernelContext *, size_t index, const int64_t *shape, size_t count, OrtValue **);
typedef void ReleaseShape(OrtShape *);
typedef void ReleaseDomain(OrtCustomOpDomain *);
typedef OrtStatus *ParallelFor(const OrtKernelContext *, void (*task)(void *, size_t), size_t tasks, size_t batches,
                               void *data);

/* The functions, each with its place. */
#define FUNCTIONS(F) \
    F(0, CreateStatus, create_status) \
    F(26, CreateCustomOpDomain, create_domain) \
    F(27, CustomOpDomainAdd, add_operator) \
    F(28, AddCustomOpDomain, add_domain) \
    F(51, GetTensorMutableData, data_of) \
    F(61, GetDimensionsCount, axes_of) \
    F(62, GetDimensions, sizes_of) \
    F(65, GetTensorTypeAndShape, shape_of) \
    F(86, GetAttribute, attribute) \
    F(90, GetInput, input) \
    F(91, GetOutput, output) \
    F(99, ReleaseShape, release_shape) \
    F(101, ReleaseDomain, release_domain) \
    F(274, ParallelFor, parallel_for)

typedef struct {
#define MEMBER(place, type, name) type *name;
    FUNCTIONS(MEMBER)
#undef MEMBER
} Functions;

static inline Functions functions_of(const OrtApi *table) {
    void *const *places = (void *const *)table;
    return (Functions){
#define ENTRY(place, type, name) .name = (type *)places[place],
        FUNCTIONS(ENTRY)
#undef ENTRY
    };
}

typedef struct {
    const OrtApi *(*get_api)(uint32_t version);
    const char *(*version)(void);
} OrtApiBase;

struct OrtCustomOp {
    uint32_t version;
    void *(*create)(const OrtCustomOp *, const OrtApi *, const OrtKernelInfo *);
    const char *(*name)(const OrtCustomOp *);
    const char *(*provider)(const OrtCustomOp *);
    int (*input_type)(const OrtCustomOp *, size_t index);
    size_t (*inputs)(const OrtCustomOp *);
    int (*output_type)(const OrtCustomOp *, size_t index);
    size_t (*outputs)(const OrtCustomOp *);
    void (*compute)(void *kernel, OrtKernelContext *);
    void (*destroy)(void *kernel);
    int (*input_kind)(const OrtCustomOp *, size_t index); /* 0: must be there */
    int (*output_kind)(const OrtCustomOp *, size_t index);
    int (*input_memory)(const OrtCustomOp *, size_t index);
    int (*variadic_input_least)(const OrtCustomOp *);
    int (*variadic_input_alike)(const OrtCustomOp *);
    int (*variadic_output_least)(const OrtCustomOp *);
    int (*variadic_output_alike)(const OrtCustomOp *);
    /* Where these are there, `create` and `compute` are not called. */
    OrtStatus *(*create_v2)(const OrtCustomOp *, const OrtApi *, const OrtKernelInfo *, void **kernel);
    OrtStatus *(*compute_v2)(void *kernel, OrtKernelContext *);
    OrtStatus *(*infer_shape)(const OrtCustomOp *, void *context);
    int (*first_version)(const OrtCustomOp *);
    int (*last_version)(const OrtCustomOp *);
};

#endif
