// The networks of the registry, compiled once for all files of the programs that link tinyfiqa::dispatch.
#include <tinyfiqa/quality/model_registry.hpp>

TINYFIQA_BEGIN
#define TINYFIQA_NETWORK(...) template NetworkDefinition define_network<__VA_ARGS__>();
TINYFIQA_EACH_NETWORK(TINYFIQA_NETWORK)
TINYFIQA_END
