# Packs the sdk: OUTPUT/NAME.tar.gz. Called at build time with SOURCE, VERSION, ARCHIVE
# (the core), COMMAND, COPYRIGHT and STRIP.

cmake_minimum_required(VERSION 3.18)
include(${CMAKE_CURRENT_LIST_DIR}/../Status.cmake)

set(SDK ${CMAKE_CURRENT_LIST_DIR})
set(root ${OUTPUT}/${NAME})
file(REMOVE_RECURSE ${root})

execute_process(COMMAND ${SDK}/glibc ${ARCHIVE} ${SDK}/glibc-version RESULT_VARIABLE status)
sluice_expect_success("${status}" "the check of what ${ARCHIVE} needs of glibc")
file(STRINGS ${SDK}/glibc-version GLIBC LIMIT_COUNT 1)

file(COPY ${SOURCE}/module ${SOURCE}/LICENSE ${COPYRIGHT} ${COMMAND} DESTINATION ${root})
file(COPY ${SOURCE}/bridge/bridge.h DESTINATION ${root}/bridge)
file(COPY ${SOURCE}/proto/launch.proto DESTINATION ${root}/proto)
file(COPY ${SOURCE}/cmake/FindMesos.cmake ${SOURCE}/cmake/mesos DESTINATION ${root}/cmake)
configure_file(${ARCHIVE} ${root}/libsluice_core.a COPYONLY)
execute_process(
  COMMAND ${STRIP} --strip-debug libsluice_core.a sluice
  WORKING_DIRECTORY ${root}
  RESULT_VARIABLE status)
sluice_expect_success("${status}" "stripping the core")
configure_file(${SDK}/CMakeLists.txt.in ${root}/CMakeLists.txt @ONLY)
configure_file(${SDK}/README.md.in ${root}/README.md @ONLY)

execute_process(
  COMMAND ${CMAKE_COMMAND} -E tar czf ${NAME}.tar.gz ${NAME}
  WORKING_DIRECTORY ${OUTPUT}
  RESULT_VARIABLE status)
sluice_expect_success("${status}" "packing ${NAME}.tar.gz")
file(REMOVE_RECURSE ${root})
