# Writes the man pages of the command, compressed, into the directory OUTPUT. Called at
# build time with GO, SOURCE, OUTPUT and VERSION.

cmake_minimum_required(VERSION 3.18)

include(${CMAKE_CURRENT_LIST_DIR}/../Status.cmake)

file(REMOVE_RECURSE ${OUTPUT})
file(MAKE_DIRECTORY ${OUTPUT})

execute_process(
  COMMAND ${GO} run -tags man -buildvcs=false
    -ldflags "-X sluice/core/version.Version=${VERSION}" ./core/cmd/sluice man ${OUTPUT}
  WORKING_DIRECTORY ${SOURCE}
  RESULT_VARIABLE status)
sluice_expect_success("${status}" "the command's man pages")

file(GLOB pages ${OUTPUT}/*.8)
if(NOT pages)
  message(FATAL_ERROR "the command has written no man page into ${OUTPUT}")
endif()
execute_process(COMMAND gzip -9n ${pages} RESULT_VARIABLE status)
sluice_expect_success("${status}" "gzip of the man pages")
