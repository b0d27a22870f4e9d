# What is built beside the products, as far as there is what it needs: SLUICE_HARNESS, the
# stand-in for an agent and the programs of the benchmark, and SLUICE_TESTS. A package
# needs neither. SLUICE_DEVELOPER leaves nothing out.

set(needed "")
if(SLUICE_DEVELOPER)
  set(needed REQUIRED)
endif()

find_path(PICOJSON_INCLUDE_DIR picojson.h HINTS ${Mesos_picojson_INCLUDE_DIR} ${needed})
set(SLUICE_HARNESS ON)
if(NOT PICOJSON_INCLUDE_DIR)
  set(SLUICE_HARNESS OFF)
  message(STATUS "No picojson.h: sluice-harness and the tests are left out")
endif()

set(SLUICE_TESTS OFF)
if(BUILD_TESTING AND SLUICE_HARNESS)
  find_package(GTest ${needed})
  if(GTest_FOUND)
    set(SLUICE_TESTS ON)
  else()
    message(STATUS "No GoogleTest: the tests are left out")
  endif()
endif()
