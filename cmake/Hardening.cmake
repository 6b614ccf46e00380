# Hardening - pf_flags gets what makes a bug in reading somebody's bytes harder to use:
# checked copies, guarded stacks, read-only relocations, programs at random addresses.
#
# For builds that users have. A Debug build is left alone, since _FORTIFY_SOURCE wants an
# optimiser, and one with sanitizers, which watch the same calls. What a compiler does
# not have is left out; tests/hardening.sh reads what came of it.
#
#   PF_IS_HARDENED   this build is one of them
include(CheckCCompilerFlag)
include(CheckPIESupported)
check_pie_supported()

if(CMAKE_BUILD_TYPE MATCHES "^(Release|RelWithDebInfo|MinSizeRel)$" AND NOT PF_SANITIZE)
  set(PF_IS_HARDENED TRUE)
else()
  set(PF_IS_HARDENED FALSE)
  return()
endif()

foreach(flag IN ITEMS -fstack-protector-strong -fstack-clash-protection -fcf-protection)
  string(MAKE_C_IDENTIFIER "PF_HAS${flag}" has)
  check_c_compiler_flag(${flag} ${has})
  if(${has})
    target_compile_options(pf_flags INTERFACE ${flag})
  endif()
endforeach()

# Level 3 measures memory whose size is known only at run time, too.
set(level 2)
include(CheckCSourceCompiles)
check_c_source_compiles("int main(int argc, char **argv)
  { return (int)__builtin_dynamic_object_size(argv[argc - 1], 0); }" PF_HAS_FORTIFY_3)
if(PF_HAS_FORTIFY_3)
  set(level 3)
endif()
# Some compilers come with a level of their own.
target_compile_options(pf_flags INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=${level})

target_link_options(pf_flags INTERFACE LINKER:-z,relro LINKER:-z,now
  LINKER:-z,noexecstack)
