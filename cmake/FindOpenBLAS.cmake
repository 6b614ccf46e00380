# FindOpenBLAS - the target OpenBLAS::OpenBLAS: cblas.h and OpenBLAS without threads.
#
# Debian has three flavours with one soname, libopenblas.so.0, and lets the machine's
# owner switch between them. Ours is the serial one: plainfilm runs its own threads,
# and a BLAS that starts more of them under each made two threads slower than one. The
# library is therefore named by its full path, in a folder of its own; CMake records
# such a folder in the programs' RUNPATH, which comes before the switchable one. The
# shared library is preferred to the static one: that is 30 MB in each program.
#
#   -DOpenBLAS_LIBRARY=... -DOpenBLAS_INCLUDE_DIR=...   use another one

find_library(OpenBLAS_LIBRARY NAMES openblas
  PATHS /usr/lib/${CMAKE_LIBRARY_ARCHITECTURE}/openblas-serial
        /usr/lib/openblas-serial
  NO_DEFAULT_PATH)
find_library(OpenBLAS_LIBRARY NAMES openblas) # not Debian: what there is
find_path(OpenBLAS_INCLUDE_DIR NAMES cblas.h
  PATHS /usr/include/${CMAKE_LIBRARY_ARCHITECTURE}/openblas-serial
        /usr/include/openblas-serial /usr/include/openblas
  NO_DEFAULT_PATH)
find_path(OpenBLAS_INCLUDE_DIR NAMES cblas.h PATH_SUFFIXES openblas)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(OpenBLAS
  REQUIRED_VARS OpenBLAS_LIBRARY OpenBLAS_INCLUDE_DIR
  REASON_FAILURE_MESSAGE "install libopenblas-serial-dev, or run sh scripts/setup.sh")
mark_as_advanced(OpenBLAS_LIBRARY OpenBLAS_INCLUDE_DIR)

if(OpenBLAS_FOUND AND NOT TARGET OpenBLAS::OpenBLAS)
  add_library(OpenBLAS::OpenBLAS UNKNOWN IMPORTED)
  set_target_properties(OpenBLAS::OpenBLAS PROPERTIES
    IMPORTED_LOCATION "${OpenBLAS_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${OpenBLAS_INCLUDE_DIR}")
endif()
