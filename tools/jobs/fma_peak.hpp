// Measures the machine's multiply-add peak, to which speeds are compared.
#pragma once

namespace bench {

/// The peak of one thread in 1e9 multiply-adds a second: the machine's widest vectors, operands in registers,
/// the best of several runs. 0 if the machine has no such instruction, or there is no code for it here.
double fma_peak_gmac_per_s();

}  // namespace bench
