// The machine's multiply-add peak, measured: what speeds are a share of.
#pragma once

namespace bench {

/// Multiply-adds a second (in units of 1e9) of one thread on the widest vectors that the machine has, from
/// registers alone; the best of several tries. 0 where there is no such instruction (or no code for it here).
double fma_peak_gmac_per_s();

}  // namespace bench
