// Packed weights that do not belong to the program: the compiler must refuse them, and say what to do.
#include <tinyfiqa/models/tinyfqnet.hpp>
#include <tinyfiqa/runtime/constant_plan.hpp>

using namespace tinyfiqa;

constexpr PackLayout layout(int vector_floats, int version) {
  PackLayout l = kernels::backend_with<KernelSet::none>.pack_layout;
  l.vector_floats += vector_floats;
  l.version += version;
  return l;
}

template <class Net>
struct Weights {
  static constexpr PackTag tag {
    "",
#if CASE == 1  // packed for other vectors
        layout(1, 0),
#elif CASE == 2  // packed by another version of the library
        layout(0, 1),
#else
        layout(0, 0),
#endif
        "", definition_hash(define_fixed<Net>().operations())
  };
  static constexpr float mean[3] = {}, scale[3] = {};
#if CASE == 3  // cut off
  static constexpr float data[100] = {};
#else
  static constexpr float data[40000] = {};
#endif
};

#if CASE == 4  // the weights of another network
using Other = Weights<TinyFQFamily<TinyFQScaled<4, 36>>>;
#else
using Other = Weights<TinyFQnet>;
#endif

std::size_t arena_bytes();
std::size_t arena_bytes() { return ConstantPlan<TinyFQnet, Other, 48, 48>::arena_bytes; }
