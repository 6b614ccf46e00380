# FindFaissC - the target FaissC::FaissC: FAISS's C headers, libfaiss_c, libfaiss and
# what these need: OpenBLAS (the flavour the rest of plainfilm links), GNU OpenMP, C++.
#
# Looked for in this order: FAISS_ROOT (-DFAISS_ROOT=... or the environment); an
# installed FAISS with its C library; what scripts/setup.sh built. The include folder
# decides; the libraries must lie beside it.
#
#   FaissC_OPENMP   libgomp, whose omp_set_num_threads() bounds a search's threads

set(FAISS_ROOT "" CACHE PATH "Prefix of a FAISS with its C library")
set(_roots)
if(FAISS_ROOT)
  list(APPEND _roots "${FAISS_ROOT}")
elseif(DEFINED ENV{FAISS_ROOT})
  list(APPEND _roots "$ENV{FAISS_ROOT}")
else()
  if(DEFINED ENV{PLAINFILM_CACHE})
    set(_cache "$ENV{PLAINFILM_CACHE}")
  elseif(DEFINED ENV{XDG_CACHE_HOME})
    set(_cache "$ENV{XDG_CACHE_HOME}/plainfilm")
  else()
    set(_cache "$ENV{HOME}/.cache/plainfilm")
  endif()
  list(APPEND _roots /usr/local /usr "${_cache}/faiss")
endif()

# A prefix counts only when it is complete: Debian 12's libfaiss-dev has the C headers
# without the library behind them.
foreach(_root IN LISTS _roots)
  unset(FaissC_LIBRARY CACHE)
  unset(FaissC_CXX_LIBRARY CACHE)
  unset(FaissC_INCLUDE_DIR CACHE)
  find_library(FaissC_LIBRARY NAMES faiss_c PATHS "${_root}/lib"
    "${_root}/lib/${CMAKE_LIBRARY_ARCHITECTURE}" NO_DEFAULT_PATH)
  find_library(FaissC_CXX_LIBRARY NAMES faiss_avx2 faiss PATHS "${_root}/lib"
    "${_root}/lib/${CMAKE_LIBRARY_ARCHITECTURE}" NO_DEFAULT_PATH)
  find_path(FaissC_INCLUDE_DIR NAMES faiss/c_api/Index_c.h
    PATHS "${_root}/include" NO_DEFAULT_PATH)
  if(FaissC_LIBRARY AND FaissC_CXX_LIBRARY AND FaissC_INCLUDE_DIR)
    break()
  endif()
endforeach()

# libgomp lies in the compiler's own folder.
execute_process(COMMAND ${CMAKE_CXX_COMPILER} -print-file-name=libgomp.so
  OUTPUT_VARIABLE _gomp OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
get_filename_component(_gomp_folder "${_gomp}" DIRECTORY)
find_library(FaissC_OPENMP NAMES gomp libgomp.so.1 HINTS "${_gomp_folder}")

find_package(OpenBLAS QUIET)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(FaissC
  REQUIRED_VARS FaissC_LIBRARY FaissC_CXX_LIBRARY FaissC_INCLUDE_DIR FaissC_OPENMP
                OpenBLAS_FOUND
  REASON_FAILURE_MESSAGE "FAISS's C library is missing: run sh scripts/setup.sh")
mark_as_advanced(FaissC_LIBRARY FaissC_CXX_LIBRARY FaissC_INCLUDE_DIR FaissC_OPENMP)

if(FaissC_FOUND AND NOT TARGET FaissC::FaissC)
  add_library(FaissC::FaissC UNKNOWN IMPORTED)
  set_target_properties(FaissC::FaissC PROPERTIES
    IMPORTED_LOCATION "${FaissC_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${FaissC_INCLUDE_DIR}"
    INTERFACE_LINK_LIBRARIES
      "${FaissC_CXX_LIBRARY};OpenBLAS::OpenBLAS;${FaissC_OPENMP};stdc++;m")
endif()
unset(_roots)
unset(_cache)
unset(_gomp)
unset(_gomp_folder)
