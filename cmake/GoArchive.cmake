# sluice_go_build(<name> PACKAGE <dir> [ARCHIVE] [OUTPUT <file>] [STATIC])
#
# Builds a Go package. With ARCHIVE, <name> is an imported static library made
# with -buildmode=c-archive; otherwise it is a target that makes the program
# OUTPUT, as part of `all`; with STATIC, one that needs no glibc and is of no Mesos,
# and is not part of `all`.
#
# What the package is made from comes from `go list -deps`, through a dependency
# file: an edit in any package of the module builds again, a second build does
# nothing.

find_program(GO_EXECUTABLE go HINTS /usr/local/go/bin)
if(NOT GO_EXECUTABLE)
  message(FATAL_ERROR "The Go toolchain is missing: put `go` on the PATH, or name it with -DGO_EXECUTABLE=")
endif()

set(SLUICE_GO_BUILD_SCRIPT ${CMAKE_CURRENT_LIST_DIR}/GoBuild.cmake)

function(sluice_go_build name)
  cmake_parse_arguments(arg "ARCHIVE;STATIC" "PACKAGE;OUTPUT" "" ${ARGN})

  set(mode pie)
  if(SLUICE_RACE)
    set(mode exe) # the race detector takes no PIE
  endif()
  set(mesos ${SLUICE_MESOS})
  if(arg_STATIC)
    set(mode static)
    set(mesos "")
  endif()
  if(arg_ARCHIVE)
    set(mode c-archive)
    set(arg_OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/go/${name}.a)

    if(SLUICE_BRIDGE_ARCHIVE)
      set(arg_OUTPUT ${SLUICE_BRIDGE_ARCHIVE})
    endif()
  endif()

  if(NOT arg_ARCHIVE OR NOT SLUICE_BRIDGE_ARCHIVE)
    set(depfile ${CMAKE_CURRENT_BINARY_DIR}/go/${name}.d)

    add_custom_command(
      OUTPUT ${arg_OUTPUT}
      COMMAND ${CMAKE_COMMAND}
        -D GO=${GO_EXECUTABLE}
        -D MODE=${mode}
        -D PACKAGE=${arg_PACKAGE}
        -D SOURCE=${PROJECT_SOURCE_DIR}
        -D OUTPUT=${arg_OUTPUT}
        -D DEPFILE=${depfile}
        -D RACE=${SLUICE_RACE}
        -D TAGS=${SLUICE_GO_TAGS}
        -D VERSION=${SLUICE_VERSION}
        -D MESOS=${mesos}
        -D TREE=${Mesos_TREE}
        -P ${SLUICE_GO_BUILD_SCRIPT}
      DEPENDS ${SLUICE_GO_BUILD_SCRIPT}
      DEPFILE ${depfile}
      COMMENT "Building the Go package ${arg_PACKAGE}"
      VERBATIM)
  endif()

  if(NOT arg_ARCHIVE)
    if(arg_STATIC)
      add_custom_target(${name} DEPENDS ${arg_OUTPUT})
    else()
      add_custom_target(${name} ALL DEPENDS ${arg_OUTPUT})
    endif()
    return()
  endif()

  add_custom_target(${name}_build DEPENDS ${arg_OUTPUT})
  add_library(${name} STATIC IMPORTED GLOBAL)
  add_dependencies(${name} ${name}_build)
  set_target_properties(${name} PROPERTIES
    IMPORTED_LOCATION ${arg_OUTPUT}
    INTERFACE_INCLUDE_DIRECTORIES ${PROJECT_SOURCE_DIR}
    INTERFACE_LINK_LIBRARIES "Threads::Threads;${CMAKE_DL_LIBS}")
endfunction()
