// The shipped weights of 8 bits.
#pragma once

inline constexpr const char* shipped_i8[] = {"tinyfqnet", "tinyfqnet_m", "tinyfqnet_l", "mobilenet_v3_small",
                                             "shufflenet_v2_x0_5"};
