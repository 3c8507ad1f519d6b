// Names the kernels that the other tests ran, and checks that those for this processor were among them.
#include <tinyfiqa/runtime/dispatch.hpp>

#include <doctest/doctest.h>

#include <string>

TEST_CASE("the kernels for this processor run") {
  std::string run;
  for (const tinyfiqa::Backend* backend : tinyfiqa::compiled_backends())
    if (tinyfiqa::cpu_can_run(backend->isa)) run += std::string(" ") + backend->isa;
  MESSAGE("kernels run:" << run);
  CHECK(tinyfiqa::native_backend().isa == std::string(TARGET_ISA));
}
