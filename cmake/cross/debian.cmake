# What the toolchain files here share: the cross compiler of Debian and Ubuntu for ${triplet}, and qemu's user
# emulation, under which ctest runs what was built. Libraries for the target (cmocka) are looked for below
# BIDE_CROSS_ROOT; ./dev test puts them there.

set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_C_COMPILER ${triplet}-gcc)
find_program(BIDE_CROSS_CXX ${triplet}-g++)
if(BIDE_CROSS_CXX) # else what is in C++ is left out
	set(CMAKE_CXX_COMPILER ${BIDE_CROSS_CXX})
endif()
set(CMAKE_LIBRARY_ARCHITECTURE ${triplet})

list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES BIDE_CROSS_ROOT)
if(NOT BIDE_CROSS_ROOT)
	set(BIDE_CROSS_ROOT /usr/${triplet})
endif()
set(CMAKE_FIND_ROOT_PATH ${BIDE_CROSS_ROOT})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(ENV{PKG_CONFIG_LIBDIR} ${BIDE_CROSS_ROOT}/usr/lib/${triplet}/pkgconfig)

set(CMAKE_CROSSCOMPILING_EMULATOR qemu-${CMAKE_SYSTEM_PROCESSOR} -L /usr/${triplet}
	-E LD_LIBRARY_PATH=${BIDE_CROSS_ROOT}/usr/lib/${triplet})
