file(GLOB _d /usr/lib/*/openblas-serial)
file(GLOB _i /usr/include/*/openblas-serial)
add_library(OpenBLAS::OpenBLAS UNKNOWN IMPORTED)
set_target_properties(OpenBLAS::OpenBLAS PROPERTIES IMPORTED_LOCATION ${_d}/libopenblas.so INTERFACE_INCLUDE_DIRECTORIES ${_i})
