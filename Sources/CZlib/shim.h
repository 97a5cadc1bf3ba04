#include <zlib.h>
/* inflateInit2 is a macro, which Swift can't call. 15 + 32: detect gzip or zlib. */
static inline int weir_inflate_init(z_stream *stream) { return inflateInit2(stream, 15 + 32); }
