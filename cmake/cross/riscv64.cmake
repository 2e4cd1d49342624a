# RV64: cmake --toolchain cmake/cross/riscv64.cmake; see debian.cmake. Debian 12 has no cmocka for it:
# -DBIDE_BUILD_TESTS=OFF leaves the examples to be run.
set(CMAKE_SYSTEM_PROCESSOR riscv64)
set(triplet riscv64-linux-gnu)
include(${CMAKE_CURRENT_LIST_DIR}/debian.cmake)
