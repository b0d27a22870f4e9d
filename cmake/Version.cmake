# SLUICE_VERSION: what `git describe` says, or the text of VERSION in a tree
# without history. SLUICE_NUMERIC_VERSION: its leading numbers, for CMake.
#
# A commit configures again, so that the version in the products follows.

function(sluice_version result)
  set(source ${CMAKE_CURRENT_SOURCE_DIR})

  find_program(GIT_EXECUTABLE git)
  if(GIT_EXECUTABLE AND EXISTS ${source}/.git)
    execute_process(
      COMMAND ${GIT_EXECUTABLE} describe --tags --always --dirty
      WORKING_DIRECTORY ${source}
      OUTPUT_VARIABLE described
      OUTPUT_STRIP_TRAILING_WHITESPACE
      ERROR_QUIET)

    foreach(name logs/HEAD HEAD)
      execute_process(
        COMMAND ${GIT_EXECUTABLE} rev-parse --git-path ${name}
        WORKING_DIRECTORY ${source}
        OUTPUT_VARIABLE path
        OUTPUT_STRIP_TRAILING_WHITESPACE
        ERROR_QUIET)
      get_filename_component(path "${path}" ABSOLUTE BASE_DIR ${source})
      if(EXISTS ${path})
        set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${path})
      endif()
    endforeach()
  endif()

  if(NOT described AND EXISTS ${source}/VERSION)
    file(STRINGS ${source}/VERSION described LIMIT_COUNT 1)
  endif()

  if(NOT described)
    set(described unknown)
  endif()

  set(${result} ${described} PARENT_SCOPE)
endfunction()

sluice_version(SLUICE_VERSION)

if(SLUICE_VERSION MATCHES "^v?([0-9]+(\\.[0-9]+)+)")
  set(SLUICE_NUMERIC_VERSION ${CMAKE_MATCH_1})
else()
  set(SLUICE_NUMERIC_VERSION 0.0.0)
endif()
