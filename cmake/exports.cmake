# exports.cmake - turn the functions of a public header into a linker's version script.
#
#   cmake -DOUTPUT=plainfilm.map -DHEADER=plainfilm.h -P exports.cmake
#
# Names, and no pattern: gcc gives the resolvers of functions with target_clones default
# visibility whatever was asked for, and the archives that are linked in, FAISS and the
# C++ in it, were compiled to be seen.
file(READ "${HEADER}" text)
string(REGEX REPLACE "#define[^\n]*" "" text "${text}")
string(REGEX MATCHALL "PF_API[^;(]*[(]" declarations "${text}")
set(names "")
foreach(declaration IN LISTS declarations)
  string(REGEX REPLACE ".*[ *\n]([a-z0-9_]+)[(]" "    \\1;\n" name "${declaration}")
  string(APPEND names "${name}")
endforeach()
if(NOT names)
  message(FATAL_ERROR "'${HEADER}' declares no function as PF_API")
endif()
file(WRITE "${OUTPUT}" "{\nglobal:\n${names}local:\n    *;\n};\n")
