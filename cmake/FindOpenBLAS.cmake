# FindOpenBLAS - the target OpenBLAS::OpenBLAS: cblas.h and OpenBLAS's pthread flavour.
#
# Debian has three flavours with one soname, libopenblas.so.0, and lets the machine's
# owner switch between them. Ours is the pthread one, which our programs tell to use one thread:
# the serial one is built without locks, and two threads that multiply at once get wrong
# numbers from it (tests/unit/test_kernels.c). The library is named by its full path, in
# a folder of its own; CMake records such a folder in the programs' RUNPATH, which comes
# before the switchable one. The shared library is preferred to the static one: that is
# 30 MB in each program.
#
#   -DOpenBLAS_LIBRARY=... -DOpenBLAS_INCLUDE_DIR=...   use another one

# A build folder may remember the serial flavour from before.
if(OpenBLAS_LIBRARY MATCHES "openblas-serial")
  unset(OpenBLAS_LIBRARY CACHE)
  unset(OpenBLAS_INCLUDE_DIR CACHE)
endif()
find_library(OpenBLAS_LIBRARY NAMES openblas
  PATHS /usr/lib/${CMAKE_LIBRARY_ARCHITECTURE}/openblas-pthread
        /usr/lib/openblas-pthread
  NO_DEFAULT_PATH)
find_library(OpenBLAS_LIBRARY NAMES openblas) # not Debian: what there is
find_path(OpenBLAS_INCLUDE_DIR NAMES cblas.h
  PATHS /usr/include/${CMAKE_LIBRARY_ARCHITECTURE}/openblas-pthread
        /usr/include/openblas-pthread /usr/include/openblas
  NO_DEFAULT_PATH)
find_path(OpenBLAS_INCLUDE_DIR NAMES cblas.h PATH_SUFFIXES openblas)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(OpenBLAS
  REQUIRED_VARS OpenBLAS_LIBRARY OpenBLAS_INCLUDE_DIR
  REASON_FAILURE_MESSAGE "install libopenblas-pthread-dev, or run sh scripts/setup.sh")
mark_as_advanced(OpenBLAS_LIBRARY OpenBLAS_INCLUDE_DIR)

if(OpenBLAS_FOUND AND NOT TARGET OpenBLAS::OpenBLAS)
  add_library(OpenBLAS::OpenBLAS UNKNOWN IMPORTED)
  set_target_properties(OpenBLAS::OpenBLAS PROPERTIES
    IMPORTED_LOCATION "${OpenBLAS_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${OpenBLAS_INCLUDE_DIR}")
endif()
