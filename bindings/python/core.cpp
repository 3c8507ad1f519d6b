// tinyfiqa._core: libtinyfiqa for Python. Small: what needs no C++ is in the Python files beside it.
#include "core.hpp"

#include <exception>

#include "model.hpp"

namespace {

/// Sets Python's exception: one of its own where it has one for this, otherwise tinyfiqa.Error.
void raise(const Failure& failure, PyObject* own_error) {
  const char* const message = failure.message.c_str();
  switch (failure.code) {
    case TINYFIQA_NOT_FOUND:
      return PyErr_SetString(PyExc_FileNotFoundError, message);
    case TINYFIQA_UNREADABLE:
      return PyErr_SetString(PyExc_OSError, message);
    case TINYFIQA_BAD_ARGUMENT:
      return PyErr_SetString(PyExc_ValueError, message);
    case TINYFIQA_OUT_OF_MEMORY:
      return PyErr_SetString(PyExc_MemoryError, message);
    default:
      return PyErr_SetString(own_error, message);
  }
}

}  // namespace

NB_MODULE(_core, m) {
  static PyObject* const own_error = PyErr_NewException("tinyfiqa.Error", nullptr, nullptr);
  m.attr("Error") = nb::borrow(own_error);
  nb::register_exception_translator([](const std::exception_ptr& thrown, void*) {
    try {
      std::rethrow_exception(thrown);
    } catch (const Failure& failure) {
      raise(failure, own_error);
    }
  });
  define_scoring(m);
  define_model(m);
  define_training(m);
  define_evaluation(m);
  m.attr("__version__") = tinyfiqa_version();
  m.attr("instruction_set") = tinyfiqa_instruction_set();
}
