# AArch64: cmake --toolchain cmake/cross/arm64.cmake; see debian.cmake.
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(triplet aarch64-linux-gnu)
include(${CMAKE_CURRENT_LIST_DIR}/debian.cmake)
